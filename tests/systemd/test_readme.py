"""README's service section, followed to the letter by people who have what it says they should have."""

from __future__ import annotations

import re
from collections.abc import Iterator

import wheels
from container import Container
from support_daemon import hook_url, posted
from support_receivers import web_receiver

README = (wheels.TOP / "README.md").read_text()

EDITOR = """#!/bin/sh
# What a person does in an editor: adds these lines at the end.
cat /home/admin/lines >>"$1"
"""


def section(title: str) -> str:
    """Return what stands below the heading *title*, down to the next heading of its level or of a higher one."""
    level = title.partition(" ")[0]
    body = README.partition(f"\n{title}\n")[2]
    assert body, f"README has no {title!r}"
    return re.split(rf"^#{{2,{len(level)}}} ", body, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(title: str, language: str = "sh") -> Iterator[str]:
    """Yield the code blocks of a section."""
    return iter(re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL))


def test_a_servers_service(machine: Container) -> None:
    """By an administrator with sudo and a checkout; each block in a new login."""
    channel = next(blocks("### Tell Slack and e-mail", "toml")).partition("\n\n")[0]
    assert 'url_file = "secrets/ml-slack"' in channel
    machine.write("/home/admin/lines", f"\n{channel}\n")
    machine.write("/usr/local/bin/edit", EDITOR)
    machine.run("chmod 755 /usr/local/bin/edit")
    with web_receiver() as hook:
        for block in blocks("#### A server's service"):
            # What is pasted is the URL of a channel; here it is one that the test can hear.
            machine.run(
                f"set -e\n{block}",
                user="admin",
                cwd="/home/admin/bedrock-watch",
                env={"EDITOR": "edit"},
                stdin=f"{hook_url(hook)}\n",
            )
        assert [alert.title for alert in posted(hook)] == ["[bedrock] TEST of channel ml-slack"]
    status = machine.run("bedrock-watch status", user="admin")
    assert "runs (pid" in status.stdout
    assert status.stderr == ""


def test_your_own_machine(machine: Container) -> None:
    """By somebody who has logged in (systemd runs something for them then), and has the checkout and pipx."""
    machine.run("systemctl start user@$(id -u admin)")
    login = {
        "XDG_RUNTIME_DIR": f"/run/user/{machine.run('id -u admin').stdout.strip()}",
        "PATH": "/home/admin/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
        "MANPAGER": "cat",
    }

    def run(command: str) -> str:
        return machine.run(f"set -e\n{command}", user="admin", cwd="/home/admin/bedrock-watch", env=login).stdout

    assert "after `pipx install .`" in section("#### Your own machine")
    run("pipx install .")
    for block in blocks("#### Your own machine"):
        run(block)
    assert run("systemctl --user is-active bedrock-watch") == "active\n"
    assert "watching 0 jobs" in run("systemctl --user status bedrock-watch")
    run("bedrock-watch config init && systemctl --user reload bedrock-watch")
    # The daemon goes by the first configuration there is, when it has read it.
    run("until bedrock-watch status | grep '^configuration  /home/admin/.config/'; do sleep 0.1; done")
    status = run("bedrock-watch status 2>&1")
    assert "runs (pid" in status
    assert "refused" not in status
    # A change that was not reloaded is said, with the words that reload this very service.
    hint = run("touch -d tomorrow ~/.config/bedrock-watch/config.toml; bedrock-watch status 2>&1")
    assert "reload it: systemctl --user reload bedrock-watch\n" in hint
    assert "Linger=yes" in run("loginctl show-user admin")
