"""status.json may be written by everybody in the service's group: whatever it holds, the commands answer."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import support_simulator as support
from support_daemon import Home

from watcher import presence
from watcher.simulator import Simulator, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

EVIL = "\x1b]0;owned\x07\u009b31m\u202eevil"
COMMANDS = (("status",), ("status", "-o", "json"), ("health",), ("doctor",), ("show", "nova-legal-v1"))
GOOD: dict[str, Any] = {
    "version": 1,
    "program": EVIL,
    "started_at": 1.0,
    "configured_at": 1.0,
    "reloaded_at": 1.0,
    "reload_error": EVIL,
    "written_at": 1.0,
    "written_monotonic": 1.0,
    "standing_still": [EVIL],
    "database_error": EVIL,
    "headline": EVIL,
    "groups": {EVIL: {"jobs": 1, "next_poll_at": 1.0, "swept_at": 1.0}},
    "queues": {EVIL: json.dumps({"fault": "network", "code": EVIL, "reason": EVIL, "remedy": EVIL})},
    "channels": [EVIL],
    "service": {"unit": EVIL, "manager": EVIL},
    "configuration": EVIL,
    "database": EVIL,
}
WRONG: tuple[Any, ...] = (None, True, -1, 1e300, 10**40, "x", EVIL, [], [1], {}, {"a": 1}, {"a": {"b": []}}, [[]] * 3)


def forged(pid: int) -> list[bytes]:
    """Return contents that a hostile member of the group may write."""
    whole = GOOD | {"pid": pid}
    found = [json.dumps(whole | {name: value}) for name in whole for value in WRONG]
    found += [json.dumps({key: value for key, value in whole.items() if key != name}) for name in whole]
    found += ["", "null", "[]", "1", "NaN", '{"pid": NaN}', "[" * 100_000, '{"pid":' * 50_000, "x" * 1_048_576]
    found.append(json.dumps(whole)[:-1] + ', "more": ' + "[" * 900 + "]" * 900 + "}")
    return [text.encode() for text in found] + [b"\xff\xfe\x00", b"\x00" * 4096]


def test_no_content_at_all_is_read_as_anything_but_the_members_that_the_daemon_writes(tmp_path: Path) -> None:
    forms = {name: type(value) for name, value in GOOD.items() if name != "version"}
    for content in forged(os.getpid()):
        (tmp_path / "status.json").write_bytes(content)
        read = presence.read_status(tmp_path)
        for name, value in (read or {}).items():
            if name in forms and forms[name] is not float:
                assert isinstance(value, forms[name]), content[:300]
            assert "\x1b" not in repr(value).replace("\\x1b", "\x1b"), content[:300]
            assert "\u202e" not in str(value)


def test_neither_a_fifo_nor_a_link_in_its_place_is_opened(tmp_path: Path) -> None:
    file, other = tmp_path / "status.json", tmp_path / "other"
    os.mkfifo(file)
    assert presence.read_status(tmp_path) is None
    file.unlink()
    other.write_text(json.dumps(GOOD | {"pid": 1}))
    file.symlink_to(other)
    assert presence.read_status(tmp_path) is None


def test_the_commands_answer_beside_a_daemon_whose_status_is_forged(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """The daemon stands still meanwhile, so that it does not write it again; nothing reaches the terminal raw."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        daemon.popen.send_signal(signal.SIGSTOP)
        file, pid = tmp_path / "state" / "status.json", daemon.popen.pid
        hostile = [json.dumps(GOOD | {"pid": pid}).encode(), b"[" * 100_000, json.dumps({"pid": pid}).encode()]
        hostile.append(json.dumps(GOOD | {"pid": pid} | {key: [[{}]] for key in GOOD}).encode())
        for content in hostile:
            file.write_bytes(content)
            for words in COMMANDS:
                done = home.run(*words)
                assert done.returncode in (0, 1, 3), (words, content[:200], done.stderr)
                assert not {"\x1b", "\x07", "\u009b", "\u202e"} & set(done.stdout + done.stderr), (words, content[:80])
