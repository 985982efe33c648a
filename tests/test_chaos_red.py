"""A small chaos run is good with the daemon as it is, and bad with one that is broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.arena import Result, perform
from chaos.inboxes import Mood
from chaos.plan import Birth, Plan, Size
from chaos.records import Life
from chaos.stage import Stage

from watcher.simulator import Phase, Script

NOTHING = Plan(0, Size(kills=0, seconds=0, jobs=0, longest=0))
JOB = Script("job-001", (Phase(3600, "InProgress", {"trainingDetails": "InProgress"}), Phase(0, "Completed")), speed=60)
DEADLINE = 60.0


def watch_one_job(stage: Stage) -> None:
    stage.insist("add", stage.simulator.play(JOB), "--no-wait")
    stage.born[JOB.name] = Birth(JOB, 0, configured=False)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def death_in_flight(mood: Mood, is_reached: Callable[[Stage], object]) -> Callable[[Stage], None]:
    """Let the daemon be killed as soon as *is_reached*, while the webhook is in a mood."""

    def happens(stage: Stage) -> None:
        watch_one_job(stage)
        stage.simulator.stop(JOB.name, seconds=0)
        stage.inboxes["hook"].mood = mood
        begin, popen = time.time(), stage.home.begin()
        try:
            wait_for(lambda: is_reached(stage))
        finally:
            popen.kill()
            popen.wait()
        stage.lives.append(Life(begin, time.time()))

    return happens


def is_being_sent(stage: Stage) -> object:
    attempted = "SELECT 1 FROM deliveries WHERE channel = 'hook' AND attempts > 0"
    return stage.home.database.exists() and stage.home.query(attempted)


def is_marked(stage: Stage) -> object:
    marked = "SELECT 1 FROM deliveries WHERE channel = 'hook' AND state = 'sent'"
    return stage.home.database.exists() and stage.home.query(marked)


def is_in_hand(stage: Stage) -> object:
    return stage.inboxes["hook"].messages


def busy_once(stage: Stage) -> None:
    """The webhook turns the first message down, and has nothing against the second."""
    watch_one_job(stage)
    hook = stage.inboxes["hook"]
    hook.mood = Mood.BUSY
    begin, popen = time.time(), stage.home.begin()
    try:
        wait_for(lambda: hook.tries)
        hook.mood = Mood.WELL
        stage.simulator.stop(JOB.name, seconds=0.5)
        wait_for(lambda: hook.messages)
    finally:
        popen.kill()
        popen.wait()
    stage.lives.append(Life(begin, time.time()))


UNREAD = death_in_flight(Mood.DEAF, is_being_sent)
UNANSWERED = death_in_flight(Mood.HANGING, is_in_hand)


def run(directory: Path, broken: str, happens: Callable[[Stage], None]) -> Result:
    result = perform(NOTHING, directory, broken=broken, only=happens)
    assert not result.stage.bugs
    return result


@pytest.mark.parametrize("happens", [UNREAD, UNANSWERED, busy_once], ids=["unread", "unanswered", "busy once"])
def test_the_daemon_as_it_is_passes(tmp_path: Path, happens: Callable[[Stage], None]) -> None:
    result = run(tmp_path, "", happens)
    assert result.good, result.verdict
    assert result.verdict.counts["events"] >= 1


def test_a_daemon_that_marks_before_it_sends_is_found_to_lose(tmp_path: Path) -> None:
    """What was on its way to the other channels may be lost with it, and then nobody is told."""
    verdict = run(tmp_path, "mark-first", death_in_flight(Mood.DEAF, is_marked)).verdict
    told = "hook was not told event 1 (STOPPED job-001)", "job-001: its end (Stopped) was told nowhere"
    assert not set(told).isdisjoint(verdict.lost)


def test_a_daemon_that_never_doubts_is_found_to_repeat_without_a_mark(tmp_path: Path) -> None:
    verdict = run(tmp_path, "never-doubt", UNANSWERED).verdict
    assert "hook: event 1 came again without saying that it may be a repeat" in verdict.duplicates.wrong


def test_a_daemon_that_lets_news_overtake_itself_is_found_out(tmp_path: Path) -> None:
    verdict = run(tmp_path, "overtake", busy_once).verdict
    assert any(one.startswith("hook: event 1 of job-001 came after event 2") for one in verdict.reordered)
