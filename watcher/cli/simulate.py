"""``bedrock-watch simulate``: a Bedrock of one's own, for fire drills.

The configuration that points at it goes to stdout (``bedrock-watch simulate > drill.toml``), words go to stderr.
Not its business: the daemon that watches it (``run``), and the ready-made show (``demo``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from watcher.config.sections import REGION

if TYPE_CHECKING:
    from watcher.simulator import Fault, Simulator


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--scenario", "scenarios", multiple=True, metavar="NAME", help="Job to play, repeatable; default: one of each."
)
@click.option(
    "--speed", type=click.FloatRange(1, 1e6), default=60.0, show_default=True, help="AWS's seconds in a real one."
)
@click.option("--region", default="us-east-1", show_default=True, help="Region of the jobs.")
@click.option("--failure-message", default="", help="What a failing job says; default: a genuine message of AWS.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:COUNT]",
    help="What goes wrong, repeatable: throttled:3 spoils three answers, throttled all.",
)
def simulate(
    port: int, scenarios: tuple[str, ...], speed: float, region: str, failure_message: str, faults: tuple[str, ...]
) -> None:
    """Serve a simulated Bedrock on loopback, for fire drills.

    Prints a configuration for the jobs that it plays, and serves until Ctrl-C.  Scenarios: distillation, fine_tuning,
    failing, stopped, queued, importing, batch, partial_batch, expired_batch, evaluation, failing_evaluation, copying,
    deployment, provisioned, prompt.

    Faults: throttled, internal, unavailable, denied, expired_token, unrecognized_client, invalid_signature, not_found,
    html_ok, html_bad_gateway, hang, reset, slow, malformed, truncated, wrong_type, wrong_status, unknown_status,
    unknown_members, stale, missing, duplicated.
    """
    import anyio

    from watcher.simulator import SCENARIOS, Simulator

    if not re.fullmatch(REGION, region):
        raise click.BadParameter(f"{region!r} is not a region; write it like us-east-1", param_hint="--region")
    simulator = Simulator()
    for word in faults:
        simulator.inject(_fault(word))
    scripts = []
    for name in scenarios or SCENARIOS:
        if name not in SCENARIOS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(SCENARIOS)}", param_hint="--scenario")
        message = {"failure_message": failure_message} if failure_message and "failing" in name else {}
        scripts.append(SCENARIOS[name](region=region, speed=speed, **message))

    async def begin() -> None:
        async with simulator.serve(port=port) as endpoint:
            arns = [simulator.play(script) for script in scripts]
            await _until_interrupted(simulator, endpoint, arns)

    anyio.run(begin)


async def _until_interrupted(simulator: Simulator, endpoint: str, arns: list[str]) -> None:
    """Print what to do with the endpoint, and wait for Ctrl-C or SIGTERM: both are a clean end."""
    import signal

    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        click.echo(_configuration(endpoint, arns))
        click.echo(_words(endpoint, arns), err=True)
        async for _ in signals:
            break
    counts = ", ".join(f"{count} {operation}" for operation, count in sorted(simulator.counts.items()))
    click.echo(f"stopped; requests answered: {counts or 'none'}", err=True)


def _fault(word: str) -> Fault:
    """Return the fault that ``KIND[:COUNT]`` means; raises BadParameter."""
    from watcher.simulator import Fault, Kind

    kind, colon, count = word.partition(":")
    if kind not in list(Kind):
        raise click.BadParameter(f"{kind!r} is not one of {', '.join(Kind)}", param_hint="--fault")
    if colon and not (count.isdecimal() and int(count)):
        raise click.BadParameter(f"{count!r} is not a count of 1 or more", param_hint="--fault")
    return Fault(kind=Kind(kind), count=int(count) if colon else None)


def _configuration(endpoint: str, arns: list[str]) -> str:
    """Return a configuration (TOML) that watches the jobs at the endpoint."""
    lines = [
        "# A fire drill on a simulated Bedrock.  Add your own [[channel]] tables.",
        'state_dir = "drill-state"  # a database of its own, beside this file',
        "",
        "[aws]",
        f'endpoint_url = "{endpoint}"',
        "sign = false",
        "",
        "[poll]",
        'fastest = "1s"',
        'slowest = "5s"',
    ]
    for arn in arns:
        lines += ["", "[[job]]", f'id = "{arn}"']
    return "\n".join(lines)


def _words(endpoint: str, arns: list[str]) -> str:
    """Return what a person wants to know."""
    lines = [
        f"The simulated Bedrock serves {endpoint} until Ctrl-C.",
        "stdout has a configuration for it, with a database of its own: keep it in a file, and run",
        "  bedrock-watch --config FILE run",
        "Where the daemon already uses this endpoint, the jobs can be added by hand:",
        *(f"  bedrock-watch add {arn}" for arn in arns),
        "To make something go wrong:",
        f'  curl --json \'{{"kind": "throttled", "count": 3}}\' {endpoint}/_simulator/faults',
        f"and to make it stop: curl -X DELETE {endpoint}/_simulator/faults",
    ]
    return "\n".join(lines)
