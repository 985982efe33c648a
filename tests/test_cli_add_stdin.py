"""``bedrock-watch add -``: the jobs that are read from stdin."""

from __future__ import annotations

import codecs
import io
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
import support_signals  # noqa: F401 - its import is its work
from support_cli import Program, program
from support_jobs import arn

from watcher.model import Job
from watcher.store.jobs import Jobs, Wanted

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
    assert "reading jobs, one per line; end with Ctrl-D" in program.err
    assert [job.arn for job in jobs(program)] == [arn(1)]


def test_an_empty_stdin_adds_nothing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("# nothing\n"))
    assert program("add", "-") == 2
    assert "no job on stdin" in program.err


def read(program: Program, monkeypatch: pytest.MonkeyPatch, data: bytes) -> int:
    """Run ``add -`` on these bytes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return program("add", "-")


@pytest.mark.parametrize(
    "line",
    [
        f"{arn(1)}\t{arn(2)}\t{arn(3)}\n",
        f"{arn(1)} {arn(2)}   {arn(3)}",
        f"{arn(1)}\r\n{arn(2)}\t{arn(3)}\r\n",
        f"nova-1\t{arn(1)}\tCompleted\nnova-2\t{arn(2)}\tNone\n{arn(3)}\tnova\tnull\n",
    ],
)
def test_every_arn_of_a_line_is_added(program: Program, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """``aws ... --query '[].jobArn' --output text`` prints them on one line, between tabs (aws/aws-cli#914)."""
    assert read(program, monkeypatch, line.encode()) == 0
    assert {job.arn for job in jobs(program)} == {arn(1), arn(2), arn(3)}


@pytest.mark.parametrize("text", ["None\n", "null", f"{arn(1)}\nNone\n", f"{arn(1)}\tNone\t{arn(2)}\n"])
def test_a_value_that_is_absent_is_no_job_and_nothing_is_added(
    program: Program, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The AWS CLI prints None where a query finds nothing (aws/aws-cli#7277), jq prints null."""
    assert read(program, monkeypatch, text.encode()) == 2
    assert "is what the AWS CLI and jq print where there is no value" in program.err
    assert not program.state_dir.exists()


@pytest.mark.parametrize("words", [("add", "None"), ("add", "null"), ("wait", "None"), ("wait", "null")])
def test_an_absent_value_on_the_command_line_is_refused(program: Program, words: tuple[str, ...]) -> None:
    assert program(*words) == 2
    assert "there is no value" in program.err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_harmless(program: Program, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """PowerShell writes UTF-16 with one."""
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    assert read(program, monkeypatch, mark + f"{arn(1)}\r\n{arn(2)}\r\n".encode(encoding)) == 0
    assert {job.arn for job in jobs(program)} == {arn(1), arn(2)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (f"{arn(1)}\n".encode("utf-16-le"), "stdin is not UTF-8 text: it has zero bytes"),
        (f"{arn(1)}\nn\xf6va\n".encode("latin-1"), "line 2 of stdin is not UTF-8 text"),
        (codecs.BOM_UTF16_LE + b"a", "line 1 of stdin is not UTF-16 text"),
    ],
)
def test_what_is_no_text_is_said_and_nothing_is_added(
    program: Program, monkeypatch: pytest.MonkeyPatch, data: bytes, said: str
) -> None:
    assert read(program, monkeypatch, data) == 2
    assert said in program.err
    assert not program.state_dir.exists()


@pytest.mark.parametrize("words", [("add", "-"), ("wait", "-")])
def test_ctrl_c_while_stdin_is_read_adds_nothing_and_says_so(program: Program, words: tuple[str, ...]) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from watcher.cli import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(f"{arn(1)}\n".encode())
        process.stdin.flush()
        time.sleep(2)  # it may still be starting: then it ends all the same
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not program.state_dir.exists()


def test_all_jobs_are_added_or_none(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when somebody presses Ctrl-C in the middle."""
    added = Jobs.add

    def interrupted(self: Jobs, wanted: Wanted, now: float, *, ask: bool) -> tuple[Job, bool]:
        if str(wanted.identifier) == arn(3):
            raise KeyboardInterrupt
        return added(self, wanted, now, ask=ask)

    monkeypatch.setattr(Jobs, "add", interrupted)
    assert program("add", arn(1), arn(2), arn(3)) == 130
    assert jobs(program) == []
    assert "no job was added" in program.err
