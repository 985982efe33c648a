"""``simulate --append`` adds a drill to a configuration, and changes nothing else in it."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from support_drill import command, simulating

from watcher.cli.append import Target
from watcher.cli.drill import RULE, Sections
from watcher.errors import WatchError

CHANNEL = '[[channel]]\nname = "ours"  # not yours\nurl = "json://127.0.0.1:9/"\n'
DRILL = Sections("http://127.0.0.1:4599", "us-east-1", "123456789012", ("purpose=fire-drill",), ("evaluation-job",))
ROLE = Sections(
    "http://127.0.0.1:4599",
    "us-east-1",
    "123456789012",
    ("purpose=fire-drill",),
    ("evaluation-job",),
    queue="http://127.0.0.1:4599/123456789012/bedrock-jobs",
    role="arn:aws:iam::123456789012:role/bedrock-watch",
)
CONFIGURATIONS = {
    "empty": "",
    "a comment": "# nothing yet",
    "channels": f"# who is alerted\n{CHANNEL}",
    "no newline at the end": CHANNEL.rstrip("\n"),
    "tables": f'keep = "90d"\n[aws] # where\nregion = "us-east-1"\n\n[poll]\nfastest = "3s"\n{CHANNEL}',
    "a header at the very end": f"{CHANNEL}[ aws ]",
    "a state directory": f'state_dir = "ours"\n{CHANNEL}',
    "CRLF": f'# ours\r\n[aws]\r\nregion = "us-east-1"\r\n{CHANNEL}'.replace("\r\n", "\n").replace("\n", "\r\n"),
    "mixed line ends": '# ours\r\n[aws]\nregion = "us-east-1"\r\n',
    "a text that looks like a header": f'{CHANNEL}body = """\n[aws]\n[poll]\n"""\n\n[aws]\nregion = "us-east-1"\n',
    "a byte order mark": f"\ufeff{CHANNEL}",
    "rules, accounts and queues": '[[discover]]\nname = "ours"\naccount = "210987654321"\nregions = ["us-east-1"]\n\n'
    '[[account]]\nid = "210987654321"\n\n[[queue]]\nurl = "https://sqs.us-east-1.amazonaws.com/210987654321/ours"\n',
}


@pytest.mark.parametrize("drill", [DRILL, ROLE])
@pytest.mark.parametrize("before", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_every_line_stays_and_the_file_holds_what_it_held_and_the_drill(
    tmp_path: Path, before: str, drill: Sections
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(before.encode())
    target = Target(file)
    target.check(drill.account, role=bool(drill.role))
    target.write(target.extended(drill))
    after = file.read_bytes().decode()
    lines = iter(after.removeprefix("\ufeff").splitlines(keepends=True))
    for line in before.removeprefix("\ufeff").splitlines(keepends=True):
        assert any(one.startswith(line) for one in lines), line
    was, now = tomllib.loads(before.removeprefix("\ufeff")), tomllib.loads(after.removeprefix("\ufeff"))
    assert after.startswith("\ufeff") == before.startswith("\ufeff")
    assert now.get("channel") == was.get("channel")
    assert now["aws"] == was.get("aws", {}) | {"endpoint_url": drill.endpoint, "sign": bool(drill.role)}
    assert now["state_dir"] == was.get("state_dir", "drill-state")
    assert was.get("poll", {}).items() <= now["poll"].items()
    for name in ("discover", "account", "queue"):
        assert now.get(name, [])[: len(was.get(name, []))] == was.get(name, [])
    assert now["discover"][-1]["name"] == RULE
    assert [one["role_arn"] for one in now.get("account", []) if "role_arn" in one] == [drill.role] * bool(drill.role)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ('aws.region = "us-east-1"\n', "cannot add"),
        ('aws = {region = "us-east-1"}\n', "cannot add"),
        ("aws = 5\n", "is not a table"),
        ("[[poll]]\n", "is not a table"),
        ("discover = 5\n", "cannot add"),
        ("[[aws", "is not TOML"),
        ('[aws]\nendpoint_url = "https://vpce.example.com"\n', "sets aws.endpoint_url"),
        ("[aws]\nsign = true\n", "sets aws.sign"),
        ('[[account]]\nid = "123456789012"\n', "has an [[account]] 123456789012"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_file_in_which_the_drill_has_no_place_is_refused_and_stays(tmp_path: Path, before: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(data := before.encode(errors="surrogateescape"))
    refused = command("simulate", "--role", "--append", str(file))
    assert refused.returncode in (2, 78), refused.stderr
    assert said in refused.stderr
    assert file.read_bytes() == data
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_a_drill_is_added_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CHANNEL)
    with simulating("--append", str(file)) as simulator:
        assert simulator.exports == {}
        assert simulator.stop() == (0, "")
    once = file.read_bytes()
    refused = command("simulate", "--append", str(file))
    assert refused.returncode == 2
    assert "has the sections of a fire drill already" in refused.stderr
    assert "--port" in refused.stderr
    assert file.read_bytes() == once


def test_owner_mode_and_attributes_stay_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text(CHANNEL)
    link.symlink_to(real)
    if os.geteuid() == 0:
        os.chown(real, 12345, 23456)
    real.chmod(0o640)
    before = real.stat()
    with simulating("--append", str(link)) as simulator:
        simulator.started(1)
    after = real.stat()
    assert link.is_symlink()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)
    assert after.st_mtime_ns > before.st_mtime_ns  # the daemon sees that it changed
    assert after.st_ino != before.st_ino  # replaced as a whole
    assert RULE in real.read_text()


@pytest.mark.parametrize("what", ["missing", "directory", "fifo", "loop"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "config.toml"
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "loop":
        path.symlink_to(path)
    refused = command("simulate", "--append", str(path))
    assert refused.returncode in (2, 78), refused.stderr
    assert str(path) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_file_that_changes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CHANNEL)
    target = Target(file)
    text = target.extended(DRILL)
    file.write_text(theirs := f"{CHANNEL}# theirs\n")
    with pytest.raises(WatchError, match="changed in the meantime"):
        target.write(text)
    assert file.read_text() == theirs


def test_a_port_that_is_taken_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CHANNEL)
    with simulating("--scenario", "failing") as other:
        port = other.url.rpartition(":")[2]
        refused = command("simulate", "--port", port, "--append", str(file))
    assert refused.returncode == 1
    assert "cannot listen" in refused.stderr
    assert file.read_text() == CHANNEL
