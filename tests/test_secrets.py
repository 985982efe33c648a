"""No secret of a channel's URL is written anywhere, at any log level, whatever goes wrong."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from support_daemon import Home
from support_receivers import Reply, mail_receiver, web_receiver
from support_simulator import running

from watcher.simulator import Simulator, failing

SECRETS = {
    place: f"S3cr3t{place}Xq7"
    for place in ("User", "Password", "Path", "Query", "Header", "Token", "Mailuser", "Mailpass", "Mailheader")
}
ENCODED = re.compile(rb"UzNjcjN0")  # "S3cr3t" in base64: a Basic authorization is no hiding place


def planted(web: str, mail_port: int, closed: int) -> dict[str, str]:
    """Return channels with a secret in each place of an Apprise URL, of servers that refuse, fail, and are not there."""
    s = SECRETS
    where = f"{s['User']}:{s['Password']}@{{host}}/{s['Path']}/?-key={s['Query']}&+X-Token={s['Header']}&:extra={s['Query']}"
    mail = f"mailto://{s['Mailuser']}:{s['Mailpass']}@127.0.0.1:{{port}}/?from=a@example.com&to=b@example.com&+X-K={s['Mailheader']}"
    return {
        "refused": "json://" + where.format(host=web),
        "nobody": "json://" + where.format(host=f"127.0.0.1:{closed}"),
        "tls": "jsons://" + where.format(host=web),
        "form": "form://" + where.format(host=web),
        "mail": mail.format(port=mail_port),
        "nomail": mail.format(port=closed),
        "hook": f"mmost://{web.partition(':')[0]}:{closed}/{s['Token']}",
    }


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("options", [(), ("-vv",)], ids=["quiet", "very verbose"])
def test_no_secret_is_written_anywhere(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Servers that echo what they were sent, refuse, or are not there; every file and every command's output."""
    simulator = Simulator()
    script = failing(speed=100_000)
    with web_receiver() as web, mail_receiver(password="other") as mail, running(simulator) as endpoint:
        echo = " ".join(SECRETS[place] for place in ("User", "Password", "Path", "Query", "Header"))
        web.reply = Reply(status=500, body=echo)
        channels = planted(web.address, mail.port, closed_port())
        home = Home(tmp_path, endpoint, [simulator.play(script)], channels, channel='on = ["failed", "completed"]')
        said = []
        with home.running(*options) as daemon:
            daemon.wait_for(lambda: len(home.logged("channel_failing")) >= len(channels) - 1)
            for command in (
                "status",
                "doctor",
                "channel list",
                "deliveries",
                "deliveries -o json",
                "show nova-legal-v1",
                "events",
            ):
                done = home.run(*options, *command.split())
                said.append(done.stdout + done.stderr)
            daemon.terminate()
        for command in ("config show", "config show -o json", "config check", "channel test refused nobody mail"):
            done = home.run(*options, *command.split())
            said.append(done.stdout + done.stderr)
        assert home.query("SELECT count(*) FROM attempts")[0][0] >= len(channels) - 1
    written = {
        path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".toml"
    }
    written["commands"] = "\n".join(said).encode()
    assert len(written["daemon.log"]) > 1000
    for name, content in written.items():
        for place, secret in SECRETS.items():
            assert secret.encode() not in content, f"the secret in {place} is in {name}"
        assert not ENCODED.search(content), f"an encoded secret is in {name}"
