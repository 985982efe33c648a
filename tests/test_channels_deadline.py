"""Deadlines come when they are due, in whatever order they were set, and not when the work was done in time."""

from __future__ import annotations

import threading

from watcher.channels.deadline import Deadlines

SOON, NEVER = 0.05, 600.0


def wait(deadlines: Deadlines, seconds: float) -> bool:
    """Work until the deadline of so many seconds comes; return whether it came."""
    late = threading.Event()
    with deadlines.within(seconds, late.set):
        return late.wait(30)


def test_what_takes_too_long_is_called_out() -> None:
    assert wait(Deadlines(), SOON)


def test_a_short_deadline_comes_though_a_long_one_was_set_before() -> None:
    """The thread sleeps until the long one, and must be woken."""
    deadlines, far = Deadlines(), threading.Event()
    with deadlines.within(NEVER, far.set):
        assert wait(deadlines, SOON)
        assert wait(deadlines, SOON)
    assert not far.is_set()


def test_what_was_done_in_time_is_not_called_out() -> None:
    deadlines, late = Deadlines(), threading.Event()
    with deadlines.within(SOON, late.set):
        pass
    assert wait(deadlines, 2 * SOON)  # longer than the one that was met
    assert not late.is_set()


def test_many_deadlines_of_many_threads_cost_one_thread() -> None:
    deadlines, before = Deadlines(), threading.active_count()
    late = [threading.Event() for _ in range(20)]
    workers = [threading.Thread(target=lambda one=one: _work(deadlines, one)) for one in late]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(one.is_set() for one in late)
    assert threading.active_count() == before + 1


def _work(deadlines: Deadlines, late: threading.Event) -> None:
    with deadlines.within(SOON, late.set):
        late.wait(30)
