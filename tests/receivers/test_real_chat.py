"""Mosquitto, ngIRCd and Synapse: what arrives there, and what is said of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from jail import DEADLINE, Server, jailed, running
from paho.mqtt.enums import CallbackAPIVersion
from support_daemon import Home
from support_simulator import running as serving

from watcher.channels import Limits, open_channel
from watcher.model import Message, Sent, Severity
from watcher.simulator import Phase, Script, Simulator

ALERT = Message("[bedrock] FAILED nova-support", "AccessDenied on s3://bucket/key", Severity.FAILURE)
SHORT = Limits(connect=2.0, read=2.0, total=6.0)
NGIRCD = """
[Global]
Name = irc.example.com
Info = test
Listen = 127.0.0.1
Ports = 6667
ServerGID = nogroup
ServerUID = irc
[Limits]
MaxConnectionsIP = 0
[Options]
Ident = no
DNS = no
PAM = no
[Channel]
Name = #open
[Channel]
Name = #quiet
Modes = m
"""
SYNAPSE = """
server_name: example.com
report_stats: false
listeners: [{{port: 8008, bind_addresses: ["127.0.0.1"], type: http, resources: [{{names: [client]}}]}}]
database: {{name: sqlite3, args: {{database: "{directory}/homeserver.db"}}}}
signing_key_path: "{directory}/signing.key"
media_store_path: "{directory}/media"
registration_shared_secret: testing
trusted_key_servers: []
rc_message: {{per_second: 1000, burst_count: 1000}}
rc_login:
  address: {{per_second: 1000, burst_count: 1000}}
  account: {{per_second: 1000, burst_count: 1000}}
"""


def wait_for(condition: Callable[[], object]) -> None:
    """Return as soon as *condition* holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """Mosquitto on port 1883."""
    files = {"mosquitto/own.conf": "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n"}
    with jailed(tmp_path, "mosquitto -c /etc/mosquitto/own.conf", files, 1883) as server:
        yield server


def test_a_message_is_published_with_an_acknowledgement_and_whole(broker: Server) -> None:
    got: list[mqtt.MQTTMessage] = []
    reader = mqtt.Client(CallbackAPIVersion.VERSION2)
    ready: list[object] = []
    reader.on_message = lambda _client, _data, message: got.append(message)
    reader.on_subscribe = lambda *_: ready.append(1)
    reader.connect("127.0.0.1", 1883)
    reader.subscribe("ops/alerts", qos=2)
    reader.loop_start()
    try:
        wait_for(lambda: ready)
        verdict = open_channel("mqtt", "mqtt://127.0.0.1/ops/alerts").send(ALERT)
        assert isinstance(verdict, Sent)
        wait_for(lambda: got)
    finally:
        reader.loop_stop()
        reader.disconnect()
    assert [message.qos for message in got] == [1]
    assert ALERT.body in got[0].payload.decode()


def test_a_broker_that_does_not_answer_has_not_confirmed_the_message(broker: Server) -> None:
    broker.signal(signal.SIGSTOP)
    try:
        verdict = open_channel("mqtt", "mqtt://127.0.0.1/ops/alerts", limits=SHORT).send(ALERT)
    finally:
        broker.signal(signal.SIGCONT)
    assert not isinstance(verdict, Sent)


@pytest.fixture
def irc(tmp_path: Path) -> Iterator[Server]:
    """The server ngIRCd on port 6667, with an open channel and a moderated one."""
    with jailed(tmp_path, "ngircd -n -f /etc/ngircd.own", {"ngircd.own": NGIRCD}, 6667) as server:
        yield server


