"""The fire drill of the README runs as it is written."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
from pathlib import Path

from support_daemon import DEADLINE, Home, Process, environment, posted
from support_drill import PROGRAM, simulating
from support_receivers import web_receiver

README = Path(__file__).parents[1] / "README.md"


def blocks() -> list[str]:
    """Return the shell blocks of the README's fire drill."""
    section = README.read_text().partition("\n## Fire drills\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def free_port() -> str:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_the_fire_drill_of_the_readme_alerts_the_channels_of_the_configuration(tmp_path: Path) -> None:
    begin, watch, add, faults = blocks()
    port = free_port()
    env = environment() | {"PATH": f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(text: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-ec", text.replace("4599", port)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    copy, serve = begin.strip().splitlines()
    with web_receiver() as hook:
        (tmp_path / "config.toml").write_text(f'[[channel]]\nname = "hook"\nurl = "json://{hook.address}/"\n')
        run(copy)
        words = shlex.split(serve.replace("4599", port), comments=True)
        with simulating(*words[2:], "--stagger", "1h", "--scenario", "queued", cwd=tmp_path) as simulator:
            simulator.started(1)
            log = tmp_path / "daemon.log"
            with log.open("ab") as stream:
                popen = subprocess.Popen(shlex.split(watch), cwd=tmp_path, env=env, stdout=stream, stderr=stream)
            daemon = Process(popen, Home(tmp_path, ""))
            try:
                daemon.wait_for(lambda: "job_found" in log.read_text())
                program, curl = add.strip().splitlines()
                assert curl.count('"failing"') == 1
                for line in (f"{program} --speed 3000", curl.replace('"failing"', '"failing", "speed": 3000')):
                    assert "arn:aws:bedrock:us-east-1:123456789012:" in run(line)
                daemon.wait_for(lambda: len([one for one in posted(hook) if "FAILED nova-legal" in one.title]) == 2)
                run(faults)
                assert daemon.terminate() == 0
            finally:
                if popen.poll() is None:
                    daemon.kill()
