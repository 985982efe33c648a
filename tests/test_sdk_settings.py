"""What the SDK reads beside the configuration is one fault of the scope when it cannot be used, and doctor obeys it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support_daemon import Home, hook_url, posted
from support_jobs import arn
from support_receivers import web_receiver
from support_signin import Files

BAD = [{"AWS_RETRY_MODE": "foo"}, {"AWS_MAX_ATTEMPTS": "many"}]


class Plain(Home):
    """A home whose configuration names no endpoint."""

    def _configuration(self) -> str:
        return super()._configuration().replace(f'endpoint_url = "{self.endpoint}"\n', "")


def test_a_setting_that_the_sdk_refuses_is_reported_once_for_all_jobs(tmp_path: Path) -> None:
    with web_receiver() as bedrock, web_receiver() as hook:
        jobs = [arn(number) for number in range(1, 26)]
        home = Home(tmp_path, bedrock.url, jobs, {"hook": hook_url(hook)}, poll='blind_after = "200ms"', env=BAD[0])
        with home.running() as process:
            process.wait_for(lambda: posted(hook))
            assert process.terminate() == 0
        (alert,) = posted(hook)
    assert "check [aws] in the configuration, the variables AWS_*" in alert.body
    assert "abcdefghij25" in alert.body


@pytest.mark.parametrize(
    "env", [*BAD, {"AWS_ENDPOINT_URL": "garbage"}, {"AWS_ENDPOINT_URL": "http://h:99999"}], ids=str
)
def test_the_doctor_names_a_setting_that_the_sdk_refuses(tmp_path: Path, env: dict[str, str]) -> None:
    done = Plain(tmp_path, "http://127.0.0.1:1", [arn()], env=env).run("doctor", "-o", "json")
    found = [one for one in json.loads(done.stdout)["findings"] if one["severity"] == "fail"]
    assert any("AWS_" in one["remedy"] for one in found)
    assert "Traceback" not in done.stderr
    assert done.returncode != 70


@pytest.mark.parametrize(
    "profile",
    ["endpoint_url = {url}\n", "services = here\n[services here]\nbedrock =\n  endpoint_url = {url}\n"],
    ids=["endpoint_url", "services"],
)
def test_the_doctor_asks_the_endpoint_that_the_profile_names(tmp_path: Path, profile: str) -> None:
    files = Files(tmp_path / "home")
    with web_receiver() as bedrock:
        files.config(
            "[profile people]\naws_access_key_id = a\naws_secret_access_key = b\n" + profile.format(url=bedrock.url)
        )
        home = Plain(tmp_path, "", [arn()], aws='profile = "people"', env=files.env)
        done = home.run("doctor", "-o", "json")
        assert any(bedrock.address in one["finding"] for one in json.loads(done.stdout)["findings"])


@pytest.mark.parametrize(
    ("setting", "host"),
    [
        ("use_fips_endpoint = true\n", "bedrock-fips.us-east-1"),
        ("use_dualstack_endpoint = true\n", "bedrock.us-east-1.api.aws"),
    ],
)
def test_the_doctor_looks_where_the_profile_s_kind_of_endpoint_is(tmp_path: Path, setting: str, host: str) -> None:
    files = Files(tmp_path / "home")
    files.config("[profile people]\naws_access_key_id = a\naws_secret_access_key = b\n" + setting)
    home = Plain(tmp_path, "", [arn()], aws='profile = "people"', env=files.env | {"HTTPS_PROXY": "http://127.0.0.1:1"})
    assert host in home.run("doctor", "-o", "json").stdout
