"""The bench measures what it says: its clocks, its copies, its Bedrock and its words; not how fast anything is."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from bench import report
from bench.costs import Cost, compare
from bench.goals import Results, Verdict, judge, percentile
from bench.machine import describe
from bench.processes import Place, Unmeasurable, cpu, environment, spent, wait_for, world
from bench.watching import home
from bench.world import arn
from support_client import nobodys_credentials, using

from watcher.bedrock.client import Look

MACHINE = {
    "cpu": "a",
    "cores": 1,
    "memory_mb": 1,
    "system": "b",
    "python": "c",
    "sqlite": "d",
    "fsync_ms": 1.0,
    "load": [0.0],
}


credentials = pytest.fixture(nobodys_credentials)


@pytest.fixture
def place() -> Iterator[Place]:
    with world(1500) as made:
        yield made


def test_the_cpu_of_another_process_is_what_it_used() -> None:
    """Against Python's own account, from within that process."""
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        first = cpu(process.pid)
        process.stdin.close()
    assert first >= 0.2
    with pytest.raises(Unmeasurable, match="is gone"):
        cpu(process.pid)


def test_a_program_that_fails_cannot_be_measured() -> None:
    assert spent([sys.executable, "-c", "pass"], environment()) > 0
    with pytest.raises(Unmeasurable, match="exits with 3"):
        spent([sys.executable, "-c", "raise SystemExit(3)"], environment())


def test_what_never_happens_cannot_be_measured() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "pass"]) as process,
        pytest.raises(Unmeasurable, match="until it rains"),
    ):
        wait_for(lambda: False, "it rains", process)


def test_the_world_answers_the_products_own_client_page_by_page_and_notes_what_first_carried_a_change(
    place: Place, credentials: None
) -> None:
    async def ask(look: Look) -> None:
        first = await look.page(0.0, None)
        second = await look.page(0.0, first.token)
        assert [len(first.summaries), len(second.summaries), second.token] == [1000, 500, None]
        assert second.summaries[-1].arn == arn(1499)
        place.ask("change/1200")
        before = time.monotonic()
        await look.page(0.0, None)
        assert "1200" not in place.ask("counts")["carried"]
        moved = (await look.page(0.0, first.token)).summaries[200]
        assert before <= place.ask("counts")["carried"]["1200"] <= time.monotonic()
        assert moved.arn == arn(1200)
        assert moved != second.summaries[200]
        answer = await look.get(arn(1200))
        assert answer.facts["statusDetails"]["trainingDetails"]["status"] == "Completed"

    using(place.url, ask)


def test_copied_jobs_are_jobs_that_the_daemon_has_seen(place: Place) -> None:
    """Their first sweep is one List a page, and nothing is written: as if each had been looked at before."""
    with home(place.url, 1500) as made, closing(made.connect()) as connection:
        before = place.ask("counts")
        made.run("run", "--once")
        after = place.ask("counts")
        assert (after["List"] - before.get("List", 0), after["Get"], before["Get"]) == (2, 1, 1)
        rows = connection.execute("SELECT count(DISTINCT arn), count(DISTINCT name), max(arn) FROM jobs").fetchone()
        assert rows == (1500, 1500, arn(1499))


def test_clients_are_measured_in_rounds_on_the_same_jobs() -> None:
    ours, paginator, floor = compare(1000, 2, ("bedrock-watch", "boto3-list", "floor"))
    for cost in (ours, paginator, floor):
        assert len(cost.rounds) == 2
        assert min(cost.rounds) > 0
        assert cost.rss > 1
    assert (paginator.calls, floor.calls, ours.commits) == (1, 1, 0)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert Cost("a", 1, [1.0, 10.0, 3.0]).times(Cost("b", 1, [1.0, 2.0, 1.0])) == 3.0


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_a_missed_goal_says_by_how_much() -> None:
    assert Verdict("a", 30.0, 20.0, " ms").words == "30 ms (<= 20 ms): MISSED by 50%"
    assert Verdict("a", 200.0, 400.0, "/s", least=True).words == "200/s (>= 400/s): MISSED by 50%"
    assert Verdict("a", 400.0, 400.0, "/s", least=True).words == "400/s (>= 400/s): reached"


def results() -> Results:
    costs = [Cost("bedrock-watch", jobs, [0.005], 1, 100.0, 0) for jobs in (1_000, 10_000, 100_000)]
    return Results(
        MACHINE, {"aws": "the AWS CLI is not installed"}, [*costs, Cost("boto3-list", 1_000, [0.5], 1, 58.0)]
    )


def test_the_table_names_what_was_not_measured() -> None:
    shown = report.text(results())
    assert "NOT MEASURED: the AWS CLI is not installed" in shown
    assert "100x (>= 40x): reached" in shown
    assert judge(results())[0].goal.startswith("CPU of boto3-list")
    assert judge(Results(MACHINE, {})) == []


def test_the_plot_is_an_svg_with_a_line_for_each_client() -> None:
    drawing = ET.fromstring(report.plot(results()))  # noqa: S314 - it is our own
    lines = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 1]


def test_the_machine_is_described_without_naming_it() -> None:
    said = str(describe())
    assert platform.node() not in said
    assert str(Path.home()) not in said
