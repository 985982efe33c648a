"""One account's credentials: found by the SDK's own machinery, once for all who share them, holding up nobody else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import support_client
import support_simulator as support
from support_signin import SignIn, sign_in

from watcher.bedrock.client import Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.errors import LookError, LookFault
from watcher.simulator import Simulator, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/watch"
NAME = "titan-tickets-v7"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with sign_in() as one:
        for name, value in one.env.items():
            monkeypatch.setenv(name, value)
        yield one


def looks(endpoint: str, whose: Credentials, *regions: str, patience: float = 30.0) -> tuple[Keys, list[Look]]:
    """Return the keys of *whose* credentials, and a look with them in each region."""
    keys = Keys(whose, Settings(endpoint_url=endpoint, credentials_timeout=patience))
    return keys, [Look(KIND, region, keys) for region in regions or ("us-east-1",)]


def refusal(endpoint: str, whose: Credentials, patience: float = 30.0) -> LookError:
    """Return the error of a look with *whose* credentials."""

    async def ask() -> LookError:
        keys, (look,) = looks(endpoint, whose, patience=patience)
        with pytest.raises(LookError) as caught:
            await look.get(NAME)
        await keys.close()
        return caught.value

    return anyio.run(ask)


def test_a_role_is_assumed_once_for_all_who_look_and_as_the_configuration_says(
    service: SignIn, simulator: Simulator, endpoint: str
) -> None:
    regions = ("us-east-1", "eu-west-1", "us-west-2")
    for region in regions:
        simulator.play(fine_tuning(region=region))

    async def together() -> None:
        keys, found = looks(endpoint, Credentials("", ROLE, "x-1", "night-watch"), *regions)
        async with anyio.create_task_group() as tasks:
            for look in found * 7:
                tasks.start_soon(look.get, NAME)
        await keys.close()

    anyio.run(together)
    assert simulator.counts == {"Get": 21}
    (asked,) = service.asked
    assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == (ROLE, "x-1", "night-watch")


def test_a_role_is_assumed_again_before_its_session_is_over(
    service: SignIn, simulator: Simulator, endpoint: str
) -> None:
    """No look fails in between, though the first session is over by then."""
    simulator.play(fine_tuning())
    service.lasts = 300

    async def story() -> None:
        keys, (look,) = looks(endpoint, Credentials("", ROLE))
        await look.get(NAME)
        simulator.revoked.add(service.issued[0])
        await look.get(NAME)
        await keys.close()

    anyio.run(story)
    assert service.counts == {"AssumeRole": 2}
    assert simulator.counts == {"Get": 2}


def test_credentials_that_are_good_for_long_are_not_asked_for_again(
    service: SignIn, simulator: Simulator, endpoint: str
) -> None:
    simulator.play(fine_tuning())

    async def story() -> None:
        keys, (look,) = looks(endpoint, Credentials("", ROLE))
        for _ in range(5):
            await look.get(NAME)
        await keys.close()

    anyio.run(story)
    assert service.counts == {"AssumeRole": 1}


def test_those_who_wait_together_share_the_failure_too(service: SignIn, endpoint: str) -> None:
    """Or a sign-in service that refuses would be asked by every one of them in turn."""
    service.denied = {ROLE}
    errors: list[LookError] = []

    async def one(look: Look) -> None:
        with pytest.raises(LookError) as caught:
            await look.get(NAME)
        errors.append(caught.value)

    async def together() -> None:
        _, found = looks(endpoint, Credentials("", ROLE), "us-east-1", "eu-west-1")
        async with anyio.create_task_group() as tasks:
            for look in found * 10:
                tasks.start_soon(one, look)

    anyio.run(together)
    assert service.counts == {"AssumeRole": 1}
    assert {(error.fault, error.code) for error in errors} == {(LookFault.CREDENTIALS, "AccessDenied")}


def test_a_file_that_never_opens_holds_up_nobody_else(
    service: SignIn, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """As on a dead network file system: the SDK opens it in the midst of its work, and waits for ever."""
    simulator.play(fine_tuning())
    os.mkfifo(tmp_path / "token")
    (tmp_path / "config").write_text(
        f"[profile hanging]\nrole_arn = {ROLE}\nweb_identity_token_file = {tmp_path}/token\n"
    )
    found: list[str] = []

    async def hang() -> None:
        _, (look,) = looks(endpoint, Credentials("hanging"), patience=2)
        for _ in range(2):
            with pytest.raises(LookError) as caught:
                await look.get(NAME)
            found.append(caught.value.code)

    async def work() -> None:
        keys, (look,) = looks(endpoint, Credentials())
        for _ in range(5):
            await look.get(NAME)
            found.append("answered")
        await keys.close()

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hang)
            await anyio.sleep(0.1)
            tasks.start_soon(work)

    anyio.run(both)
    assert found == ["answered"] * 5 + ["CredentialsTimeout"] * 2
    (tmp_path / "token").unlink()


def test_a_program_that_hangs_is_ended_with_all_that_it_began(endpoint: str, tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(
        f"import os, subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\nchild.wait()\n"
    )
    (tmp_path / "config").write_text(f"[profile hanging]\ncredential_process = {sys.executable} {script}\n")
    error = refusal(endpoint, Credentials("hanging"), patience=2)
    assert error.what == "CredentialsTimeout: profile 'hanging' gave no credentials within 2 s"
    end = time.monotonic() + 60
    while any(map(lives, (tmp_path / "pids").read_text().split())):
        assert time.monotonic() < end, "it still runs"
        time.sleep(0.02)


def lives(pid: str) -> bool:
    """Return whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_profile_that_wants_a_code_is_said_to_be_none_for_a_daemon(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        f"[profile people]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::{ACCOUNT}:mfa/me\n"
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    error = refusal(endpoint, Credentials("people"))
    assert (error.fault, error.code) == (LookFault.CREDENTIALS, "CredentialRetrievalError")
    assert "a daemon has nobody to type it" in error.reason


def test_the_profile_to_sign_in_with_is_the_one_that_signs_in(endpoint: str, tmp_path: Path) -> None:
    """And not the one whose role is assumed with it."""
    (tmp_path / "config").write_text(
        f"[profile reader]\nrole_arn = {ROLE}\nsource_profile = people\n[profile people]\nsso_session = none\n"
        f"sso_account_id = {ACCOUNT}\nsso_role_name = hub\n[sso-session none]\nsso_region = us-east-1\n"
        "sso_start_url = https://sso.invalid/start\n"
    )
    for whose in (Credentials("reader"), Credentials("people", ROLE)):
        assert refusal(endpoint, whose).remedy == "sign in again: aws sso login --profile people"


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_list_with_the_keys_of_another_account_is_refused_even_if_it_is_empty(
    service: SignIn, simulator: Simulator, endpoint: str, tmp_path: Path, jobs: int
) -> None:
    """A rule that looks with them would find nothing for ever, and nobody would know.  STS is asked once."""
    other = "210987654321"
    (tmp_path / "config").write_text(
        f"[profile wrong]\naws_access_key_id = AKIA{other}\naws_secret_access_key = testing\n"
        f"[profile right]\naws_access_key_id = AKIA{ACCOUNT}\naws_secret_access_key = testing\n"
    )
    for number in range(jobs):
        simulator.play(fine_tuning(f"theirs-{number}", account=other))

    async def ask(profile: str) -> str:
        keys = Keys(Credentials(profile), Settings(endpoint_url=endpoint))
        look = Look(KIND, "us-east-1", keys, account=ACCOUNT)
        try:
            for _ in range(3):
                await look.page(0.0, None)
        except LookError as error:
            return f"{error.code}: {error.reason}"
        finally:
            await keys.close()
        return ""

    said = anyio.run(ask, "wrong")
    assert said.startswith(f"WrongAccount: profile 'wrong' is account {other} (")
    assert service.counts == {"GetCallerIdentity": 1}
    assert anyio.run(ask, "right") == ""
    assert service.counts == {"GetCallerIdentity": 2}
