"""What really happens to credentials: each case lost and found again by a running daemon, against real sign-in services.

The cases are those that a long-lived client meets: each is told once for the whole account, with what to do about it,
and what changed meanwhile is told right after the return.  Nothing is restarted.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import DROP, WebReceiver, web_receiver
from support_signin import Files, SignIn, sign_in
from support_simulator import NOON, Clock

from watcher.simulator import Fault, Kind, Simulator, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

ACCOUNT, OTHER = "123456789012", "210987654321"
KEY = f"AKIA{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bedrock-watch"
START = "https://sso.example.com/start"
ROLE_OF_SSO = f"sso_account_id = {ACCOUNT}\nsso_role_name = reader\n"
SSO = f"[profile people]\nsso_session = corp\n{ROLE_OF_SSO}[sso-session corp]\nsso_region = us-east-1\nsso_start_url = {START}\n"
LEGACY = f"[profile people]\nsso_start_url = {START}\nsso_region = us-east-1\n{ROLE_OF_SSO}"
PEOPLE = f'[[account]]\nid = "{ACCOUNT}"\nprofile = "people"\n'
ASSUMED = f'[[account]]\nid = "{ACCOUNT}"\nrole_arn = "{ROLE}"\nexternal_id = "x-1"\nsession_name = "night-watch"\n'


@dataclass
class World:
    """What a case can change."""

    simulator: Simulator
    service: SignIn
    files: Files

    def expire(self) -> None:
        """Let AWS refuse all that it has given so far."""
        self.simulator.revoked |= {KEY, "t1", *self.service.issued}

    def process(self, script: str) -> None:
        """Write what the credential_process of a profile runs."""
        self.files.home.mkdir(exist_ok=True)
        (self.files.home / "give.py").write_text(script)
        self.files.config(f"[profile people]\ncredential_process = {sys.executable} {self.files.home}/give.py\n")

    def give(self, token: str) -> str:
        """Return a program that prints good credentials."""
        found = {"Version": 1, "AccessKeyId": f"ASIA{ACCOUNT}", "SecretAccessKey": "testing", "SessionToken": token}
        self.service.issued.append(token)
        return f"print({json.dumps(found)!r})"


@dataclass(frozen=True)
class Case:
    """How credentials are good, how they are lost, what is said then, and what a person does about it."""

    begin: Callable[[World], object]
    lose: Callable[[World], object]
    mend: Callable[[World], object]
    code: str
    remedy: str
    more: str = ""


def _key(world: World) -> None:
    world.files.key(KEY, "t1")


def _new_key(world: World) -> None:
    world.simulator.revoked.discard(KEY)
    world.files.key(KEY, "t2")


def _without_a_file(world: World) -> None:
    world.files.no_key()
    world.expire()


def _profile(world: World, name: str = "people") -> None:
    world.files.config(f"[profile {name}]\naws_access_key_id = {KEY}\naws_secret_access_key = testing\n")
    world.simulator.revoked.clear()


def _without_the_profile(world: World) -> None:
    _profile(world, "others")
    world.expire()


def _sso(world: World, config: str = SSO, start: str = "corp") -> None:
    world.files.config(config)
    world.service.tokens = {"good"}
    world.files.log_in(start, "good", 28_800)


def _legacy(world: World) -> None:
    _sso(world, LEGACY, START)


def _without_a_token(world: World) -> None:
    world.files.log_out()
    world.expire()


def _with_an_old_token(world: World) -> None:
    world.files.log_in(START, "good", -60)
    world.expire()


def _with_a_revoked_token(world: World) -> None:
    world.service.tokens.clear()
    world.expire()


def _with_a_token_that_cannot_be_refreshed(world: World) -> None:
    more = {"refreshToken": "r", "clientId": "c", "clientSecret": "s", "registrationExpiresAt": "2099-01-01T00:00:00Z"}
    world.files.log_in("corp", "good", -60, **more)
    world.expire()


def _without_the_role(world: World) -> None:
    world.service.denied.add(ROLE)
    world.simulator.revoked |= set(world.service.issued)


def _without_the_service(world: World) -> None:
    world.service.instead = DROP
    world.expire()


def _with_the_service(world: World) -> None:
    world.service.instead = ""


def _bad(kind: Kind) -> Callable[[World], None]:
    return lambda world: world.simulator.inject(Fault(kind=kind))


def _another_account(world: World) -> None:
    world.files.key(f"AKIA{OTHER}")
    world.expire()


def _after(what: Callable[[World], object], script: str) -> Callable[[World], None]:
    def lose(world: World) -> None:
        what(world)
        world.process(script)

    return lose


CASES = {
    "none at all": Case(_key, _without_a_file, _new_key, "NoCredentialsError", "provide credentials"),
    "an unknown profile": Case(
        _profile, _without_the_profile, _profile, "ProfileNotFound", "add the profile to ~/.aws/config", PEOPLE
    ),
    "no SSO token": Case(_sso, _without_a_token, _sso, "SSOTokenLoadError", "aws sso login --profile people", PEOPLE),
    "an expired SSO token": Case(
        _legacy, _with_an_old_token, _legacy, "UnauthorizedSSOTokenError", "aws sso login --profile people", PEOPLE
    ),
    "a revoked SSO token": Case(
        _sso, _with_a_revoked_token, _sso, "UnauthorizedSSOTokenError", "aws sso login --profile people", PEOPLE
    ),
    "an SSO token that cannot be refreshed": Case(
        _sso,
        _with_a_token_that_cannot_be_refreshed,
        _sso,
        "TokenRetrievalError",
        "aws sso login --profile people",
        PEOPLE,
    ),
    "a role that may not be assumed": Case(
        _key,
        _without_the_role,
        lambda world: world.service.denied.clear(),
        "AccessDenied",
        "the role's trust policy",
        ASSUMED,
    ),
    "a sign-in service that cannot be reached": Case(
        _key,
        _without_the_service,
        _with_the_service,
        "ConnectionClosedError",
        "sign-in services (STS, SSO) can be reached",
        ASSUMED,
    ),
    "an expired static token": Case(
        _key, World.expire, _new_key, "ExpiredTokenException", "put fresh credentials in place"
    ),
    "a bad key": Case(
        _key,
        _bad(Kind.UNRECOGNIZED_CLIENT),
        lambda world: world.simulator.clear(),
        "UnrecognizedClientException",
        "check the default credentials",
    ),
    "a skewed clock": Case(
        _key,
        _bad(Kind.INVALID_SIGNATURE),
        lambda world: world.simulator.clear(),
        "InvalidSignatureException",
        "this machine's clock",
    ),
    "a program that fails": Case(
        lambda world: world.process(world.give("p1")),
        _after(World.expire, "import sys; sys.exit('the vault is sealed')"),
        lambda world: world.process(world.give("p2")),
        "CredentialRetrievalError",
        "run it as the user that the daemon runs as",
        PEOPLE,
    ),
    "a program that hangs": Case(
        lambda world: world.process(world.give("p1")),
        _after(World.expire, "import time; time.sleep(600)"),
        lambda world: world.process(world.give("p2")),
        "CredentialsTimeout",
        "see what their source waits for",
        PEOPLE,
    ),
    "a program that prints rubbish": Case(
        lambda world: world.process(world.give("p1")),
        _after(World.expire, "print('hello')"),
        lambda world: world.process(world.give("p2")),
        "JSONDecodeError",
        "what their credential_process prints",
        PEOPLE,
    ),
    "those of another account": Case(_key, _another_account, _new_key, "WrongAccount", f'id = "{ACCOUNT}"'),
}


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def service() -> Iterator[SignIn]:
    with sign_in() as one:
        yield one


@pytest.fixture
def world(simulator: Simulator, service: SignIn, tmp_path: Path) -> World:
    return World(simulator, service, Files(tmp_path / "user"))


def titles(hook: WebReceiver) -> list[str]:
    """Return the titles that arrived, without the program's name."""
    return [alert.title.removeprefix("[bedrock] ") for alert in posted(hook)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_lost_credentials_are_told_once_with_the_remedy_and_found_again_without_a_restart(
    tmp_path: Path, world: World, clock: Clock, endpoint: str, hook: WebReceiver, case: Case
) -> None:
    simulator, service = world.simulator, world.service
    jobs = [
        simulator.play(fine_tuning(f"job-{region}", region=region))
        for region in ("us-east-1", "eu-west-1", "us-west-2")
    ]
    case.begin(world)
    home = Home(
        tmp_path,
        endpoint,
        jobs,
        {"hook": hook_url(hook)},
        poll='blind_after = "100ms"',
        aws='credentials_timeout = "2s"',
        env=world.files.env | service.env,
        more=case.more,
    )
    with home.running("-vv") as daemon:  # however much is logged, botocore's tracebacks are not
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(3,)])
        case.lose(world)
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: hook.requests)
        asked = service.counts.total()
        ((failures,),) = home.query("SELECT failures FROM scopes")
        daemon.wait_for(lambda: home.query("SELECT failures > ? FROM scopes", failures) == [(1,)])
        status = home.run("status").stdout
        case.mend(world)
        daemon.wait_for(lambda: len(hook.requests) >= 5)
        assert daemon.terminate() == 0
    (lost, regained, *news) = posted(hook)
    assert lost.title.startswith(f"[bedrock] CANNOT WATCH jobs of account {ACCOUNT} since ")
    assert f"{case.code}: " in lost.body
    assert case.remedy in lost.body.partition("What to do: ")[2].splitlines()[0]
    assert case.code in status
    assert regained.title.startswith(f"[bedrock] WATCHING AGAIN jobs of account {ACCOUNT} after ")
    assert sorted(alert.title.split()[1] for alert in news) == ["COMPLETED"] * 3
    assert home.query("SELECT count(*) FROM scopes") == [(0,)]
    assert len(home.logged("credentials_failing")) == len(home.logged("credentials_work_again")) == 1
    assert "Traceback" not in home.words()
    # One try of one group at a time, for all three regions; each asks each service twice at most.
    assert service.counts.total() - asked <= 2 * 4


