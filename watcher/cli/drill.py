"""What ``simulate`` prints for a fire drill: the sections of the configuration, and what to run.

Not its business: adding the sections to a file (``append``), and serving (``simulate``).
"""

from __future__ import annotations

from dataclasses import dataclass

RULE = "fire-drill"
"""The name of the drill's discovery rule, by which a file that has the sections is known."""

STATE_DIR = "drill-state"


@dataclass(frozen=True, slots=True)
class Sections:
    """The drill's part of a configuration.  *tags* are AWS's tags of its jobs; *queue* and *role* may be empty."""

    endpoint: str
    region: str
    account: str
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    queue: str = ""
    role: str = ""

    @property
    def top(self) -> dict[str, str]:
        """The keys before the first table, with their values in TOML."""
        return {"state_dir": f'"{STATE_DIR}"'}

    @property
    def shared(self) -> dict[str, dict[str, str]]:
        """The keys of tables that a configuration can have only once."""
        # With a queue polls are rare, so that a prompt alert proves that the queue's message made it prompt.
        fastest, slowest = ("10s", "1m") if self.queue else ("1s", "5s")
        return {
            "aws": {"endpoint_url": f'"{self.endpoint}"', "sign": "true" if self.role else "false"},
            "poll": {"fastest": f'"{fastest}"', "slowest": f'"{slowest}"'},
        }

    @property
    def own(self) -> str:
        """The tables of which a configuration can have several, in TOML."""
        lines = [
            "[[discover]]",
            f'name = "{RULE}"',
            f'account = "{self.account}"',
            f'regions = ["{self.region}"]',
            f"kinds = {_array(self.kinds)}",
            f"tags = {_array(self.tags)}",
        ]
        if self.role:
            lines += ["", "[[account]]", f'id = "{self.account}"', f'role_arn = "{self.role}"']
        if self.queue:
            lines += ["", "[[queue]]", f'url = "{self.queue}"', f'region = "{self.region}"']
        return "\n".join(lines) + "\n"

    def whole(self) -> str:
        """Return a configuration of nothing but the drill."""
        lines = [
            "# A fire drill on a simulated Bedrock.  Add your own [[channel]] tables.",
            *(f"{key} = {value}  # a database of its own, beside this file" for key, value in self.top.items()),
            "",
        ]
        for table, keys in self.shared.items():
            lines += [f"[{table}]", *(f"{key} = {value}" for key, value in keys.items()), ""]
        return "\n".join(lines) + "\n" + self.own

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the daemon needs; none unless it assumes a role.

        The key is of account 000000000000, which has no jobs: alerts prove that the role was assumed.
        """
        if not self.role:
            return {}
        return {
            "AWS_ENDPOINT_URL_STS": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIA000000000000",
            "AWS_SECRET_ACCESS_KEY": "fire-drill",
        }


def advice(sections: Sections, file: str, again: str) -> str:
    """Return what to do with the drill; *file* holds its configuration, *again* is the command that restarts it."""
    endpoint = sections.endpoint
    lines = [
        f"The simulated Bedrock serves {endpoint} until Ctrl-C.",
        f"{file} has the drill's configuration, with a database of its own."
        if file
        else "stdout has the drill's configuration, with a database of its own.  Save it, and add your channels.",
        "Run the daemon in another terminal:",
        *(f"  export {name}={value}" for name, value in sections.environment.items()),
        f"  bedrock-watch --config {file or 'FILE'} run",
        "Add a job while the drill runs:",
        f"  bedrock-watch simulate --add-to {endpoint} --scenario failing",
        f'  curl --json \'{{"scenario": "failing"}}\' {endpoint}/_simulator/jobs',
        "Make something go wrong, and end it:",
        f'  curl --json \'{{"kind": "throttled", "count": 3}}\' {endpoint}/_simulator/faults',
        f"  curl -X DELETE {endpoint}/_simulator/faults",
        "Restart this drill with the same address and the same ARNs:",
        f"  {again}",
    ]
    return "\n".join(lines)


def _array(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
