"""``get`` where the answer is not AWS's, and how it says what went wrong.

The AWS CLI exits with 255 for each of these answers; what it prints of them is Python's own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support_awscli import Done, aws, environment, ours
from support_receivers import Reply, WebReceiver, web_receiver

from watcher.cli.get import command, errors, printing

REFUSAL = Reply(
    404, '{"message": "no such job"}', {"x-amzn-ErrorType": "ResourceNotFoundException", "Content-Type": "text/plain"}
)
SENTENCE = (
    "An error occurred (ResourceNotFoundException) when calling the GetModelCustomizationJob operation"
    " (reached max retries: 0): no such job"
)


@pytest.fixture
def server() -> Iterator[WebReceiver]:
    """A server in Bedrock's place."""
    with web_receiver() as made:
        yield made


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with credentials and a region, that asks once."""
    return environment(tmp_path) | {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_MAX_ATTEMPTS": "1"}


def get(env: dict[str, str], server: WebReceiver, *words: str) -> Done:
    """Run it once."""
    return ours([["x", "--endpoint-url", server.url, *words]], env)[0]


STATUSES = (200, 300, 400, 403, 404, 429, 500, 502, 503)
NOT_AWS = ("null", '"Forbidden"', "[]", "[null]", "502", "true", '{"code":["a"]}', '{"code":{}}', "[" * 100_000)


def test_an_answer_that_is_not_aws_s_is_no_bug(server: WebReceiver, env: dict[str, str]) -> None:
    """Whatever the status: 255, where the AWS CLI (version 1 here) exits with 255 too."""
    cases = [(status, body) for status in STATUSES for body in NOT_AWS]
    cases = [case for case in cases if case[0] != 200 or "code" not in case[1]]  # a member that no SDK knows yet
    calls = [["--job-identifier", "x", "--endpoint-url", server.url]] * len(cases)
    for program in (ours, aws):
        server.replies.extend(Reply(*case) for case in cases)
        for case, done in zip(cases, program(calls, env), strict=True):
            assert done.code in ((254, 255) if case[0] == 300 else (255,)), (case, done)
            assert done.out == ""
            assert done.err.startswith("\naws: [ERROR]: ") or program is aws
            assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "body",
    [
        '\ufeff{"jobName": "x"}',
        '{"creationTime": 1e400}',
        '{"creationTime": "9999999999999999999999"}',
        '{"statusDetails": {"trainingDetails": []}}',
        '{"x": ' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_a_200_that_cannot_be_read_is_refused_with_255(server: WebReceiver, env: dict[str, str], body: str) -> None:
    """Of a byte order mark the AWS CLI makes an empty response, and exits with 0: that hides the fault."""
    server.reply = Reply(body=body)
    forms = ("json", "text", "table", "yaml")
    for done in ours([["x", "--endpoint-url", server.url, "--output", form] for form in forms], env):
        assert done.code in (0, 255)
        assert (done.code == 0) == body.startswith('{"x"') or "nested too deeply" in done.err
        assert done.out == "" or done.code == 0


def test_an_error_s_format_is_chosen_as_in_version_2(server: WebReceiver, env: dict[str, str], tmp_path: Path) -> None:
    """The option goes before the environment, and that before the profile."""
    server.reply = REFUSAL
    members = {"Message": "no such job", "Code": "ResourceNotFoundException"}
    written = {
        "enhanced": f"\naws: [ERROR]: {SENTENCE}\n",
        "legacy": f"\naws: [ERROR]: {SENTENCE}\n",
        "json": json.dumps(members, indent=4) + "\n",
        "yaml": yaml.safe_dump(members),
        "text": "ResourceNotFoundException\tno such job\n",
    }
    for form, text in written.items():
        assert get(env, server, "--cli-error-format", form) == Done(254, "", text), form
        assert get(env | {"AWS_CLI_ERROR_FORMAT": form.upper()}, server) == Done(254, "", text), form
    assert get(env, server, "--cli-error-format", "table").err.startswith("-----")
    (tmp_path / "config").write_text("[default]\ncli_error_format = json\n")
    assert get(env, server).err == written["json"]
    assert get(env | {"AWS_CLI_ERROR_FORMAT": "yaml"}, server).err == written["yaml"]
    assert get(env | {"AWS_CLI_ERROR_FORMAT": "yaml"}, server, "--cli-error-format", "legacy").err == written["legacy"]
    odd = get(env | {"AWS_CLI_ERROR_FORMAT": "roman"}, server)
    assert odd.err == f"Invalid cli_error_format: 'roman'. Using 'enhanced' format.\n{written['enhanced']}"
    assert get(env, server, "--cli-error-format", "roman").code == 252


def test_our_own_errors_have_the_aws_cli_s_codes(server: WebReceiver, env: dict[str, str]) -> None:
    nowhere = {name: value for name, value in env.items() if "REGION" not in name}
    nobody = {name: value for name, value in env.items() if "KEY" not in name}
    for environ, words, code in (
        (nowhere, (), "NoRegion"),
        (nobody, (), "NoCredentials"),
        (env, ("--query", "a["), "ParamValidation"),
        (env, ("--cli-input-json", "{}", "--cli-input-yaml", "{}"), "ParamValidation"),
    ):
        done = get(environ, server, *words, "--cli-error-format", "json")
        assert json.loads(done.err)["Code"] == code
        assert f"aws: [ERROR]: An error occurred ({code}): " in get(environ, server, *words).err
        assert "An error occurred" not in get(environ, server, *words, "--cli-error-format", "legacy").err
    # What has no code is a line in every format, as in version 2.
    done = get(env, server, "--profile", "nobody", "--cli-error-format", "json")
    assert done.err == "\naws: [ERROR]: The config profile (nobody) could not be found\n"


def test_words_that_cannot_be_read_are_said_first_and_then_the_usage(env: dict[str, str], server: WebReceiver) -> None:
    done = get(env, server, "--output", "xml")
    assert done.code == 252
    assert done.err.startswith("\naws: [ERROR]: An error occurred (ParamValidation): Invalid value for '--output'")
    assert "\nUsage: " in done.err


def test_output_off_prints_nothing_and_still_says_what_is_wrong(server: WebReceiver, env: dict[str, str]) -> None:
    server.reply = Reply(body='{"jobName": "x"}')
    assert get(env, server, "--output", "off") == Done(0, "", "")
    assert get(env | {"AWS_DEFAULT_OUTPUT": "off"}, server) == Done(0, "", "")
    assert get(env | {"AWS_DEFAULT_OUTPUT": "off"}, server, "--output", "text").out == "x\n"
    assert get(env, server, "--output", "off", "--query", "length(jobName, `3`)") == Done(0, "", "")
    server.reply = REFUSAL
    assert get(env, server, "--output", "off") == Done(254, "", f"\naws: [ERROR]: {SENTENCE}\n")


def test_an_empty_response_is_printed_as_nothing_in_every_format(server: WebReceiver, env: dict[str, str]) -> None:
    server.reply = Reply(body="{}")
    calls = [["x", "--endpoint-url", server.url, "--output", form] for form in printing.FORMATS]
    assert set(ours(calls, env)) == {Done(0, "", "")}


def test_a_query_for_a_function_is_refused(server: WebReceiver, env: dict[str, str]) -> None:
    server.reply = Reply(body='{"jobName": "x"}')
    queries = ("&a", "[&a]", "{x: &a}", "{x: [jobName, &jobName]}")
    words = [("--query", query, "--output", form) for query in queries for form in printing.FORMATS if form != "off"]
    for done in ours([["x", "--endpoint-url", server.url, *each] for each in words], env):
        assert (done.code, done.out) == (255, "")
        assert "--query: the result holds an expression" in done.err


def test_an_endpoint_that_is_no_url_exits_with_255(env: dict[str, str]) -> None:
    urls = ("http://[::1", "http://[", "https://[x]:1/", "http://h:99999/", "http://h:x/")
    calls = [["--job-identifier", "x", "--endpoint-url", url] for url in urls]
    for theirs, mine in zip(aws(calls, env), ours(calls, env), strict=True):
        assert (mine.code, mine.out) == (theirs.code, theirs.out) == (255, "")


@pytest.mark.parametrize(
    "more", [{"AWS_ENDPOINT_URL": "garbage"}, {"AWS_RETRY_MODE": "bogus"}, {"AWS_MAX_ATTEMPTS": "x"}]
)
def test_a_wrong_setting_of_the_host_exits_with_255(env: dict[str, str], more: dict[str, str]) -> None:
    (done,) = ours([["x"]], env | more)
    assert (done.code, done.out) == (255, "")
    assert next(iter(more.values())) in done.err


def test_the_formats_that_the_help_names_are_those_there_are() -> None:
    assert command._ERRORS == errors.FORMATS
    assert command._OUTPUTS == printing.FORMATS
