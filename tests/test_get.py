"""``bedrock-watch get`` where it goes with version 2 of the AWS CLI, or beyond it: options, exit codes, formats."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import ssl
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import support_signals  # noqa: F401 - its import is its work
import trustme
from support_awscli import Done, environment, ours
from support_receivers import HANG, Reply, WebReceiver, web_receiver

from watcher.cli.get import yamls

GOLDEN = Path(__file__).parent / "golden/get"
BODY = (GOLDEN / "body.json").read_text()
NAME = "nova-support-v3"


@pytest.fixture
def server() -> Iterator[WebReceiver]:
    """A Bedrock whose one job is newer than every SDK."""
    with web_receiver() as made:
        made.reply = Reply(body=BODY, headers={"Content-Type": "application/json"})
        yield made


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with credentials and a region, and nothing else."""
    return environment(tmp_path) | {"AWS_CONFIG_FILE": str(tmp_path / "config")}


def get(env: dict[str, str], *words: str) -> Done:
    """Run it once."""
    return ours([words], env)[0]


def asked(server: WebReceiver) -> list[str]:
    """Return the paths that were asked for."""
    return [request.path for request in server.requests]


def golden(name: str) -> str:
    """Return an approved text."""
    return (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "file"), [("json", "printed.json"), ("yaml", "printed.yaml"), ("yaml-stream", "printed.stream.yaml")]
)
def test_a_response_is_printed_whole_though_no_sdk_knows_all_its_members(
    server: WebReceiver, env: dict[str, str], form: str, file: str
) -> None:
    """Known members first, in AWS's order; the others follow as they came, those within a union too."""
    done = get(env, NAME, "--endpoint-url", server.url, "--output", form)
    assert done == Done(0, golden(file), "")


def test_yaml_is_quoted_and_folded_as_the_aws_cli_does_it() -> None:
    assert yamls.document(json.loads(golden("words.json"))) == golden("words.yaml")


@pytest.mark.parametrize("value", ["yes", "", "a\nb", 3, 1e-05, True, None])
def test_a_single_scalar_is_json_in_yaml_too(value: Any) -> None:
    assert yamls.document(value) == json.dumps(value) + "\n"


def test_the_samples_of_input_can_be_filled_in_and_read_again(server: WebReceiver, env: dict[str, str]) -> None:
    as_json = get(env, "--generate-cli-skeleton", "input").out
    as_yaml = get(env, "--generate-cli-skeleton", "yaml-input").out
    assert json.loads(as_json) == {"jobIdentifier": ""}
    assert as_yaml == golden("yaml-input.yaml")
    where = ("--endpoint-url", server.url, "--query", "jobName")
    filled = get(env, "--cli-input-json", as_json.replace('""', '"one"'), *where)
    again = get(env, "--cli-input-yaml", as_yaml.replace("''", "two"), *where)
    assert (filled.out, again.out) == ('"nova-support-v3"\n', '"nova-support-v3"\n')
    assert asked(server) == ["/model-customization-jobs/one", "/model-customization-jobs/two"]


def test_the_sample_of_the_output_asks_nobody_and_has_every_member(server: WebReceiver, env: dict[str, str]) -> None:
    done = get(env, NAME, "--endpoint-url", server.url, "--generate-cli-skeleton", "output")
    assert json.loads(done.out).items() >= {"jobArn": "jobArn", "creationTime": "1970-01-01T00:00:00"}.items()
    assert server.requests == []
    assert get(env, "--generate-cli-skeleton", "output", "--cli-input-json", "{}").code == 252


def test_an_option_goes_before_the_document_and_the_document_may_be_in_a_file(
    server: WebReceiver, env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "in.json").write_text('{"jobIdentifier": "from-json"}')
    (tmp_path / "in.yaml").write_text("jobIdentifier: no")
    (tmp_path / "name").write_text("from-file")
    for words in (
        ["--cli-input-json", f"file://{tmp_path}/in.json"],
        ["--cli-input-json", "fileb://$HOME/in.json"],
        ["--cli-input-yaml", f"file://{tmp_path}/in.yaml"],
        ["--cli-input-json", f"file://{tmp_path}/in.json", "--job-identifier", "from-option"],
        ["--cli-input-json", f"file://{tmp_path}/in.json", "from-argument"],
        ["--job-identifier", f"file://{tmp_path}/name"],
    ):
        assert get(env, *words, "--endpoint-url", server.url).code == 0, words
    names = [path.rpartition("/")[2] for path in asked(server)]
    assert names == ["from-json", "from-json", "no", "from-option", "from-argument", "from-file"]


