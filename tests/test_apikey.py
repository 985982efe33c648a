"""One Bedrock API key for several accounts: the program warns about it, and about nothing that is in order."""

from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import pytest
import support_client
from support_askers import ROLE
from support_config import read
from support_daemon import Home
from support_jobs import ACCOUNT, arn
from support_receivers import Reply, web_receiver

from watcher.bedrock.client import Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.queue import Queue
from watcher.doctor.choices import shared_key
from watcher.errors import LookError

nobody = pytest.fixture(autouse=True)(support_client.nobodys_credentials)

OTHER = "210987654321"
OWN = f'[[account]]\nid = "{ACCOUNT}"\n'
KEY = "AWS_BEARER_TOKEN_BEDROCK"
ONLY_THE_KEY = {KEY: "bedrock-api-key-1", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def test_the_program_warns_that_one_api_key_answers_for_all_accounts(tmp_path: Path) -> None:
    accounts = f'{OWN}[[account]]\nid = "{OTHER}"\n'
    with web_receiver() as bedrock:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        home = Home(tmp_path, bedrock.url, [arn()], env=ONLY_THE_KEY, more=accounts)
        checked = home.run("config", "check").stderr
        doctored = json.loads(home.run("doctor", "-o", "json").stdout)["findings"]
        with home.running() as process:
            process.wait_for(lambda: bedrock.requests)
            assert process.terminate() == 0
        assert {request.headers["Authorization"] for request in bedrock.requests} == {"Bearer bedrock-api-key-1"}
    said = f"{KEY} is the only credential here"
    (logged,) = [line["warning"] for line in home.logged("configuration") if KEY in line["warning"]]
    (found,) = [one for one in doctored if said in one["finding"]]
    assert found["severity"] == "warn"
    assert said in checked
    assert f"answers for accounts {ACCOUNT}, {OTHER}. Give each [[account]] a profile" in logged
    assert "bedrock-api-key-1" not in checked + json.dumps(doctored) + home.words()


def test_the_doctor_says_that_it_cannot_tell_whose_api_key_is_used(tmp_path: Path) -> None:
    with web_receiver() as bedrock:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        done = Home(tmp_path, bedrock.url, [arn()], env=ONLY_THE_KEY).run("doctor", "-o", "json")
    (found,) = [one for one in json.loads(done.stdout)["findings"] if KEY in one["finding"]]
    assert found["severity"] == "not checkable here"
    assert "which account it belongs to" in found["finding"]


def test_an_api_key_is_never_sent_to_a_queue(only_key: None) -> None:
    async def receive(url: str) -> None:
        queue = Queue(f"{url}/{ACCOUNT}/jobs", "us-east-1", Credentials(), Settings())
        try:
            with pytest.raises(LookError, match="NoCredentialsError"):
                await queue.receive()
        finally:
            await queue.close()

    with web_receiver() as sqs:
        anyio.run(receive, sqs.url)
        assert not sqs.requests


def warnings(tmp_path: Path, text: str) -> str:
    """Return what is warned about in a configuration."""
    return "\n".join(shared_key(read(tmp_path, text)))


@pytest.fixture
def only_key(monkeypatch: pytest.MonkeyPatch) -> None:
    support_client.no_key(monkeypatch)
    monkeypatch.setenv(KEY, "bedrock-api-key-1")


def test_an_api_key_cannot_assume_a_role(tmp_path: Path, only_key: None) -> None:
    text = f'[[account]]\nid = "{ACCOUNT}"\nrole_arn = "{ROLE}"\n'
    assert f"cannot assume the role of account {ACCOUNT}" in warnings(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f'{OWN}profile = "a"\n',
        f'{OWN}role_arn = "{ROLE}"\nsource_profile = "a"\n',
        f'[aws]\nprofile = "a"\n{OWN}',
        f'[aws]\nendpoint_url = "http://127.0.0.1:1"\nsign = false\n{OWN}',
    ],
    ids=["no account", "profile", "source profile", "profile of all", "unsigned"],
)
def test_an_account_with_credentials_of_its_own_is_not_warned_about(tmp_path: Path, only_key: None, text: str) -> None:
    assert warnings(tmp_path, text) == ""


@pytest.mark.parametrize(
    "setting",
    ["aws_access_key_id = A", "credential_process = x", "role_arn = r", "sso_session = s", "login_session = l"],
)
def test_an_api_key_beside_a_default_profile_is_not_warned_about(tmp_path: Path, only_key: None, setting: str) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\n{setting}\n")
    assert warnings(tmp_path, OWN) == ""


@pytest.mark.parametrize(
    "variable", ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
)
def test_an_api_key_beside_other_credentials_of_the_environment_is_not_warned_about(
    tmp_path: Path, only_key: None, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    assert warnings(tmp_path, OWN) == ""


@pytest.mark.parametrize("text", ["[default\n", "[default]\nregion = us-east-1\n", "\x00"])
def test_a_file_without_credentials_changes_nothing_about_an_api_key(tmp_path: Path, only_key: None, text: str) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)
    assert f"answers for account {ACCOUNT}. " in warnings(tmp_path, OWN)


def test_a_fifo_in_the_place_of_a_file_holds_nobody_up(tmp_path: Path, only_key: None) -> None:
    os.mkfifo(os.environ["AWS_CONFIG_FILE"])
    assert f"answers for account {ACCOUNT}. " in warnings(tmp_path, OWN)
