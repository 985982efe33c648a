"""The installed service in a container: its configuration, its state as systemd has it, its answers.

Not its business: the container (``container``), and what is claimed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from container import Container
from support_daemon import NO_REMINDERS

CONFIGURATION = "/etc/bedrock-watch/config.toml"
DATABASE = "/var/lib/bedrock-watch/bedrock-watch.db"


def configuration(endpoint: str, jobs: Sequence[str] = (), channels: Mapping[str, str] | None = None) -> str:
    """Return a configuration that watches *jobs* at *endpoint*; *channels* maps names to lines like ``url = "..."``."""
    lines = [
        'state_dir = "/var/lib/bedrock-watch"',
        '[poll]\nfastest = "100ms"\nslowest = "300ms"',
        f'[aws]\nregion = "us-east-1"\nendpoint_url = "{endpoint}"\nsign = false',
        NO_REMINDERS,
        *(f'[[job]]\nid = "{job}"' for job in jobs),
        *(f'[[channel]]\nname = "{name}"\n{line}' for name, line in (channels or {}).items()),
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Service:
    """``bedrock-watch.service`` in *container*, and the simulated Bedrock at *endpoint*."""

    container: Container
    endpoint: str

    def configure(self, jobs: Sequence[str] = (), channels: Mapping[str, str] | None = None) -> None:
        """Write the configuration, keeping owner and mode; the service is not told."""
        self.container.write(CONFIGURATION, configuration(self.endpoint, jobs, channels))

    def drop_in(self, name: str, lines: str) -> None:
        """Write a drop-in of the administrator's, and let systemd read it."""
        self.container.write(f"/etc/systemd/system/bedrock-watch.service.d/{name}.conf", f"[Service]\n{lines}\n")
        self.container.run("systemctl daemon-reload")

    def shown(self, name: str) -> str:
        """Return what ``systemctl show`` says of the unit."""
        return self.container.run(f"systemctl show -P {name} bedrock-watch").stdout.strip()

    @property
    def active(self) -> bool:
        """Whether it runs, and has said that it is ready."""
        return self.shown("ActiveState") == "active"

    @property
    def pid(self) -> int:
        """The main process, as the container numbers it; 0 when there is none."""
        return int(self.shown("MainPID"))

    def ask(self, words: str, *, user: str = "root") -> dict[str, Any]:
        """Return what a command prints as JSON, whatever its exit code."""
        done = self.container.run(f"bedrock-watch {words} -o json", user=user, check=False)
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def deliveries(self) -> list[dict[str, Any]]:
        """Return all messages there are."""
        found: list[dict[str, Any]] = self.ask("deliveries")["deliveries"]
        return found

    def all_sent(self) -> bool:
        """Whether there are messages, and all are sent."""
        return {delivery["state"] for delivery in self.deliveries()} == {"sent"}
