"""A credential_process, however much it prints and however long it takes, ends as a typed error in bounded memory."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import anyio
import pytest
import support_askers
from support_askers import refused_credentials
from support_signin import Files

from watcher.bedrock.client import Keys, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.program import MOST_PRINTED, Program
from watcher.errors import LookError, LookFault

files = pytest.fixture(autouse=True)(support_askers.signed_in)

GOOD = '{"Version": 1, "AccessKeyId": "ASIA123456789012", "SecretAccessKey": "testing"}'


def process(files: Files, directory: Path, script: str) -> None:
    """Let a profile have its credentials from a program."""
    (directory / "give.py").write_text(script)
    files.config(f"[profile people]\ncredential_process = {sys.executable} {directory}/give.py\n")


def refused_within(seconds: float) -> LookError:
    """Return the error of the profile's credentials, which may take so long."""

    async def find() -> None:
        keys = Keys(Credentials("people"), Settings(credentials_timeout=seconds))
        try:
            await keys.client("us-east-1")
        finally:
            await keys.close()

    with pytest.raises(LookError) as caught:
        anyio.run(find)
    return caught.value


def test_credentials_as_long_as_the_limit_are_used(files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, f"print({GOOD!r}.ljust({MOST_PRINTED - 1}))")
    support_askers.credentials(Credentials("people"))


def test_a_program_that_prints_more_than_the_limit_is_refused(files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, f"print({GOOD!r}.ljust({MOST_PRINTED}))")
    error = refused_credentials(Credentials("people"))
    assert error.fault is LookFault.CREDENTIALS
    assert "it printed more than 64 KB" in error.reason
    assert "see why the source of profile 'people' fails" in error.remedy


def test_a_program_that_prints_for_ever_is_killed(files: Files, tmp_path: Path) -> None:
    process(
        files,
        tmp_path,
        f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nwhile 1: print('x' * 999)",
    )
    assert "it printed more than 64 KB" in refused_credentials(Credentials("people")).reason
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_a_program_that_complains_at_length_still_gives_credentials(files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, f"import sys\nsys.stderr.write('x' * 3_000_000)\nprint({GOOD!r})")
    support_askers.credentials(Credentials("people"))


def test_a_failure_is_explained_in_the_program_s_own_words_in_any_encoding(files: Files, tmp_path: Path) -> None:
    process(
        files, tmp_path, r"import os; os.write(2, b'token expir\xe9: sign in' + b'!' * 200_000); raise SystemExit(3)"
    )
    error = refused_credentials(Credentials("people"))
    assert "token expir\N{REPLACEMENT CHARACTER}: sign in" in error.reason
    assert len(error.reason) < 1024


def test_a_program_whose_background_process_keeps_its_output_open_ends_in_time(tmp_path: Path) -> None:
    """It has left the process group, so that only the time ends the wait."""
    script = (
        "import os, sys, time\n"
        "if os.fork(): sys.exit(0)\n"
        f"os.setsid(); open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)\n"
    )
    program = Program([sys.executable, "-c", script], 2.0, stdout=-1, stderr=-1)
    with pytest.raises(Exception, match="it did not end within 2 s"):
        program.communicate()
    _end(tmp_path / "pid")


def test_the_search_for_credentials_goes_on_after_a_program_that_keeps_its_output_open(
    files: Files, tmp_path: Path
) -> None:
    script = (
        "import os, sys, time\n"
        f"if os.path.exists({str(tmp_path / 'pid')!r}):\n    print({GOOD!r}); sys.exit(0)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').close()\n"
        "if os.fork(): sys.exit(0)\n"
        f"os.setsid(); open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)\n"
    )
    process(files, tmp_path, script)

    async def find_twice() -> None:
        keys = Keys(Credentials("people"), Settings(credentials_timeout=2.0))
        try:
            with pytest.raises(LookError):
                await keys.client("us-east-1")
            with anyio.fail_after(60):
                while True:
                    try:
                        await keys.client("us-east-1")
                    except LookError:
                        await anyio.sleep(0.1)
                    else:
                        return
        finally:
            await keys.close()

    try:
        anyio.run(find_twice)
    finally:
        _end(tmp_path / "pid")


def test_a_program_that_never_ends_is_named(files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, "import os, time; os.close(1); os.close(2); time.sleep(600)")
    error = refused_within(1.0)
    assert error.fault is LookFault.CREDENTIALS
    assert "within 1 s" in error.reason


def _runs(pid: int) -> bool:
    """Return whether a process runs; one that is being reaped has a moment."""
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return Path(f"/proc/{pid}").exists()


def _end(file: Path) -> None:
    os.kill(int(file.read_text()), signal.SIGKILL)
