"""Commands beside the daemon: what they import, what they advise, and what they say of channels."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import support_signals  # noqa: F401 - its import is its work
from support_cli import Program, daemon, program, see, seen
from support_jobs import arn, at, response
from support_outbox import buried, claimed

from watcher import clock
from watcher.cli import demo
from watcher.cli.invocation import runnable
from watcher.config import examine
from watcher.config.secret import read_secret
from watcher.files import who_may

__all__ = ["program"]

DAEMON = ("process", "watch", "lanes", "parts", "reload", "report", "heart", "queues", "pulses")


def modules(code: str) -> set[str]:
    """Return the modules that are imported when *code* has run in a process of its own."""
    whole = f"import sys\ntry:\n {code}\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    return set(done.stderr.splitlines()[-1].split())


def test_a_preview_imports_neither_the_daemon_nor_the_sdk(program: Program) -> None:
    loaded = modules("from watcher.cli import main; main(['channel', 'preview', '--family', 'text'])")
    assert "watcher.cli.preview" in loaded
    assert not loaded & {f"watcher.daemon.{name}" for name in DAEMON}
    assert not {name.partition(".")[0] for name in loaded} & {"aioboto3", "botocore", "apprise"}


def test_what_matches_now_is_found_without_the_daemon(program: Program) -> None:
    loaded = modules("import watcher.cli.discover, watcher.daemon.survey")
    assert not loaded & {f"watcher.daemon.{name}" for name in DAEMON}
    assert "apprise" not in loaded


# iam-policy


@pytest.mark.parametrize("ended", [True, False])
def test_the_policy_covers_jobs_of_the_configuration_that_ended(program: Program, *, ended: bool) -> None:
    program.configure(f'[[job]]\nid = "{arn(1)}"\n[[job]]\nid = "a-name"\nregion = "eu-west-1"\n')
    if ended:
        with program.store() as store:
            job = seen(store)
            see(store, job, response(1, status="Completed", minute=9, endTime=at(9)))
    assert program("iam-policy", "--account", "123456789012") == 0
    assert "bedrock:GetModelCustomizationJob" in program.out
    assert program("iam-policy") == 0
    assert set(json.loads(program.out)) == {"123456789012", "*"}


# next steps


def test_a_next_step_is_written_so_that_it_can_be_run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    """In a clone, after ``make demo``, the program is not on PATH."""
    own = tmp_path / "bin/bedrock-watch"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    text = "first bedrock-watch config init, then bedrock-watch add JOB; bedrock-watch needs Python"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [str(own)])
    assert runnable(text) == f"first {own} config init, then {own} add JOB; bedrock-watch needs Python"
    monkeypatch.setattr("sys.argv", ["/somewhere/__main__.py"])
    assert f"{sys.executable} -m watcher add JOB" in runnable(text)
    program("list")
    assert f"{sys.executable} -m watcher add JOB" in program.err
    monkeypatch.setenv("PATH", str(own.parent))
    assert runnable(text) == text


# a user without a home


def test_a_uid_of_a_container_is_told_to_set_state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no home, no name and no sudo: ``docker run --user 54321``."""
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    monkeypatch.delenv("HOME")
    advice = who_may(tmp_path / "state/bedrock-watch.db")
    assert "name a state_dir in the configuration (or $STATE_DIRECTORY) that uid 54321 may write" in advice
    assert "sudo" not in advice
    config, mistakes = examine(None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert [(one.key, one.remedy) for one in mistakes] == [("state_dir", "set state_dir, or $STATE_DIRECTORY")]
    assert config.state_dir.is_absolute()
    assert examine(None, {"XDG_CONFIG_HOME": str(tmp_path), "STATE_DIRECTORY": "/var/lib/x"})[1] == ()


# secrets


def test_a_byte_order_mark_in_a_secret_s_file_is_harmless(tmp_path: Path) -> None:
    """Notepad and PowerShell write one (of the heartbeat's file, too)."""
    file = tmp_path / "hook"
    file.write_bytes(b"\xef\xbb\xbfjson://127.0.0.1/\r\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_secret("x", None, file, None, {}) == "json://127.0.0.1/"
    assert read_secret("x", None, None, "hook", environment) == "json://127.0.0.1/"
    assert read_secret("x", "\ufeffjson://127.0.0.1/", None, None, {}) == "json://127.0.0.1/"


# channels


def refused(program: Program) -> None:
    """Let the last message of a channel be refused."""
    program.configure('[[channel]]\nname = "ops"\nurl = "json://127.0.0.1:9"\n')
    with program.store() as store:
        job = seen(store)
        ended = response(1, status="Completed", minute=9, endTime=at(9))
        see(store, job, ended, channels=("ops",))
        message = claimed(store, "ops")
        buried(store, [message], "HTTP 410 Gone")


def test_status_names_a_channel_whose_last_messages_did_not_arrive(program: Program) -> None:
    refused(program)
    program("status")
    assert "cannot send    channel ops: HTTP 410 Gone" in program.out
    program("status", "-o", "json")
    assert program.document()["failing_channels"] == {"ops": "HTTP 410 Gone"}


def test_doctor_does_not_say_ok_of_such_a_channel(program: Program) -> None:
    """It can be reached; what it was sent was refused."""
    refused(program)
    found = {
        "check": "channel",
        "subject": "ops",
        "grade": "ok",
        "what": "JSON answers: connected",
        "remedy": "",
        "code": 1,
    }
    answer = {"findings": [found], "by": {"pid": 1, "user": "watch"}}

    def turn(store: object) -> None:
        request = store.requests.take(clock.now())  # type: ignore[attr-defined]
        if request is not None:
            store.requests.answer(request.id, answer, clock.now())  # type: ignore[attr-defined]

    with daemon(program.state_dir, turn=turn):
        program("doctor", "-o", "json")
    (row,) = (one for one in program.document()["findings"] if one["subject"] == "ops")
    assert row["severity"] == "warn"
    assert "its last messages were not accepted: HTTP 410 Gone" in row["finding"]


@pytest.mark.parametrize("more", [{"AWS_ENDPOINT_URL": "garbage"}, {"AWS_RETRY_MODE": "bogus"}])
def test_doctor_says_which_setting_of_the_host_is_wrong(
    program: Program, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    program.configure(f'[[job]]\nid = "{arn(1)}"\n')
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", **more}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", more.get("AWS_ENDPOINT_URL", "http://127.0.0.1:9"))
    assert program("doctor", "-o", "json") in (3, 5)
    failed = [one for one in program.document()["findings"] if one["severity"] == "fail" and one["check"] == "aws"]
    assert any(next(iter(more.values())) in one["finding"] for one in failed), failed


# signals and stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_modules_are_imported_ends_the_program_without_a_traceback(
    program: Program, tmp_path: Path, number: int, code: int
) -> None:
    """Its import of click is held up, as a slow disk does it."""
    (tmp_path / "click.py").write_text("import sys, time\nprint('here', flush=True)\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "status"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, b"")


def test_sigterm_ends_a_wait(program: Program) -> None:
    """Also as process 1 of a container, for which the system has no default; what was printed is all there."""
    program.configure('[aws]\nendpoint_url = "http://127.0.0.1:9"\nsign = false\n')
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "wait", arn(1)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        time.sleep(3)  # wherever it is by then
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to try")
@pytest.mark.parametrize(
    ("words", "code"), [("list", 0), ("list --all", 0), ("show nobody", 4), ("frob", 2), ("status", 3)]
)
@pytest.mark.parametrize("stderr", ["2> /dev/full", "2>&-", "2>&1 >/dev/null | true"])
def test_an_stderr_that_cannot_be_written_changes_no_exit_code(
    program: Program, words: str, code: int, stderr: str
) -> None:
    with program.store() as store:
        seen(store)
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    command = f"{sys.executable} -m watcher {words} {stderr}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run([bash, "-c", command], capture_output=True, check=False)
    assert done.returncode == code


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_suite_can_test_ctrl_c_in_the_background_of_a_script() -> None:
    """There SIGINT is ignored, and a program inherits that."""
    test = "tests/test_get.py::test_ctrl_c_ends_it"
    command = f"trap '' INT; exec {sys.executable} -m pytest -p no:xdist {test}"
    root = Path(__file__).parent.parent
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_demo_runs_no_program_of_the_current_folder(tmp_path: Path) -> None:
    package = tmp_path / "watcher"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("print('foreign')")
    command = [sys.executable, *demo._ONLY_OURS, "-m", "watcher", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("bedrock-watch, version ")