USAGE = {
    (): "the following arguments are required: --job-identifier",
    ("a", "--job-identifier", "b"): "the job is given twice",
    ("--job-identifier", ""): "jobIdentifier is empty",
    ("--job-identifier", " "): "jobIdentifier is empty",
    ("--cli-input-json", '{"jobIdentifier": ""}'): "jobIdentifier is empty",
    ("--cli-input-json", "{}"): 'Missing required parameter in input: "jobIdentifier"',
    ("--cli-input-json", '{"jobIdentifier": 3}'): "Invalid type for parameter jobIdentifier, value: 3",
    ("--cli-input-json", '{"jobidentifier": "x"}'): 'Unknown parameter in input: "jobidentifier"',
    ("--cli-input-json", "{"): "Error parsing parameter '--cli-input-json': Invalid JSON received.",
    ("--cli-input-json", "[]"): "Invalid type: expecting map, received <class 'list'>",
    ("--cli-input-yaml", "a: ["): "Error parsing parameter '--cli-input-yaml': Invalid YAML received.",
    ("--cli-input-yaml", "jobIdentifier: a\njobIdentifier: b"): "Error parsing parameter '--cli-input-yaml': Invalid",
    ("--cli-input-yaml", "{a: {b: 1, b: 1}}"): "Error parsing parameter '--cli-input-yaml': Invalid YAML received.",
    ("--cli-input-json", "{}", "--cli-input-yaml", "{}"): "Only one --cli-input- parameter may be specified.",
    ("--cli-input-json", "file:///nowhere"): "Unable to load paramfile file:///nowhere: [Errno 2]",
    ("x", "--query", "a["): "Bad value for --query a[: ",
    ("x", "--endpoint-url", "localhost"): 'Bad value for --endpoint-url "localhost": scheme is missing.',
    ("x", "--output", "xml"): "'xml' is not one of",
    ("x", "--color", "always"): "'always' is not one of",
    ("x", "--query"): "argument --query: expected one argument",
    ("--job-id",): "argument --job-identifier: expected one argument",
    ("--job-identifier", "--endpoint-url", "http://127.0.0.1:9"): "argument --job-identifier: expected one argument",
    ("x", "--query", "--output", "text"): "argument --query: expected one argument",
    ("x", "--cli-binary-format", "hex"): "'hex' is not one of",
    ("x", "--cli-auto-prompt"): "--cli-auto-prompt: there is no prompt here",
    ("x", "--no-such-option"): "No such option",
    ("x", "--no-cli"): "ambiguous option: --no-cli could match --no-cli-auto-prompt, --no-cli-pager",
}


def test_what_cannot_be_understood_exits_with_252_and_says_why(env: dict[str, str]) -> None:
    for done, (words, why) in zip(ours(list(USAGE), env), USAGE.items(), strict=True):
        assert (done.code, done.out) == (252, ""), words
        assert why in " ".join(done.err.split()), words


def test_without_a_region_or_credentials_it_exits_with_253(server: WebReceiver, env: dict[str, str]) -> None:
    nowhere = {name: value for name, value in env.items() if "REGION" not in name}
    nobody = {name: value for name, value in env.items() if "KEY" not in name}
    words = (NAME, "--endpoint-url", server.url)
    done = get(nowhere, *words)
    assert done.code == 253
    assert done.err.startswith("\naws: [ERROR]: An error occurred (NoRegion): You must specify a region. ")
    done = get(nobody, *words)
    assert done.code == 253
    assert done.err.startswith("\naws: [ERROR]: An error occurred (NoCredentials): Unable to locate credentials. ")
    assert get(nobody, *words, "--no-sign-request").code == 0
    Path(env["AWS_CONFIG_FILE"]).write_text("[default]\ncli_timestamp_format = roman\n")
    done = get(env, *words)
    assert (done.code, done.err) == (
        253,
        '\naws: [ERROR]: An error occurred (Configuration): Unknown cli_timestamp_format value: roman, valid values are "wire" or "iso8601"\n',
    )


