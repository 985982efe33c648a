"""With whose credentials AWS is asked, and what is said when there are none, or they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
import support_client
import support_simulator as support
from support_client import get, refusal, using
from support_receivers import Reply, web_receiver

from watcher.bedrock.client import Look, profile_region
from watcher.errors import LookError, LookFault
from watcher.simulator import Fault, Kind, Simulator, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)
no_key = pytest.fixture(support_client.no_key)

OTHER_ACCOUNT = "AKIA210987654321"
"""An access key that the simulator takes for another account's."""


def test_no_credentials_at_all_are_a_fault_of_credentials(no_key: None, simulator: Simulator, endpoint: str) -> None:
    error = refusal(endpoint)
    assert (error.fault, error.code) == (LookFault.CREDENTIALS, "NoCredentialsError")
    assert "provide credentials: an instance role" in error.remedy
    assert not simulator.counts


def test_an_unknown_profile_is_a_fault_of_credentials(endpoint: str) -> None:
    error = refusal(endpoint, profile="nobody")
    assert (error.fault, error.code) == (LookFault.CREDENTIALS, "ProfileNotFound")
    assert "~/.aws/config" in error.remedy


def test_an_absent_sso_token_says_how_to_sign_in(no_key: None, endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile people]\nsso_session = none\nsso_account_id = 123456789012\nsso_role_name = reader\n"
        "[sso-session none]\nsso_region = us-east-1\nsso_start_url = https://sso.invalid/start\n"
    )
    error = refusal(endpoint, profile="people")
    assert error.fault is LookFault.CREDENTIALS
    assert error.remedy == "sign in again: aws sso login --profile people"


def test_a_role_that_may_not_be_assumed_is_a_fault_of_credentials_and_not_of_bedrock(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """The code is AccessDenied, too, but it is STS that says so: another permission would not help."""
    (tmp_path / "config").write_text(
        "[profile reader]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    with web_receiver() as sts:
        sts.reply = Reply(
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>may not assume</Message></Error>"
            "</ErrorResponse>",
            {"Content-Type": "text/xml"},
        )
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        error = refusal(endpoint, profile="reader")
    assert (error.fault, error.code) == (LookFault.CREDENTIALS, "AccessDenied")
    assert error.reason == "AssumeRole: may not assume"
    assert error.remedy == "check the role's trust policy, and that its source credentials may assume it"
    assert not simulator.counts


def test_what_aws_refuses_is_read_anew_at_once(
    no_key: None, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """The SDK reads static keys once.  A file that was written anew in between is used within the same look."""
    simulator.play(fine_tuning())
    file = tmp_path / "credentials"

    def write(key: str) -> None:
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = testing\n")

    async def story(look: Look) -> tuple[LookFault, LookFault, str]:
        with pytest.raises(LookError) as unknown:
            await look.get("titan-tickets-v7")
        simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN, count=1))
        with pytest.raises(LookError) as expired:
            await look.get("titan-tickets-v7")
        write("AKIA123456789012")
        simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN, count=1))
        answer = await look.get("titan-tickets-v7")
        return unknown.value.fault, expired.value.fault, answer.facts["status"]

    write(OTHER_ACCOUNT)
    assert using(endpoint, story) == (LookFault.NOT_FOUND, LookFault.CREDENTIALS, "InProgress")
    assert simulator.counts == {"Get": 4}


def test_looks_that_begin_together_ask_for_credentials_once(
    no_key: None, monkeypatch: pytest.MonkeyPatch, simulator: Simulator, endpoint: str
) -> None:
    """As from a container's or an instance's role, whose endpoint must not be stormed."""
    simulator.play(fine_tuning())
    fresh = {
        "AccessKeyId": "AKIA123456789012",
        "SecretAccessKey": "testing",
        "Token": "testing",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    async def together(look: Look) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(look.get, "titan-tickets-v7")

    with web_receiver() as role:
        role.reply = Reply(200, json.dumps(fresh))
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{role.url}/role")
        using(endpoint, together)
        assert [request.path for request in role.requests] == ["/role"]
    assert simulator.counts == {"Get": 8}


@pytest.mark.parametrize(("sign", "region"), [(True, "us-east-1"), (False, "")])
def test_requests_are_signed_unless_the_configuration_says_otherwise(
    simulator: Simulator, endpoint: str, *, sign: bool, region: str
) -> None:
    """A signature is where the simulator reads the region."""
    simulator.play(fine_tuning())
    get(endpoint, sign=sign)
    assert [request.region for request in simulator.requests] == [region]


def test_unsigned_requests_need_no_credentials(no_key: None, simulator: Simulator, endpoint: str) -> None:
    simulator.play(fine_tuning())
    assert get(endpoint, sign=False).facts["status"] == "InProgress"


def test_the_region_of_a_name_comes_from_the_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert profile_region("") == ""
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n[profile research]\nregion = us-west-2\n")
    assert profile_region("") == "eu-west-1"
    assert profile_region("research") == "us-west-2"
    monkeypatch.setenv("AWS_PROFILE", "research")
    assert profile_region("") == "us-west-2"
    with pytest.raises(LookError) as caught:
        profile_region("nobody")
    assert caught.value.fault is LookFault.CREDENTIALS
