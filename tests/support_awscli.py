"""The real AWS CLI (version 1, from PyPI) and our ``get``, each in a process of its own for each call.

A call is a fork of a process that has imported the program already: the imports are most of what a call costs.  Not
its business: what is asked (``test_get_*``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_RUNNER = """
import importlib, json, os, sys, tempfile
module, prefix = sys.argv[1], json.loads(sys.argv[2])
main = importlib.import_module(module).main
for name in sys.argv[3:]:
    importlib.import_module(name)
done = []
for words in json.load(sys.stdin):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = ["program", *prefix, *words]
            try:
                code = main()
            except SystemExit as error:
                code = error.code
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
        done.append([code, *texts])
json.dump(done, sys.stdout)
"""


@dataclass(frozen=True)
class Done:
    """What a call came to."""

    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with dummy credentials and a configuration of its own under *home*, and nobody's real ones."""
    config = home / "aws-config"
    if not config.exists():
        config.write_text("[default]\ncli_timestamp_format = iso8601\n")
    others = ("AWS_", "BEDROCK_WATCH_", "COLUMNS", "NO_COLOR")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(others) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "TERM": "xterm",
        **more,
    }


def aws(calls: Sequence[Sequence[str]], env: dict[str, str]) -> list[Done]:
    """Let the real AWS CLI get a customization job, once for each list of options."""
    return _run("awscli.clidriver", ["bedrock", "get-model-customization-job"], ["awscli.handlers"], calls, env)


def ours(calls: Sequence[Sequence[str]], env: dict[str, str]) -> list[Done]:
    """Let our program do the same."""
    return _run("watcher.cli", ["get"], ["watcher.cli.get.command", "watcher.bedrock.once"], calls, env)


def _run(
    module: str, prefix: list[str], preload: list[str], calls: Sequence[Sequence[str]], env: dict[str, str]
) -> list[Done]:
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER, module, json.dumps(prefix), *preload],
        input=json.dumps([list(call) for call in calls]),
        capture_output=True,
        text=True,
        env=env,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Done(*one) for one in json.loads(done.stdout)]
