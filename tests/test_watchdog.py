"""Which loops the watchdog waits for, and for how long: the daemon's own parts, with a real socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest
from support_sweep import Diary

from watcher.config import Config
from watcher.daemon.lanes import Lanes
from watcher.daemon.parts import Parts
from watcher.daemon.pulses import Pulses, beat
from watcher.daemon.reload import Reload
from watcher.daemon.report import Report
from watcher.daemon.watch import Watch
from watcher.errors import StoreError
from watcher.loop import Bell
from watcher.store import Store
from watcher.systemd import Notifier

Scene = Callable[[Parts, Report, Callable[[], list[str]]], Awaitable[None]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "x.db")
    yield store
    store.close()


def play(store: Store, directory: Path, scene: Scene) -> Diary:
    """Play *scene* with the parts of a daemon whose watchdog waits for 100 ms, and return its log."""
    log = Diary()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(directory / "notify"))
        systemd.setblocking(False)

        def told() -> list[str]:
            messages = []
            while True:
                try:
                    messages.append(systemd.recv(65536).decode())
                except BlockingIOError:
                    return messages

        async def main() -> None:
            config = Config(None, directory)
            parts = Parts(config, store, log)
            lanes, watch = Lanes(parts), Watch(parts, lambda: None)
            reload = Reload(parts, watch, lanes, lambda: config)
            report = Report(parts, watch, lanes, reload, Notifier(str(directory / "notify"), 0.1))
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(report.live)
                    await scene(parts, report, told)
                    tasks.cancel_scope.cancel()

        anyio.run(main)
    return log


async def until(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds."""
    while not condition():
        await anyio.sleep(0.01)


def test_one_loop_that_stands_still_is_enough_to_starve_the_watchdog(store: Store, tmp_path: Path) -> None:
    """It is named in the log and in STATUS=, once; when it moves again, the watchdog is fed again."""
    seen: dict[str, object] = {}

    async def scene(parts: Parts, report: Report, told: Callable[[], list[str]]) -> None:
        stuck, enough = anyio.Event(), anyio.Event()

        async def turn() -> float | None:
            if not enough.is_set():
                stuck.set()
                await enough.wait()
            return None

        async with anyio.create_task_group() as tasks:
            await until(lambda: "WATCHDOG=1" in told())
            tasks.start_soon(parts.take_turns, "channel ops", 0.2, turn, Bell())
            tasks.start_soon(parts.take_turns, "poll x", 60.0, turn, Bell())
            await stuck.wait()
            await until(lambda: "standing_still" in parts.log.lines)  # type: ignore[attr-defined]
            told()
            await anyio.sleep(0.5)
            seen["starved"] = told()
            seen["headline"] = report.headline()
            enough.set()
            await until(lambda: "moving_again" in parts.log.lines)  # type: ignore[attr-defined]
            await until(lambda: "WATCHDOG=1" in told())
            tasks.cancel_scope.cancel()

    log = play(store, tmp_path, scene)
    assert seen["starved"] == []
    assert "standing still: channel ops" in str(seen["headline"])
    assert "poll x" not in str(seen["headline"])
    assert log.lines == ["standing_still", "moving_again"]


def test_a_long_turn_that_moves_is_not_a_late_one() -> None:
    """A sweep of ten thousand jobs beats at each try."""
    pulses = Pulses()
    with pulses.of("poll", 0.05) as pulse:
        pulse.beaten_at -= 1.0
        assert pulses.late() == ["poll"]
        beat()
        assert pulses.late() == []
    pulse.beaten_at -= 1.0
    assert pulses.late() == []


def test_to_beat_outside_of_any_loop_is_nothing() -> None:
    beat()


def test_waiting_for_the_disk_is_not_standing_still(store: Store, tmp_path: Path) -> None:
    """A restart would help nobody; and when there is room again everybody is given a full measure of time."""
    works = False

    def verb() -> int:
        if not works:
            raise StoreError("no room", passing=True)
        return 7

    async def scene(parts: Parts, report: Report, told: Callable[[], list[str]]) -> None:
        nonlocal works
        with parts.pulses.of("poll", 30.0) as pulse:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(parts.transact, verb)
                await until(lambda: parts.fault)
                pulse.beaten_at -= 60.0
                assert parts.late() == []
                assert "no room" in report.headline()
                told()
                await until(lambda: "WATCHDOG=1" in told())
                works = True
                await until(lambda: not parts.fault)
                assert parts.late() == []

    log = play(store, tmp_path, scene)
    assert log.lines == ["database_failing", "database_works_again"]


def test_what_does_not_pass_is_raised_at_once(store: Store, tmp_path: Path) -> None:
    def verb() -> None:
        raise StoreError("damaged")

    async def scene(parts: Parts, report: Report, told: Callable[[], list[str]]) -> None:
        with pytest.raises(StoreError, match="damaged"):
            await parts.transact(verb)
        assert parts.fault is None

    assert play(store, tmp_path, scene).lines == []


def test_a_migration_that_lasts_asks_for_patience_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.systemd._EXTEND_EVERY", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        with Notifier(str(tmp_path / "notify")).patience():
            told = [systemd.recv(4096).decode() for _ in range(4)]
            time.sleep(0)
        systemd.setblocking(False)
        while True:
            try:
                systemd.recv(4096)
            except BlockingIOError:
                break
        systemd.settimeout(0.3)
        with pytest.raises(TimeoutError):
            systemd.recv(4096)
    assert told == ["EXTEND_TIMEOUT_USEC=60000000"] * 4