class Reader:
    """Somebody who reads a channel of IRC."""

    def __init__(self, channel: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", 6667), timeout=DEADLINE)
        self.lines: list[str] = []
        self._file = self._socket.makefile("r", encoding="utf-8", errors="replace")
        self._say("NICK reader", "USER reader 0 * :reader")
        self.read_until(" 001 ")
        self._say(f"JOIN {channel}")
        self.read_until(" 366 ")

    def read_until(self, word: str) -> None:
        """Read to the first line that has *word*."""
        for line in self._file:
            self.lines.append(line.rstrip())
            if line.startswith("PING"):
                self._say(line.replace("PING", "PONG", 1).rstrip())
            if word in line:
                return

    def _say(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self._socket.close()


@pytest.mark.parametrize("channel", ["open", "quiet"])
def test_a_message_on_irc_is_never_called_confirmed(irc: Server, channel: str) -> None:
    """In a moderated channel it is not shown to anybody, and the server does not say so to the sender in time."""
    reader = Reader(f"#{channel}")
    try:
        verdict = open_channel("irc", f"irc://watch@127.0.0.1:6667/%23{channel}").send(ALERT)
        assert not isinstance(verdict, Sent) or not verdict.confirmed
        if channel == "open":
            reader.read_until("s3://bucket/key")
            assert any("PRIVMSG #open" in line and "s3://bucket/key" in line for line in reader.lines)
    finally:
        reader.close()


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Synapse on port 8008, with a user "watch"."""
    python, directory = os.environ["RECEIVERS_SYNAPSE"], tmp_path_factory.mktemp("synapse")
    config = directory / "homeserver.yaml"
    config.write_text(SYNAPSE.format(directory=directory))
    words = [python, "-m", "synapse.app.homeserver", "-c", str(config)]
    subprocess.run([*words, "--generate-keys"], check=True, capture_output=True, cwd=directory)
    with running(directory, words, 8008) as server:
        register = [python, "-m", "synapse._scripts.register_new_matrix_user", "-c", str(config)]
        user = ["-u", "watch", "-p", "secret", "--no-admin", "http://127.0.0.1:8008"]
        subprocess.run([*register, *user], check=True, capture_output=True)
        yield server


def ask(method: str, path: str, token: str = "", **body: Any) -> Any:
    """Ask Synapse's client API."""
    request = urllib.request.Request(
        f"http://127.0.0.1:8008/_matrix/client/v3/{path}",
        json.dumps(body).encode() if method == "POST" else None,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        return json.load(answer)


def test_summaries_of_many_jobs_end_whole_and_name_every_job(matrix: Server, tmp_path: Path) -> None:
    """Thirty jobs fail at once, and the channel takes one message, so the rest comes in summaries."""
    user = {"type": "m.id.user", "user": "watch"}
    token = ask("POST", "login", type="m.login.password", identifier=user, password="secret")["access_token"]
    room = ask("POST", "createRoom", token, room_alias_name="ops", preset="public_chat")["room_id"]
    names = [f"nova-support-{number:03}" for number in range(30)]
    simulator = Simulator()
    with serving(simulator) as endpoint:
        url = "matrix://watch:secret@127.0.0.1:8008/%23ops"
        arns = [
            simulator.play(Script(name, (Phase(3600, "InProgress"), Phase(0, "Failed")), speed=1800)) for name in names
        ]
        home = Home(tmp_path, endpoint, arns, {"matrix": url}, channel='burst = 1\non = ["failed"]')
        with home.running() as daemon:
            sent = "SELECT count(*) FROM deliveries WHERE state = 'sent'"
            daemon.wait_for(lambda: home.query(sent) == [(len(names),)])
            assert daemon.terminate() == 0
    found = ask("GET", f"rooms/{room}/messages?dir=b&limit=100", token)["chunk"]
    texts = [event["content"]["body"] for event in found if event["type"] == "m.room.message"]
    assert [name for name in names if not any(name in text for text in texts)] == []
    assert [text for text in texts if "bedrock-watch on " not in text.splitlines()[-1]] == []
    links = [link for text in texts for link in re.findall(r"https://[^\s)>]+", text)]
    assert [link for link in links if not re.search(r"console\.aws\.amazon\.com/.*[a-z0-9]{12}", link)] == []
