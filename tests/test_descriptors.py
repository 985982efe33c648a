"""A process that may open no more files says so, wherever it stumbles: at its credentials, or at a poll."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support_daemon import environment
from support_receivers import Reply, web_receiver
from support_signin import sign_in

CHILD = """
import os, resource, sys
import anyio
from watcher.bedrock.client import Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.errors import LookError

def leave(number):
    # Descriptors are given out from the lowest on, so that this many are left.
    highest = max(map(int, os.listdir("/proc/self/fd")))
    for _ in range(100):
        os.dup(0)
    taken = len(os.listdir("/proc/self/fd")) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + number, taken + number))

async def main(when, profile, url, left):
    keys = Keys(Credentials(profile), Settings(endpoint_url=url))
    look = Look(KIND, "us-east-1", keys)
    if when == "poll":
        await keys.client("us-east-1")
    leave(left)
    try:
        await look.get("job")
    except LookError as error:
        print(error.code, "|", error.reason, "|", error.remedy, flush=True)
    else:
        print("answered", flush=True)
    os._exit(0)

anyio.run(main, *sys.argv[1:4], int(sys.argv[4]))
"""


def asked(tmp_path: Path, when: str, url: str, left: int, *, config: str = "", profile: str = "", sts: str = "") -> str:
    """Return what a child process says that has so many descriptors *left* for its credentials, or for a poll."""
    (tmp_path / "config").write_text(config)
    keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""} if profile else {}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, when, profile, url, str(left)],
        env=environment()
        | {"AWS_CONFIG_FILE": str(tmp_path / "config"), "NO_PROXY": "127.0.0.1", "AWS_ENDPOINT_URL_STS": sts or url}
        | keys,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_the_limit(said: str) -> bool:
    return said.startswith("TooManyOpenFiles | ") and "raise LimitNOFILE of the service (ulimit -n)" in said


def test_a_poll_without_a_descriptor_left_names_the_limit(tmp_path: Path) -> None:
    with web_receiver() as bedrock:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        assert names_the_limit(asked(tmp_path, "poll", bedrock.url, 0))
        assert asked(tmp_path, "poll", bedrock.url, 20) == "answered\n"


@pytest.mark.parametrize("left", range(6))
@pytest.mark.parametrize("source", ["process", "role", "files"])
def test_a_search_for_credentials_without_descriptors_names_the_limit(tmp_path: Path, source: str, left: int) -> None:
    """However many are left: the last one may be missing at any step."""
    (tmp_path / "keys.json").write_text('{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B"}')
    keys = "aws_access_key_id = A\naws_secret_access_key = B\n"
    config = {
        "process": f"[profile p]\ncredential_process = cat {tmp_path}/keys.json\n",
        "role": f"[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\n[profile q]\n{keys}",
        "files": f"[profile p]\n{keys}",
    }[source]
    with web_receiver() as bedrock, sign_in() as sts:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        said = asked(tmp_path, "credentials", bedrock.url, left, config=config, profile="p", sts=sts.url)
        assert names_the_limit(said) or said == "answered\n", said
        assert left or said != "answered\n"