def test_anything_else_exits_with_255(server: WebReceiver, env: dict[str, str]) -> None:
    words = (NAME, "--endpoint-url", server.url)
    assert (
        get(env, *words, "--profile", "nobody").err
        == "\naws: [ERROR]: The config profile (nobody) could not be found\n"
    )
    done = get(env, NAME, "--endpoint-url", "http://127.0.0.1:9")
    assert (done.code, done.err) == (
        255,
        f'\naws: [ERROR]: Could not connect to the endpoint URL: "http://127.0.0.1:9/model-customization-jobs/{NAME}"\n',
    )
    assert get(env | {"AWS_DEFAULT_OUTPUT": "xml"}, *words) == Done(
        255, "", "\naws: [ERROR]: Unknown output type: xml\n"
    )
    assert get(env, *words, "--query", "length(`3`)").code == 255
    for seconds, why in (("soon", "invalid literal for int() with base 10: 'soon'"), ("-1", "-1 is less than 0")):
        assert get(env, *words, "--cli-read-timeout", seconds) == Done(
            255, "", f"\naws: [ERROR]: --cli-read-timeout: {why}\n"
        )
    for body in ("<html>", "[]", '{"statusDetails": 3}', '{"hyperParameters": []}', '{"creationTime": "noon"}'):
        server.reply = Reply(body=body)
        done = get(env, *words)
        assert (done.code, done.out) == (255, ""), body
        assert "Traceback" not in done.err


def test_a_server_that_hangs_is_given_up_after_the_time_that_was_allowed(
    server: WebReceiver, env: dict[str, str]
) -> None:
    server.reply = Reply(instead=HANG)
    done = get(env | {"AWS_MAX_ATTEMPTS": "1"}, NAME, "--endpoint-url", server.url, "--cli-read-timeout", "1")
    assert done.code == 255
    assert done.err.startswith("\naws: [ERROR]: Read timeout on endpoint URL: ")


