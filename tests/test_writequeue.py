"""Writes that block are done by a thread: nobody waits, nothing is reordered, and what is dropped is counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from watcher.logs.stream import QueuedStream
from watcher.writequeue import WriteQueue, write_all

DEADLINE = 30.0


class Gate:
    """A place to write to that takes nothing until it is opened, and remembers what it took."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.taken: list[str] = []

    def write(self, text: str) -> None:
        """Take *text*, once the gate is open."""
        assert self.open.wait(DEADLINE)
        self.taken.append(text)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def put(queue: WriteQueue, gate: Gate, *texts: str, important: bool = False) -> None:
    for text in texts:
        queue.put(partial(gate.write, text), 10, important=important)


def test_writes_are_done_in_the_order_in_which_they_came(gate: Gate) -> None:
    queue = WriteQueue()
    for number in range(50):
        put(queue, gate, str(number), important=number % 3 == 0)
    gate.open.set()
    assert queue.flush(DEADLINE)
    assert gate.taken == [str(number) for number in range(50)]


def test_when_there_is_no_room_errors_push_out_routine_lines_and_the_gap_is_reported(gate: Gate) -> None:
    reported: list[int] = []
    queue = WriteQueue(capacity=50, on_dropped=reported.append)
    put(queue, gate, *"abcdefgh")
    put(queue, gate, "E", "F", important=True)
    gate.open.set()
    assert queue.flush(DEADLINE)
    put(queue, gate, "later")
    assert queue.flush(DEADLINE)
    assert gate.taken[-3:] == ["E", "F", "later"]
    assert sum(reported) == 10 + 1 - len(gate.taken)
    assert sum(reported) > 0


def test_routine_lines_never_push_out_an_error(gate: Gate) -> None:
    queue = WriteQueue(capacity=30)
    put(queue, gate, "E", "F", important=True)
    put(queue, gate, *"abcdefgh")
    gate.open.set()
    assert queue.flush(DEADLINE)
    assert {"E", "F"} <= set(gate.taken)


def test_a_flush_that_waited_in_vain_is_not_waited_for_again(gate: Gate) -> None:
    queue = WriteQueue()
    put(queue, gate, "a")
    assert not queue.flush(0.01)
    assert not queue.flush(10 * DEADLINE)  # the test would not end


def test_a_write_that_fails_costs_that_write_alone(gate: Gate) -> None:
    reported: list[int] = []
    queue = WriteQueue(on_dropped=reported.append)
    gate.open.set()
    queue.put(partial(write_all, -1, b"x"), 1)
    put(queue, gate, "after")
    assert queue.flush(DEADLINE)
    assert gate.taken == ["after"]
    put(queue, gate, "much later")
    assert queue.flush(DEADLINE)
    assert reported == [1]


def test_what_is_printed_to_the_stand_in_arrives_as_whole_lines() -> None:
    reading, writing = os.pipe()
    queue = WriteQueue()
    stream = QueuedStream(queue, writing)
    print("one\ntwo", end="", file=stream)
    print(" three \udcff", file=stream)
    print("unfinished", end="", file=stream, flush=True)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"one\ntwo three \\udcff\nunfinished"


def test_a_descriptor_that_somebody_made_non_blocking_still_gets_everything() -> None:
    """O_NONBLOCK belongs to the open file, which a shell or a container runtime shares with us."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = os.urandom(1 << 20)

    def write() -> None:
        write_all(writing, data)
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == data
    thread.join(DEADLINE)
