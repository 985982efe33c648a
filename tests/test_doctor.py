"""``bedrock-watch doctor``: the installed program against a simulated Bedrock, an STS, and real receivers."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from support_cli import Program, Silence, daemon, program
from support_daemon import Home, hook_url, mail_url, mailed, posted
from support_receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver
from support_simulator import running
from support_sts import Sts, sts

from watcher import clock
from watcher.cli import doctor
from watcher.cli.context import Context
from watcher.cli.findings import print_findings
from watcher.config import examine, load
from watcher.daemon import errands
from watcher.daemon.parts import Parts
from watcher.doctor import aws, rounds
from watcher.doctor.files import check_files
from watcher.doctor.finding import Finding, Grade, verdict
from watcher.errors import ExitCode
from watcher.simulator import Fault, Kind, Simulator, fine_tuning

__all__ = ["program"]

SECRET = "T0K3N-of-the-channel"


@dataclass
class Clinic:
    """A home whose AWS and channels all are well, and what stands behind them."""

    home: Home
    simulator: Simulator
    sts: Sts
    hook: WebReceiver
    mail: MailReceiver
    arn: str
    found: list[dict[str, Any]] = field(default_factory=list)
    by: dict[str, Any] = field(default_factory=dict)

    def examine(self, *words: str) -> int:
        """Let the doctor look; return the exit code."""
        done = self.home.run("doctor", "-o", "json", *words)
        assert done.stderr == "", done.stderr
        assert SECRET not in done.stdout
        document = json.loads(done.stdout)
        self.by, self.found = document, document.pop("findings")
        assert all(one["remedy"] for one in self.found if one["severity"] != "ok")
        return done.returncode

    def of(self, check: str, severity: str = "") -> list[str]:
        """Return what was found by a check, and how bad it is unless a severity is asked for."""
        return [
            one["finding"] if severity else f"{one['severity']}: {one['finding']}"
            for one in self.found
            if one["check"] == check and severity in ("", one["severity"])
        ]

    @property
    def failures(self) -> list[str]:
        """What has failed, by check."""
        return [f"{one['check']}: {one['finding']}" for one in self.found if one["severity"] == "fail"]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    simulator = Simulator()
    with (
        running(simulator) as endpoint,
        sts("123456789012") as service,
        web_receiver() as hook,
        mail_receiver() as mail,
    ):
        arn = simulator.play(fine_tuning())
        service.account = arn.split(":")[4]
        channels = {"hook": hook_url(hook) + f"?+X-Token={SECRET}", "mail": mail_url(mail)}
        home = Home(tmp_path, endpoint, [arn], channels, env={"AWS_ENDPOINT_URL_STS": service.url})
        yield Clinic(home, simulator, service, hook, mail, arn)


def test_a_service_that_is_well_is_found_so_by_the_daemon_and_nothing_is_sent(clinic: Clinic) -> None:
    """Every family of checks has its word; AWS is asked what the watch asks, and who we are."""
    with clinic.home.running() as process:
        assert clinic.examine() == 0
        assert (clinic.by["by"], clinic.by["pid"]) == ("daemon", process.popen.pid)
        assert process.terminate() == 0
    assert clinic.of("daemon") == ["ok: it runs"]
    assert clinic.of("configuration") == ["ok: no mistake: jobs: 1, channels: 2"]
    assert clinic.of("database")[0].startswith("ok: whole, schema ")
    identity, endpoint, allowed = clinic.of("aws")
    assert identity == f"ok: arn:aws:iam::{clinic.sts.account}:user/Alice, account {clinic.sts.account}"
    assert endpoint.startswith("ok: 127.0.0.1:")
    assert allowed == "ok: allowed: ListModelCustomizationJobs, GetModelCustomizationJob"
    assert clinic.of("channel") == [
        f"ok: JSON answers: {clinic.hook.address}",
        f"ok: E-Mail answers: 127.0.0.1:{clinic.mail.port}",
    ]
    assert {one["severity"] for one in clinic.found if one["check"] == "files"} == {"ok"}
    assert (clinic.hook.requests, clinic.mail.mails) == ([], [])
    assert set(clinic.sts.asked) == {"GetCallerIdentity"}
    assert clinic.home.query("SELECT * FROM requests") == []


def test_without_a_daemon_the_command_looks_itself_and_says_so(clinic: Clinic) -> None:
    assert clinic.examine() == ExitCode.NOT_RUNNING
    assert clinic.by["by"] == "command"
    assert clinic.failures == ["daemon: it does not run"]
    assert any("start it: " in one["remedy"] for one in clinic.found if one["check"] == "daemon")
    done = clinic.home.run("doctor")
    assert "this command has looked, as " in done.stderr
    assert "FAIL  daemon" in done.stdout


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        (None, "correct --config"),
        ("state_dir = /srv/x\n", "double quotes"),
        ("state_dir = 7\n", "expected a text"),
        ('state_dir = ""\n', "give it a value"),
        ('state_dri = "/srv/x"\n', "did you mean state_dir?"),
        ('[poll]\nstate_dir = "/srv/x"\n', "above the first [table]"),
    ],
)
def test_of_a_configuration_that_does_not_tell_its_database_nothing_is_made_up(
    program: Program, tmp_path: Path, text: str | None, help_: str
) -> None:
    """What the defaults say would be of another database: whether this one's daemon runs is not known."""
    gone = str(tmp_path / "gone.toml")
    if text is not None:
        Path(gone).write_text(text)
    assert program("--config", gone, "doctor", "-o", "json") == ExitCode.BAD_CONFIG
    said, configuration = program.document()["findings"]
    assert (said["check"], said["severity"]) == ("daemon", "not checkable here")
    assert help_ in said["remedy"]
    assert (configuration["check"], configuration["severity"]) == ("configuration", "fail")
    with daemon(program.state_dir, configuration=gone):
        program("--config", gone, "doctor", "-o", "json")
    assert program.document()["findings"][0]["finding"] == "it runs"


