"""Several accounts in one daemon, and jobs that nobody has added: found, watched, told, and paid for as designed."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_signin import Files
from support_simulator import NOON, Clock

from watcher.model import NOUNS
from watcher.simulator import Fault, Kind, Script, Simulator, fine_tuning, others
from watcher.simulator.server import Request
from watcher.simulator.timeline import Phase

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
RULE = f'[[discover]]\nname = "everybody"\naccount = "{ACCOUNTS[0]}"\n'
KEY = f"AKIA{ACCOUNTS[0]}"
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def titles(hook: WebReceiver) -> list[str]:
    """Return the titles that arrived, without the program's name."""
    return [alert.title.removeprefix("[bedrock] ") for alert in posted(hook)]


def ours(name: str) -> Script:
    """Return a job of the first account."""
    return fine_tuning(name, account=ACCOUNTS[0])


def test_jobs_that_someone_else_starts_are_watched_with_the_labels_and_tags_that_they_have_in_aws(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """What was over before is not told; a channel chooses by AWS's tags; the program says where a job came from."""
    clock.now = NOON - 7200
    simulator.play(ours("old"))
    clock.now = NOON
    simulator.play(replace(ours("running"), tags={"Name": "support bot", "team": "support"}))
    home = Home(
        tmp_path, endpoint, (), {"hook": hook_url(hook)}, channel='tags = ["team=support"]', more=f"\n{RULE}", env=KEYS
    )
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(1,)])
        simulator.play(replace(ours("later"), tags={"team": "legal"}))
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(2,)])
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: hook.requests)
        listed = home.run("list", "--all").stdout
        shown = home.run("show", "running").stdout
        assert home.operations().difference(home.run("iam-policy").stdout) == set()
        assert "the rule everybody takes it up no more" in home.run("remove", "later").stderr
        assert daemon.terminate() == 0
    assert titles(hook) == ["COMPLETED support bot after 1h50m"]
    assert "support bot" in listed
    assert "the rule everybody" in shown
    assert home.query("SELECT name, from_rule FROM jobs ORDER BY id") == [("running", "everybody"), ("later", "")]
    with home.running() as daemon:
        asked = simulator.counts["List"]
        daemon.wait_for(lambda: simulator.counts["List"] > asked + 3)
        assert daemon.terminate() == 0
    assert home.query("SELECT count(*) FROM jobs") == [(2,)]


def test_a_rule_that_comes_with_a_reload_is_gone_by_at_once(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    simulator.play(ours("running"))
    home = Home(tmp_path, endpoint, (), {"hook": hook_url(hook)}, env=KEYS)
    with home.running() as daemon:
        home.configure(f"\n{RULE}")
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.query("SELECT from_rule FROM jobs WHERE version > 0") == [("everybody",)])
        assert daemon.terminate() == 0


