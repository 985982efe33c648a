"""``bedrock-watch add -``: the jobs that are read from stdin."""

from __future__ import annotations

import io
import os
import pty

import pytest
from support_cli import Program, program
from support_jobs import arn

from watcher.model import Job

__all__ = ["program"]


def jobs(program: Program) -> list[Job]:
    """Return what is watched."""
    with program.store() as store:
        return store.jobs.listed(every=True)


def test_a_dash_reads_jobs_from_stdin(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """One a line; blank lines and comments are passed over."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# mine\n\n  {arn(1)}  \n{arn(2)}\n#{arn(3)}\n"))
    assert program("add", "-", arn(4)) == 0
    assert {job.arn for job in jobs(program)} == {arn(1), arn(2), arn(4)}


def test_of_a_table_on_stdin_the_first_column_is_read(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the AWS CLI prints it, and as people annotate it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{arn(1)}\tnova\tInProgress\n{arn(2)} # the bot\n{arn(3)}#x\n"))
    assert program("add", "-") == 0
    assert {job.arn for job in jobs(program)} == {arn(1), arn(2), arn(3)}


def test_a_malformed_line_of_stdin_is_named_by_its_number(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments and blank lines count, as they do in an editor."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# mine\n{arn(1)}\n\nmy_job\n"))
    assert program("add", "-") == 2
    assert "line 4: neither a Bedrock job ARN nor a job name: 'my_job'" in program.err
    assert not program.state_dir.exists()


def test_on_a_terminal_it_says_what_it_waits_for(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real pseudo-terminal, at which somebody writes a line and presses Ctrl-D."""
    person, terminal = pty.openpty()
    with os.fdopen(person, "wb", buffering=0) as keys, os.fdopen(terminal) as stdin:
        keys.write(f"{arn(1)}\n\x04".encode())
        monkeypatch.setattr("sys.stdin", stdin)
        assert program("add", "-") == 0
    assert "reading identifiers, one a line; end with Ctrl-D" in program.err
    assert [job.arn for job in jobs(program)] == [arn(1)]


def test_an_empty_stdin_adds_nothing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("# nothing\n"))
    assert program("add", "-") == 2
    assert "no job on stdin" in program.err