def test_the_daemon_sees_what_only_the_service_is_given(clinic: Clinic, tmp_path: Path) -> None:
    """A credential of systemd's: not checkable from a shell, and no failure there."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "hook").write_text(hook_url(clinic.hook))
    clinic.home.channels = {}
    clinic.home.more = '[[channel]]\nname = "hook"\nurl_credential = "hook"\n'
    env = dict(clinic.home.env)
    clinic.home.env = env | {"CREDENTIALS_DIRECTORY": str(credentials)}
    with clinic.home.running() as process:
        clinic.home.env = env
        assert clinic.examine() == 0
        assert clinic.of("channel") == [f"ok: JSON answers: {clinic.hook.address}"]
        assert process.terminate() == 0
    assert clinic.examine() == ExitCode.NOT_RUNNING
    (channel,) = clinic.of("channel")
    assert channel.startswith("not checkable here: ")


def test_send_delivers_one_message_to_each_channel_by_the_queue(clinic: Clinic) -> None:
    with clinic.home.running() as process:
        assert clinic.examine("--send") == 0
        assert process.terminate() == 0
    assert clinic.of("message") == ["ok: a test message was delivered"] * 2
    assert [len(posted(clinic.hook)), len(mailed(clinic.mail))] == [1, 1]
    assert clinic.home.query("SELECT count(*) FROM deliveries WHERE state = 'sent'") == [(2,)]


def test_a_message_that_is_not_accepted_is_a_failure_of_delivery(clinic: Clinic) -> None:
    clinic.mail.at_rcpt = "550 5.1.1 no such user"
    with clinic.home.running() as process:
        assert clinic.examine() == 0  # whoever connects does not learn that
        assert clinic.examine("--send") == ExitCode.DELIVERY_FAILED
        assert process.terminate() == 0
    assert "no such user" in clinic.failures[0]


def test_credentials_of_another_account_are_said_to_be_so(clinic: Clinic) -> None:
    """Whatever AWS would answer to the questions themselves."""
    clinic.sts.account = "999999999999"
    with clinic.home.running():
        assert clinic.examine() == ExitCode.AWS_REFUSED
    owner = clinic.arn.split(":")[4]
    (said,) = clinic.failures
    assert said == (
        "aws: arn:aws:iam::999999999999:user/Alice is of account 999999999999, and jobs of account"
        f" {owner} are asked for with it"
    )


def test_an_identity_that_aws_does_not_tell_is_no_failure(clinic: Clinic) -> None:
    """The watch does not need STS."""
    clinic.sts.account = ""
    assert clinic.examine() == ExitCode.NOT_RUNNING
    assert clinic.of("aws")[0] == "not checkable here: AWS does not say who this is"


@pytest.mark.parametrize(
    ("operation", "code", "said"),
    [
        ("List", 0, "warn: ListModelCustomizationJobs is denied: each job costs a call of its own"),
        ("Get", 5, "fail: AccessDeniedException: "),
        ("both", 5, "fail: AccessDeniedException: "),
    ],
)
def test_what_is_not_allowed_is_found_on_a_real_job(clinic: Clinic, operation: Any, code: int, said: str) -> None:
    """With the permission that is missing.  Without List the watch goes on, at a price."""
    with clinic.home.running():
        clinic.simulator.inject(Fault(kind=Kind.DENIED, operation=operation))
        assert clinic.examine() == code
    (problem,) = [one for one in clinic.of("aws") if one.startswith(said)]
    assert any("allow bedrock:" in one["remedy"] for one in clinic.found if problem.endswith(one["finding"]))


def test_where_no_job_is_watched_get_is_not_tried(clinic: Clinic) -> None:
    """A made-up job would say nothing: AWS may deny what it does not find."""
    clinic.home.jobs = []
    assert clinic.examine() == ExitCode.NOT_RUNNING
    assert clinic.of("aws")[-1] == (
        "not checkable here: no job is watched there, so GetModelCustomizationJob was not tried"
    )


def test_an_endpoint_that_nobody_answers_is_found_with_the_rest(clinic: Clinic) -> None:
    with web_receiver() as hook:
        gone = hook.url
    clinic.home.endpoint = gone
    assert clinic.examine() == ExitCode.AWS_REFUSED
    assert any("aws: cannot connect to 127.0.0.1:" in one for one in clinic.failures)
    assert clinic.of("channel", "ok")


def test_what_is_not_signed_is_not_checkable_and_says_why(clinic: Clinic) -> None:
    clinic.home.aws = "sign = false\n"
    assert clinic.examine() == ExitCode.NOT_RUNNING
    assert clinic.of("aws")[0] == "not checkable here: requests are not signed"


def test_missing_credentials_are_a_refusal_with_the_ways_to_get_some(clinic: Clinic) -> None:
    clinic.home.env = dict(clinic.home.env) | {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert clinic.examine() == ExitCode.AWS_REFUSED
    assert any("NoCredentialsError" in one for one in clinic.failures)


def test_a_channel_that_cannot_be_reached_is_a_failure_of_delivery(clinic: Clinic) -> None:
    with web_receiver() as hook:
        gone = hook.address
    clinic.home.channels = {"hook": f"json://{gone}/{SECRET}", "mail": mail_url(clinic.mail)}
    with clinic.home.running():
        assert clinic.examine() == ExitCode.DELIVERY_FAILED
    assert clinic.failures == ["channel: could not connect: Connection refused"]
    assert clinic.of("channel", "ok") == [f"E-Mail answers: 127.0.0.1:{clinic.mail.port}"]


def test_every_mistake_of_the_configuration_is_told_and_the_rest_is_looked_at_all_the_same(clinic: Clinic) -> None:
    """The daemon looks at the file as it is now, before a reload does.  Of several failures the worst decides."""
    with clinic.home.running():
        clinic.home.more = '[[channel]]\nname = "x"\nurl = "nosuch://x"\n[[job]]\nid = "arn:nonsense"\n'
        assert clinic.examine() == ExitCode.BAD_CONFIG
        assert clinic.by["by"] == "daemon"
    said = clinic.of("configuration", "fail")
    assert any("job[2].id" in one for one in said)
    assert any('channel "x": Apprise knows no service' in one for one in said)
    assert clinic.of("channel", "ok")
    assert clinic.examine("--send") == ExitCode.BAD_CONFIG
    assert clinic.of("message") == []


def test_a_damaged_database_is_found_with_the_rest(clinic: Clinic) -> None:
    """And is no reason to look at nothing else."""
    assert clinic.home.run("run", "--once").returncode == 0
    path = clinic.home.directory / "state" / "bedrock-watch.db"
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as stream:
        stream.write(b"\xff" * 200)
    assert clinic.examine() == ExitCode.NOT_RUNNING
    assert any(one.startswith("database: ") and "damaged" in one for one in clinic.failures)
    assert clinic.of("aws", "ok")


def test_files_that_others_may_use_are_found_with_the_command_that_closes_them(clinic: Clinic, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(hook_url(clinic.hook))
    secret.chmod(0o644)
    clinic.home.more = f'[[channel]]\nname = "third"\nurl_file = "{secret}"\n'
    assert clinic.home.run("run", "--once").returncode == 0
    state = clinic.home.directory / "state"
    state.chmod(0o2755)
    clinic.home.configure().chmod(0o646)
    clinic.examine()
    remedies = {one["subject"]: (one["severity"], one["remedy"]) for one in clinic.found if one["check"] == "files"}
    config = clinic.home.directory / "config.toml"
    assert remedies[str(config)] == ("fail", f"chmod o-w {config}")
    assert remedies[str(secret)] == ("fail", f"chmod go-rwx {secret}")
    assert remedies[str(state)] == ("warn", f"chmod o-rwx {state}")
    secret.chmod(0o640)
    clinic.examine()
    assert [one["remedy"] for one in clinic.found if one["subject"] == str(secret)] == [f"chmod g-rwx {secret}"]


def test_a_file_that_the_group_of_a_shared_directory_cannot_write_is_found(clinic: Clinic) -> None:
    """Asked of the check itself: as root, the command refuses a directory of root's that others can write."""
    assert clinic.home.run("run", "--once").returncode == 0
    state = clinic.home.directory / "state"
    state.chmod(0o2770)
    (state / "bedrock-watch.db").chmod(0o640)
    config, _ = examine(str(clinic.home.configure()))
    remedies = [one.remedy for one in check_files(config, config) if one.subject.endswith(".db")]
    assert remedies == [f"chmod g+rw {state / 'bedrock-watch.db'}"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused; .ci/run is root")
def test_a_state_directory_that_is_unsafe_for_root_is_a_finding_and_nothing_in_it_is_opened(clinic: Clinic) -> None:
    assert clinic.home.run("run", "--once").returncode == 0
    state = clinic.home.directory / "state"
    state.chmod(0o777)
    assert clinic.examine() == 78
    found = [(one["severity"], one["remedy"].partition(";")[0]) for one in clinic.found if one["check"] == "files"]
    assert found == [("fail", f"take that away: chmod go-w {state}")]
    assert not clinic.of("database", "ok")


@pytest.mark.parametrize("by", ["daemon", "command"])
def test_a_url_that_everybody_may_read_is_one_finding(clinic: Clinic, by: str) -> None:
    """Whoever looks; by the file as it is now, which the daemon may not have read."""
    channels, clinic.home.channels = clinic.home.channels, {}
    with clinic.home.running() as process:
        if by == "command":
            process.terminate()
        clinic.home.channels = channels
        config = clinic.home.configure()
        config.chmod(0o644)
        clinic.examine()
    assert clinic.by["by"] == by
    about = [(one["check"], one["severity"], one["remedy"]) for one in clinic.found if "everybody" in one["finding"]]
    assert about == [("files", "fail", f"chmod o-r {config}")]


def test_what_does_not_answer_is_given_up_in_time(
    program: Program, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question to AWS has its bound, and so has the round."""
    for name, value in clinic.home.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "PATIENCE", 0.3)
    clinic.simulator.inject(Fault(kind=Kind.HANG))
    file = clinic.home.configure()
    assert program("--config", str(file), "doctor", "-o", "json") == ExitCode.AWS_REFUSED
    late = [one["finding"] for one in program.document()["findings"] if "no answer within" in one["finding"]]
    assert len(late) >= 1
    monkeypatch.setattr(aws, "PATIENCE", 60.0)
    monkeypatch.setattr(rounds, "LONGEST", 0.3)
    assert program("--config", str(file), "doctor", "-o", "json") == ExitCode.AWS_REFUSED
    assert any("no answer within 0.3 s" in one["finding"] for one in program.document()["findings"])


def test_a_bug_of_the_doctor_is_told_to_whoever_asked_and_does_not_end_the_watch(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trip(_patient: object) -> list[Finding]:
        raise ZeroDivisionError("the doctor tripped")

    monkeypatch.setattr(errands, "make_round", trip)
    program.configure("")
    with program.store() as store:
        request = store.requests.ask("doctor", {}, clock.now(), 60.0)
        strange = store.requests.ask("dance", {}, clock.now(), 60.0)

        async def turn() -> None:
            one = errands.Errands(Parts(load(), store, Silence()))
            while await one.turn() is not None:
                pass

        anyio.run(turn)
        answers = [store.requests.get(one) for one in (request, strange)]
    assert [one and one.answer for one in answers] == [
        {"error": "ZeroDivisionError: the doctor tripped"},
        {"error": "this daemon knows no errand 'dance'"},
    ]


def test_a_daemon_that_does_not_answer_is_said_and_the_command_looks(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older one, or one that stands still."""
    monkeypatch.setattr(doctor, "TAKEN_WITHIN", 0.2)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    program.configure("[aws]\nsign = false\n")
    with daemon(program.state_dir):
        program("doctor", "-o", "json")
    document = program.document()
    assert document["by"] == "command"
    found = [one for one in document["findings"] if one["check"] == "daemon"]
    assert [one["severity"] for one in found] == ["ok", "warn"]
    assert found[1]["finding"] == "it did not begin to look within 0.2 s"
    with program.store() as store:
        assert store.requests.take(clock.now()) is None


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((), 0), ((6, 5), 5), ((5, 78), 78), ((3, 6), 6), ((1, 3), 3), ((1,), 1)],
)
def test_of_several_failures_the_most_severe_decides(codes: tuple[int, ...], expected: int) -> None:
    """What only warns, or cannot be told here, decides nothing."""
    findings = [Finding("x", "", Grade.FAIL, "", code=code) for code in codes]
    others = [Finding("x", "", grade, "", code=78) for grade in (Grade.OK, Grade.WARN, Grade.UNKNOWN)]
    assert verdict([*findings, *others]) == expected
    assert [Finding.load(json.loads(json.dumps(one.dump()))) for one in findings] == findings