def test_discover_shows_what_matches_now_and_adds_it_when_told_to(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """By the rules, or by options; nothing is written without --add, and what was added is not added again."""
    clock.now = NOON - 86_400
    simulator.play(ours("over"))
    clock.now = NOON
    arn = simulator.play(replace(ours("prod-1"), tags={"Name": "support bot", "team": "support"}))
    simulator.play(ours("test-1"))
    home = Home(tmp_path, endpoint, (), {}, more=f"\n{RULE}names = ['prod-*']\n", env=KEYS)
    found = home.run("discover")
    assert (found.returncode, [line.split()[0] for line in found.stdout.splitlines()]) == (0, ["JOB", "prod-1"])
    assert "1 job not watched yet: --add watches it" in found.stderr
    assert not (tmp_path / "state" / "bedrock-watch.db").exists()
    both = home.run("discover", "--account", ACCOUNTS[0], "-o", "json")
    jobs = json.loads(both.stdout)["jobs"]
    assert {job["name"]: (job["watched"], job["tags"].get("team")) for job in jobs} == {
        "prod-1": ("no", "support"),
        "test-1": ("no", None),
    }
    over = home.run("discover", "--account", ACCOUNTS[0], "--status", "Completed", "-o", "jsonl")
    assert [json.loads(line)["name"] for line in over.stdout.splitlines()] == ["over"]
    assert home.run("discover", "--account", ACCOUNTS[0], "--tag", "team=legal").stdout == ""
    asked = simulator.counts["Tags"]
    assert home.run("discover").stdout == found.stdout
    assert simulator.counts["Tags"] == asked, "nobody wants to know"
    added = home.run("discover", "--add")
    assert (added.returncode, "1 job added" in added.stderr, added.stdout.split()[-1]) == (0, True, "added")
    assert home.query("SELECT arn, label, tags, from_cli FROM jobs") == [(arn, "support bot", '["team=support"]', 1)]
    assert home.run("discover").stdout.split()[-1] == "yes"
    simulator.inject(Fault(kind=Kind.DENIED, operation="List"))
    denied = home.run("discover")
    assert (denied.returncode, "allow bedrock:ListModelCustomizationJobs" in denied.stderr) == (5, True)
    for words in (
        ("--account", "1"),
        ("--region", "here"),
        ("--created-within", "soon"),
        ("--kind", "job"),
        ("--kind", "evaluation-job", "--type", "DISTILLATION", "--account", ACCOUNTS[0]),
    ):
        assert home.run("discover", *words).returncode == 2
    assert "did you mean Stopped?" in home.run("discover", "--account", ACCOUNTS[0], "--status", "stoped").stderr


def test_run_once_looks_at_what_a_rule_has_just_found(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    """Whoever runs it from cron would hear of it one run later."""
    simulator.play(ours("running"))
    home = Home(tmp_path, endpoint, (), {"hook": hook_url(hook)}, more=f"\n{RULE}", env=KEYS)
    assert home.run("run", "--once").returncode == 0
    assert home.query("SELECT name, state FROM jobs") == [("running", "running")]
    assert simulator.counts["Get"] == 1


def test_discover_asks_each_kind_for_the_statuses_that_it_has_and_shows_a_job_once(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """AWS refuses a List for the status of another kind; and of two rules that want a job it is the first one's."""
    simulator.play(ours("tuning"))
    simulator.play(others.batch("batch", account=ACCOUNTS[0]))
    kinds = 'kinds = ["model-customization-job", "model-invocation-job"]\nstatus = ["InProgress", "Submitted"]\n'
    home = Home(tmp_path, endpoint, (), {}, more=f"\n{RULE}{kinds}\n{RULE.replace('everybody', 'again')}", env=KEYS)
    found = home.run("discover", "-o", "json")
    assert (found.returncode, found.stderr) == (0, "bedrock-watch: 2 jobs not watched yet: --add watches them\n")
    rules = {job["name"]: job["rule"] for job in json.loads(found.stdout)["jobs"]}
    assert rules == {"tuning": "everybody", "batch": "everybody"}
    assert len(json.loads(found.stdout)["jobs"]) == 2


@pytest.mark.parametrize("trouble", ["hanging", "expired", "denied"])
def test_three_accounts_in_four_regions_with_every_kind_do_not_wait_for_the_one_that_is_broken(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, trouble: str
) -> None:
    """Its credentials never come, are over, or may do nothing: the others find, poll and tell as ever."""
    broken, *fine = ACCOUNTS
    key = "credential_process = sleep 600" if trouble == "hanging" else _key(broken)
    files = Files(tmp_path / "user")
    files.config("".join(f"[profile a{one}]\n{_key(one) if one in fine else key}\n" for one in ACCOUNTS))
    simulator.revoked = {f"AKIA{broken}"} if trouble == "expired" else set()
    if trouble == "denied":
        simulator.inject(Fault(kind=Kind.DENIED, job=f":{broken}:"))
    for account in ACCOUNTS:
        for region in REGIONS:
            for kind in NOUNS:
                simulator.play(_of(kind, account, region))
    home = Home(
        tmp_path,
        endpoint,
        (),
        {"hook": hook_url(hook)},
        poll='blind_after = "100ms"',
        aws='credentials_timeout = "1s"',
        channel="burst = 0",
        more="".join(_account(one) for one in ACCOUNTS) + f"\n[[discover]]\nkinds = {list(NOUNS)}\n",
        env=files.env,
    )
    places = 2 * len(REGIONS) * len(NOUNS)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(places,)])
        daemon.wait_for(lambda: any(broken in title for title in titles(hook)))
        clock.now = NOON + 3600
        daemon.wait_for(
            lambda: len([title for title in titles(hook) if not title.startswith(("CANNOT", "WATCHING"))]) >= places
        )
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE state = 'ended'") == [(places,)])
        status = home.run("status").stdout
        assert daemon.terminate() == 0
    lost = [subject for (subject,) in home.query("SELECT subject FROM events WHERE transitions LIKE '%WatchLost%'")]
    assert [subject for subject in lost if broken not in subject] == []
    assert len(lost) == 1 or trouble == "denied"
    # What is denied is denied for a job: when none of them runs, a List of what runs shows none to be denied.
    assert f"account {broken}" in status or trouble == "denied"
    assert home.query("SELECT DISTINCT account FROM jobs ORDER BY account") == [(one,) for one in fine]
    assert "Traceback" not in home.words()


def _key(account: str) -> str:
    return f"aws_access_key_id = AKIA{account}\naws_secret_access_key = testing"


def _account(account: str) -> str:
    return f'\n[[account]]\nid = "{account}"\nprofile = "a{account}"\nregions = {list(REGIONS)}\n'


def _of(kind: str, account: str, region: str) -> Script:
    from watcher.simulator.plays import PLAYS  # noqa: PLC0415 - what a kind's words are

    play = PLAYS[kind]
    running = next(word for word in play.statuses if word in ("InProgress", "Creating"))
    over = next(word for word in play.statuses if word in ("Completed", "Active", "InService"))
    return Script(
        f"{kind[:12]}-{account[:3]}",
        (Phase(1800, running), Phase(0, over)),
        kind=kind,
        account=account,
        region=region,
    )


@pytest.mark.parametrize(("old", "running"), [(9_500, 500)])
def test_ten_thousand_jobs_cost_the_calls_that_the_design_says(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, old: int, running: int
) -> None:
    """Found: a List for each status of a job that runs, one for all that is new, and a Get and a question for tags each.

    Polled: one List for what is new and one for what runs, however many are over.
    """
    for number in range(running // 2):
        clock.now = NOON - 86_400 + number
        simulator.play(_long(f"early-{number}"))
    for number in range(old):
        clock.now = NOON - 80_000 + number
        simulator.play(Script(f"old-{number}", (Phase(0, "Completed"),), account=ACCOUNTS[0]))
    for number in range(running - running // 2):
        clock.now = NOON - 60 + number / 10
        simulator.play(_long(f"late-{number}"))
    clock.now = NOON
    home = Home(tmp_path, endpoint, (), {}, more=f"\n{RULE}", env=KEYS, poll="")
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(running,)])
        assert simulator.counts["Tags"] == running
        got = Counter(request.what for request in tuple(simulator.requests) if request.operation == "Get")
        assert len(got) == running
        assert got.total() < running + running / 10  # two that are due alone are got again
        assert "statusEquals=InProgress" in simulator.requests[0].what
        # Two jobs may be due alone, and are got, until all are due at the same time: from a List of all that runs on.
        daemon.wait_for(lambda: _is_settled(tuple(simulator.requests)[-12:]))
        assert daemon.terminate() == 0


def _is_settled(last: Sequence[Request]) -> bool:
    """Return whether the *last* requests were Lists of one page, in turns of what is new and of what runs."""
    asked = Counter("status" if "statusEquals" in request.what else "new" for request in last)
    lists = all(request.operation == "List" and "nextToken" not in request.what for request in last)
    return lists and abs(asked["status"] - asked["new"]) <= 1


def _long(name: str) -> Script:
    return Script(name, (Phase(10 * 86_400, "InProgress"), Phase(0, "Completed")), account=ACCOUNTS[0])
