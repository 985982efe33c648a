"""What a run found, for people (a table), for programs (JSON), and for the README (an SVG)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import log10
from typing import Any

from bench.goals import Results, judge, percentile

NAMES = {
    "bedrock-watch": "bedrock-watch, the whole daemon",
    "confirm": "bedrock-watch, the daily Get of each",
    "boto3-get": "boto3, 10 threads, Get",
    "boto3-list": "boto3, List paginator",
    "aws": "aws CLI, a process a job",
    "airflow": "Airflow's deferrable trigger",
    "floor": "raw asyncio, List, no diff",
}


def document(results: Results) -> dict[str, Any]:
    """Return everything, as JSON values."""
    verdicts = [asdict(one) | {"reached": one.reached} for one in judge(results)]
    return {"version": 1, **asdict(results), "goals": verdicts}


def text(results: Results) -> str:
    """Return the tables."""
    return "\n".join(line for part in (_machine, _costs, _news, _starts, _goals) for line in (*part(results), ""))


def _machine(results: Results) -> Iterator[str]:
    one = results.machine
    yield f"{one['cpu']}, {one['cores']} cores, {one['memory_mb']:,} MB; {one['system']}"
    yield f"Python {one['python']}, SQLite {one['sqlite']}, fsync {one['fsync_ms']} ms"
    yield "load at the beginning: " + ", ".join(str(load) for load in one["load"])


def _costs(results: Results) -> Iterator[str]:
    head = ("CLIENT", "JOBS", "CPU ms / 1000 JOB-POLLS", "x OURS", "API CALLS / CYCLE", "RSS MB", "WRITES")
    rows = []
    for cost in results.costs:
        ours = results.cost("bedrock-watch", cost.jobs)
        rows.append(
            (
                NAMES[cost.client],
                f"{cost.jobs:,}",
                f"{cost.median * 1000:,.1f}",
                f"{cost.times(ours):,.3g}" if ours else "",
                f"{cost.calls:,.4g}",
                f"{cost.rss:,.0f}" + (" each" if cost.client == "aws" else ""),
                "" if cost.commits is None else str(cost.commits),
            )
        )
    yield from table(head, rows)
    for why in results.absent.values():
        yield f"NOT MEASURED: {why}"
    if results.rest:
        yield f"between sweeps, at the usual cadence, the daemon of 1000 jobs uses {results.rest:.1f} CPU seconds an hour"


def _news(results: Results) -> Iterator[str]:
    if results.detection:
        points = ", ".join(f"p{part * 100:.0f} {percentile(results.detection, part):.1f}" for part in (0.5, 0.99))
        yield f"from the response that carries a change to the hook's receipt, {len(results.detection)} changes:"
        yield f"  {points}, max {max(results.detection):.1f} ms"
    rows = [
        (drain.scheme, *(f"{statistics.median(rates):.0f}" for rates in (drain.ours, drain.naive)), _gain(drain))
        for drain in results.drains
    ]
    if rows:
        yield from table(("OUTBOX DRAIN", "OURS /s", "NAIVE APPRISE /s", "GAIN"), rows)


def _gain(drain: Any) -> str:
    return f"{statistics.median(drain.ours) / statistics.median(drain.naive):.1f}x"


def _starts(results: Results) -> Iterator[str]:
    names = {"python": "python -c pass", "list": "bedrock-watch list, 50 jobs, piped", "aws": "aws --version"}
    rows = [(names[name], f"{statistics.median(used) * 1000:.1f}") for name, used in results.starts.items()]
    if rows:
        yield from table(("START", "CPU ms"), rows)
    for stall in results.stalls:
        yield (
            f"event loop, {stall['jobs']:,} jobs: longest callback {stall['callback']:.1f} ms of CPU"
            f" ({stall['culprit']}); a timer was late by {stall['late']:.1f} ms at most"
        )


def _goals(results: Results) -> Iterator[str]:
    yield from table(("GOAL", "MEASURED"), [(one.goal, one.words) for one in judge(results)])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Return aligned lines; what is no first column stands to the right, unless it is words."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 420, 70, 30, 230, 50
_COLORS = {"bedrock-watch": "#0b7a3b", "floor": "#888888", "boto3-list": "#c77700", "boto3-get": "#b3261e"}


def plot(results: Results) -> str:
    """Return an SVG: CPU seconds to look at all jobs once, against their number, both logarithmic."""
    lines = {
        client: sorted((cost.jobs, cost.median * cost.jobs / 1000) for cost in results.costs if cost.client == client)
        for client in _COLORS
    }
    shown = {client: points for client, points in lines.items() if points}
    counts = [jobs for points in shown.values() for jobs, _ in points]
    spent = [seconds for points in shown.values() for _, seconds in points]
    across = _scale(min(counts), max(counts), _LEFT, _WIDTH - _RIGHT)
    upwards = _scale(min(spent), max(spent), _HEIGHT - _BOTTOM, _TOP)
    body = [*_grid(across, _decades(min(counts), max(counts)), upright=True)]
    body += _grid(upwards, _decades(min(spent), max(spent)), upright=False)
    for client, points in shown.items():
        dots = [(across(jobs), upwards(seconds)) for jobs, seconds in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        color = _COLORS[client]
        body.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>' for x, y in dots]
        x, y = dots[-1]
        body.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{color}">{NAMES[client]}</text>')
    body.append(f'<text x="{_LEFT}" y="18" fill="#555">CPU seconds to look at all jobs once</text>')
    body.append(f'<text x="{_LEFT}" y="{_HEIGHT - 12}" fill="#555">jobs watched, none of them changing</text>')
    style = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13"'
    background = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {style}>\n{background}\n' + "\n".join(body) + "\n</svg>\n"


def _scale(low: float, high: float, begin: float, end: float) -> Any:
    span = log10(high / low) or 1.0
    return lambda value: begin + (end - begin) * log10(value / low) / span


def _decades(low: float, high: float) -> list[float]:
    powers = range(-6, 7)
    return [10.0**power for power in powers if low <= 10.0**power * 1.0001 and 10.0**power <= high * 1.0001]


def _grid(scale: Any, values: Sequence[float], *, upright: bool) -> Iterator[str]:
    for value in values:
        at, word = scale(value), f"{value:,g}" if value < 1 else f"{value:,.0f}"
        if upright:
            ends = f'x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"'
            place = f'x="{at:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle"'
        else:
            ends = f'x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"'
            place = f'x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end"'
        yield f'<line {ends} stroke="#ddd"/><text {place} fill="#555">{word}</text>'