def test_lines_fit_a_terminal_and_leave_what_is_copied_whole(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command or a path is not torn apart; a pipe gets each finding on one line."""
    found = Finding("files", "/a/long/path", Grade.FAIL, "words " * 30, "chmod go-rwx /a/very/long/path/to/a/secret")
    unknown = Finding("aws", "", Grade.UNKNOWN, "no job is watched")
    monkeypatch.setattr("watcher.cli.findings.room", lambda: 60)
    print_findings(Context(), [found, unknown], "table", {})
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 60
    assert "chmod go-rwx /a/very/long/path/to/a/secret\n" in narrow
    assert "?     aws    not checkable here: no job is watched\n" in narrow
    monkeypatch.setattr("watcher.cli.findings.room", lambda: float("inf"))
    print_findings(Context(), [found], "table", {})
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_json_lines_are_one_finding_each(clinic: Clinic) -> None:
    done = clinic.home.run("doctor", "-o", "jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all({"version", "check", "subject", "severity", "finding", "remedy"} == set(line) for line in lines)
    assert done.stderr == ""


def test_without_a_configuration_it_says_how_to_write_one(program: Program) -> None:
    assert program("doctor") == 3
    assert "built-in defaults: no channel is configured: nobody is told\n" in program.out
    assert "bedrock-watch config init writes a configuration: add a [[channel]] to it\n" in program.out