def test_those_who_share_credentials_are_one_trouble_however_their_jobs_were_given(
    tmp_path: Path, world: World, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """By ARN, by name (which tells no account), and with a profile of its own that is the account's anyway."""
    simulator = world.simulator
    arn, _, own = (simulator.play(fine_tuning(f"job-{how}")) for how in ("arn", "named", "own"))
    _profile(world)
    tables = f'[[job]]\nid = "job-named"\nlabel = "named"\n[[job]]\nid = "{own}"\nprofile = "people"\n'
    names = """[[channel]]\nname = "named"\nurl = "{url}"\nnames = ["named"]\n"""
    with web_receiver() as other:
        home = Home(
            tmp_path,
            endpoint,
            [arn],
            {"hook": hook_url(hook)},
            poll='blind_after = "1h"',
            aws='profile = "people"',
            env=world.files.env | world.service.env,
            more=tables + names.format(url=hook_url(other)),
        )
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(3,)])
            world.expire()
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM scopes") == [(3,)])
            home.poll = 'blind_after = "100ms"'
            home.configure()
            daemon.popen.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM scopes WHERE blind_since") == [(3,)])
            daemon.wait_for(lambda: other.requests)
            assert daemon.terminate() == 0
        # Who tells is known to another process, too.
        with home.running() as daemon:
            simulator.revoked.clear()
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM scopes") == [(0,)])
            daemon.wait_for(lambda: len(other.requests) == 2)
            clock.now = NOON + 111 * 60
            daemon.wait_for(lambda: len(hook.requests) >= 5)
            assert daemon.terminate() == 0
    lost, regained, *news = [alert.title for alert in posted(hook)]
    assert lost.startswith(f"[bedrock] CANNOT WATCH jobs of account {ACCOUNT} since ")
    assert regained.startswith(f"[bedrock] WATCHING AGAIN jobs of account {ACCOUNT} after ")
    assert [title.split()[1] for title in news] == ["COMPLETED"] * 3
    assert [alert.title.split()[1] for alert in posted(other)[:2]] == ["CANNOT", "WATCHING"]
