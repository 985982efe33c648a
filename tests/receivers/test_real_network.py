"""Squid between the program and everybody, and rsyslog, which never confirms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jail import DEADLINE, Server, jailed
from support_daemon import Home
from support_receivers import server_tls, web_receiver
from support_simulator import running

from watcher.channels import open_channel
from watcher.model import Message, Sent, Severity
from watcher.simulator import Phase, Script, Simulator

ALERT = Message("[bedrock] FAILED nova-support", "AccessDenied on s3://bucket/key", Severity.FAILURE)
SQUID = """
http_port 127.0.0.1:3128
http_access allow all
cache deny all
access_log stdio:/srv/access.log
cache_log /srv/cache.log
pid_filename /srv/squid.pid
coredump_dir /srv
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.example.com
"""
RSYSLOG = """
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="514")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="514")
*.* action(type="omfile" file="/srv/messages")
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Server]:
    """Squid on port 3128."""
    directory = tmp_path / "squid"
    directory.mkdir()
    with jailed(directory, "squid -N -f /etc/squid/own.conf", {"squid/own.conf": SQUID}, 3128) as server:
        yield server


def test_the_program_reaches_aws_and_a_receiver_through_a_proxy(proxy: Server, tmp_path: Path) -> None:
    """AWS by requests to the proxy, the receiver's TLS by a tunnel (CONNECT)."""
    tls, bundle = server_tls(tmp_path)
    simulator = Simulator()
    script = Script("nova-proxy", (Phase(3600, "InProgress"), Phase(0, "Failed")), speed=3600)
    with running(simulator) as endpoint, web_receiver(tls) as hook:
        arn = simulator.play(script)
        through = "http://127.0.0.1:3128"
        home = Home(
            tmp_path,
            endpoint,
            [arn],
            {"hook": f"jsons://{hook.address}/"},
            channel=f'ca_bundle = "{bundle}"',
            env={"HTTP_PROXY": through, "HTTPS_PROXY": through},
        )
        with home.running() as daemon:
            daemon.wait_for(lambda: any("FAILED" in request.json["title"] for request in tuple(hook.requests)))
            assert daemon.terminate() == 0
    log = (proxy.directory / "access.log").read_text()
    assert f"CONNECT {hook.address}" in log
    assert f"GET {endpoint}/model-customization-jobs" in log
    assert home.logged("bug") == []


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[Server]:
    """The server rsyslog on port 514, UDP and TCP."""
    command = "rsyslogd -n -f /etc/own.conf -i /srv/pid"
    with jailed(tmp_path, command, {"own.conf": RSYSLOG}, 514) as server:
        yield server


def test_a_message_over_udp_arrives_and_is_not_called_confirmed(syslog: Server) -> None:
    verdict = open_channel("syslog", "rsyslog://127.0.0.1/").send(ALERT)
    assert isinstance(verdict, Sent)
    assert not verdict.confirmed
    end, messages = time.monotonic() + DEADLINE, syslog.directory / "messages"
    while not (messages.exists() and ALERT.body in messages.read_text()):
        assert time.monotonic() < end, syslog.output()
        time.sleep(0.05)
