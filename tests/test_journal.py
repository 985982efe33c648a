"""A real journal: systemd-journald in a mount namespace of its own, whose /run is empty; the program writes to it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import support_simulator as support
from support_daemon import Home

from watcher.simulator import Simulator, failing

simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
clock = pytest.fixture(support.clock)

JOURNALD = Path("/lib/systemd/systemd-journald")

SCRIPT = """
set -e
mount -t tmpfs none /run
mkdir -p /run/systemd /run/log/journal
"$JOURNALD" > /dev/null 2>&1 &
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
"$@" 2> "$STDERR" || true
journalctl --sync || sleep 1
journalctl --directory /run/log/journal --no-pager --output json SYSLOG_IDENTIFIER=bedrock-watch
kill %1
"""


def journal(tmp_path: Path, home: Home) -> list[dict[str, Any]]:
    """Let the program look once with a journal as its stderr; return the journal's entries, oldest first."""
    stderr = tmp_path / "stderr"
    stderr.touch()
    here = stderr.stat()
    env = home.environment() | {
        "JOURNAL_STREAM": f"{here.st_dev}:{here.st_ino}",
        "STDERR": str(stderr),
        "JOURNALD": str(JOURNALD),
    }
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", SCRIPT, "journal"]
    done = subprocess.run(
        [*command, *home.command("run", "--once")], capture_output=True, text=True, env=env, timeout=60, check=False
    )
    if "Operation not permitted" in done.stderr or "permission denied" in done.stderr.lower():
        pytest.skip(f"NOT TESTED: a journal of one's own needs root: {done.stderr.strip()}")
    assert stderr.read_text() == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(
    not (JOURNALD.exists() and shutil.which("journalctl")), reason="NOT TESTED: this machine has no systemd-journald"
)
def test_the_journal_takes_each_event_as_one_entry_with_a_priority_and_its_fields(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """And they can be asked for: journalctl BEDROCK_JOB=...; nothing is left for stderr."""
    job = simulator.play(failing())
    entries = journal(tmp_path, Home(tmp_path, endpoint, [job]))
    events = {entry["BEDROCK_EVENT"]: entry for entry in entries}
    assert list(events) == ["started", "no_channel", "news"]
    assert [entry["PRIORITY"] for entry in entries] == ["6", "4", "6"]
    assert events["news"]["BEDROCK_JOB"] == job
    assert events["news"]["MESSAGE"].startswith(f"news job={job} ")
    assert events["started"]["BEDROCK_JOBS"] == "1"