def test_ctrl_c_ends_it(server: WebReceiver, env: dict[str, str]) -> None:
    server.reply = Reply(instead=HANG)
    with subprocess.Popen(
        [*OURS, NAME, "--endpoint-url", server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as process:
        while not server.requests:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def test_a_service_that_throttles_is_asked_again_as_the_profile_says(server: WebReceiver, env: dict[str, str]) -> None:
    refusal = Reply(429, '{"message": "slow down"}', {"x-amzn-ErrorType": "ThrottlingException"})
    server.replies.append(refusal)
    assert get(env, NAME, "--endpoint-url", server.url).code == 0
    server.replies.append(refusal)
    done = get(env | {"AWS_MAX_ATTEMPTS": "1"}, NAME, "--endpoint-url", server.url)
    assert done.code == 254
    assert done.err.startswith(
        "\naws: [ERROR]: An error occurred (ThrottlingException) when calling the GetModelCustomizationJob "
    )
    assert done.err.endswith(" operation (reached max retries: 0): slow down\n")


def test_the_region_the_profile_and_the_output_are_found_where_version_2_finds_them(
    server: WebReceiver, env: dict[str, str]
) -> None:
    Path(env["AWS_CONFIG_FILE"]).write_text(
        f"[default]\nregion = eu-west-1\n[profile lab]\nregion = eu-west-3\noutput = text\nservices = here\n"
        f"[services here]\nbedrock =\n  endpoint_url = {server.url}\n"
    )
    where = ("--endpoint-url", server.url)
    env.pop("AWS_DEFAULT_REGION")
    lab = env | {"AWS_PROFILE": "lab"}
    assert get(env, NAME, *where, "--query", "jobName").out == '"nova-support-v3"\n'
    assert get(lab, NAME, "--query", "jobName").out == "nova-support-v3\n"
    for more, words in (
        ({"AWS_REGION": "us-west-1", "AWS_DEFAULT_REGION": "us-west-2"}, ()),
        ({"AWS_DEFAULT_REGION": "us-west-2"}, ()),
        ({"AWS_REGION": "us-west-1"}, ("--region", "ca-central-1")),
    ):
        assert get(env | more, NAME, *where, *words).code == 0
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "eu-north-1"}
    assert get(env | nowhere, NAME).code == 255
    assert get(env | nowhere | {"AWS_ENDPOINT_URL_BEDROCK": server.url}, NAME).code == 0
    scopes = [re.search(r"/\d{8}/([^/]+)/bedrock/", request.headers["Authorization"]) for request in server.requests]
    regions = [scope[1] for scope in scopes if scope]
    assert regions == ["eu-west-1", "eu-west-3", "us-west-1", "us-west-2", "ca-central-1", "eu-north-1"]


def test_options_that_say_what_is_so_anyway_are_accepted(server: WebReceiver, env: dict[str, str]) -> None:
    accepted = ("--no-paginate", "--no-cli-pager", "--no-cli-auto-prompt", "--cli-binary-format", "raw-in-base64-out")
    endless = ("--cli-read-timeout", "0", "--cli-connect-timeout", "0", "--no-verify-ssl")
    done = get(env, NAME, "--endpoint-url", server.url, *accepted, *endless)
    assert done == Done(0, golden("printed.json"), "")


def test_whom_to_trust_is_said_by_a_bundle_or_nobody_is_asked(env: dict[str, str], tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with web_receiver(context) as server:
        server.reply = Reply(body=BODY)
        words = (NAME, "--endpoint-url", server.url, "--query", "jobName")
        stranger = get(env | {"AWS_MAX_ATTEMPTS": "1"}, *words)
        assert stranger.code == 255
        assert "SSL validation failed" in stranger.err
        assert get(env, *words, "--ca-bundle", str(bundle)) == Done(0, '"nova-support-v3"\n', "")
        assert get(env | {"AWS_CA_BUNDLE": str(bundle)}, *words).code == 0
        assert get(env, *words, "--no-verify-ssl").code == 0


def test_debug_tells_everything_on_stderr_and_nothing_more_on_stdout(server: WebReceiver, env: dict[str, str]) -> None:
    done = get(env, NAME, "--endpoint-url", server.url, "--debug", "--output", "yaml")
    assert (done.code, done.out) == (0, golden("printed.yaml"))
    assert " - botocore.endpoint - DEBUG - Sending http request" in done.err


def test_the_version_is_in_the_aws_clis_form(env: dict[str, str]) -> None:
    assert re.fullmatch(r"bedrock-watch/\S+ Python/\S+ \S+/\S+ botocore/1\.\S+\n", get(env, "--version").out)


OURS = (sys.executable, "-m", "watcher", "get")
THEIRS = (sys.executable, "-m", "awscli", "bedrock", "get-model-customization-job", "--job-identifier")


def on_terminal(env: dict[str, str], columns: int, *words: str, program: Sequence[str] = OURS) -> str:
    """Run it once with a terminal for stdout; return what the terminal was sent."""
    ours_end, its_end = pty.openpty()
    with os.fdopen(ours_end, "rb", buffering=0) as screen:
        fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("hhhh", 24, columns, 0, 0))
        process = subprocess.Popen([*program, *words], stdout=its_end, env=env)
        os.close(its_end)
        shown = b""
        try:
            while piece := screen.read(65536):
                shown += piece
        except OSError:  # Linux's end of file of a terminal
            pass
        assert process.wait(60) == 0
    return shown.decode().replace("\r\n", "\n")


def test_on_a_terminal_a_table_is_coloured_and_as_wide_as_the_terminal_allows(
    server: WebReceiver, env: dict[str, str]
) -> None:
    words = (NAME, "--endpoint-url", server.url, "--output", "table", "--query", "statusDetails.validationDetails")
    Path(env["AWS_CONFIG_FILE"]).write_text("[default]\ncli_timestamp_format = iso8601\n")
    shown = {columns: on_terminal(env, columns, *words) for columns in (200, 40)}
    assert "\x1b[1m\x1b[34mCompleted\x1b[0m" in shown[200]
    assert max(map(len, shown[40].splitlines())) < max(map(len, shown[200].splitlines()))
    # The member that no SDK knows yet makes the AWS CLI's table another one.
    server.reply = Reply(body=BODY.replace('"queue"', '"creationTime"').replace("fast", "2026-11-24T01:54:11Z"))
    for columns in (200, 40):
        assert on_terminal(env, columns, *words) == on_terminal(env, columns, *words, program=THEIRS)
    assert "\x1b" not in on_terminal(env, 200, *words, "--color", "off")
    # The program's own option, and what everybody's programs honour, are good for this command too.
    assert "\x1b" not in on_terminal(env, 200, *words, program=(*OURS[:-1], "--color", "never", "get"))
    assert "\x1b" not in on_terminal(env | {"NO_COLOR": "1"}, 200, *words)
    assert "\x1b" in on_terminal(env | {"NO_COLOR": "1"}, 200, *words, "--color", "on")


@pytest.mark.parametrize("form", ["json", "text", "table", "yaml"])
def test_hostile_text_does_not_steer_the_terminal_and_is_verbatim_in_a_pipe(
    server: WebReceiver, env: dict[str, str], form: str
) -> None:
    evil = "a\x1b]0;owned\x07b\u202ec\x9b31m"
    server.reply = Reply(body=json.dumps({"failureMessage": evil}))
    words = (NAME, "--endpoint-url", server.url, "--output", form, "--color", "off")
    shown = on_terminal(env, 80, *words)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "owned" in shown
    piped = get(env, *words).out
    if form == "yaml":
        assert yamls.load(piped) == {"failureMessage": evil}
    else:
        assert (evil if form != "json" else json.dumps(evil[:-5])[1:-1].replace("\\u202e", "\u202e")) in piped
