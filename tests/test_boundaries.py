"""Whatever gives credentials may answer anything: it becomes a typed error of these credentials, never a crash.

The answers are those of proxies, gateways and half-written files in public bug reports (boto/botocore issues 857, 908,
1980, 2463, 3099), and others of their kinds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import support_askers
import support_client
from support_askers import ACCOUNT, ROLE, START, refused_credentials
from support_daemon import Home, hook_url, posted
from support_receivers import Reply, Request, WebReceiver, web_receiver
from support_signin import Files, sign_in
from support_simulator import running

from watcher.bedrock.client import Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.errors import LookError, LookFault
from watcher.simulator import Simulator, fine_tuning

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(support_client.waits)

JSON, XML, HTML = "application/json", "text/xml", "text/html"
DEEP = "[" * 100_000
STRANGE = [
    (403, "text/plain", "RBAC: access denied"),
    (503, "text/plain", "upstream connect error or disconnect/reset before headers"),
    (403, JSON, '{"message": "Forbidden"}'),
    (403, JSON, '{"code": ["a"], "message": {"a": 1}}'),
    (
        403,
        HTML,
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>403</title></head><body><p>No<br></body></html>",
    ),
    (500, XML, "<ErrorResponse><Error><Code>"),
    (500, XML, ""),
    (400, JSON, "null"),
    (400, JSON, "[]"),
    (400, JSON, '"Forbidden"'),
    (404, JSON, "502"),
    (302, HTML, "<html>moved</html>"),
    (200, HTML, "<html><body>Please sign in</body></html>"),
    (200, "text/plain", ""),
    (200, JSON, "null"),
    (200, JSON, "[]"),
    (200, JSON, "{}"),
    (200, JSON, '{"roleCredentials": null}'),
    (200, JSON, '{"roleCredentials": {"expiration": "soon"}}'),
    (200, JSON, DEEP),
    (500, JSON, DEEP),
    (200, XML, "<a/>"),
    (200, XML, "<AssumeRoleResponse><AssumeRoleResult><Credentials/></AssumeRoleResult></AssumeRoleResponse>"),
    (200, XML, "\udcff\udcfe"),
    (418, XML, "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>"),
]
each_strange = pytest.mark.parametrize(
    ("status", "kind", "body"), STRANGE, ids=lambda it: it if isinstance(it, int) else str(it)[:24]
)


def told_well(error: LookError) -> None:
    """Assert that it is of the credentials, and says what happened and what to do, in a few words."""
    assert error.fault is LookFault.CREDENTIALS
    assert error.of_scope
    assert error.code
    assert error.reason
    assert error.remedy
    assert len(str(error)) < 2048


@pytest.fixture
def server() -> Iterator[WebReceiver]:
    with web_receiver() as one:
        yield one


def strange(server: WebReceiver, status: int, kind: str, body: str) -> None:
    """Let the server give this answer to everybody."""
    server.reply = Reply(status, body, {"Content-Type": kind})


@each_strange
def test_an_answer_in_place_of_the_role_s_credentials(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    strange(server, status, kind, body)
    told_well(refused_credentials(Credentials(role_arn=ROLE)))


@each_strange
def test_an_answer_in_place_of_a_web_identity_s_credentials(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    support_client.no_key(monkeypatch)
    (tmp_path / "token").write_text("header.payload.signature")
    for name, value in {"ROLE_ARN": ROLE, "WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    strange(server, status, kind, body)
    told_well(refused_credentials(Credentials()))


@each_strange
def test_an_answer_in_place_of_the_sso_portal_s(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", server.url)
    strange(server, status, kind, body)
    told_well(refused_credentials(Credentials("people")))


@each_strange
def test_an_answer_in_place_of_a_container_s_credentials(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    support_client.no_key(monkeypatch)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")
    strange(server, status, kind, body)
    told_well(refused_credentials(Credentials()))


@each_strange
def test_an_answer_in_place_of_the_instance_s_credentials(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    support_client.no_key(monkeypatch)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)

    def answer(request: Request) -> Reply:
        if request.method == "PUT":
            return Reply(200, "token")
        return Reply(200, "role") if request.path.endswith("/") else Reply(status, body, {"Content-Type": kind})

    server.answer = answer
    told_well(refused_credentials(Credentials()))


KEYS = {"AccessKeyId": "ASIA123456789012", "SecretAccessKey": "testing", "Token": "t", "Code": "Success"}


@pytest.mark.parametrize("end", ["2030-01-01T00:00:00", None, 1893456000, "", "soon", [], "9999999-01-01T00:00:00Z"])
@pytest.mark.parametrize("source", ["container", "instance", "process"])
def test_an_end_that_is_no_time_is_a_fault_of_the_credentials(
    server: WebReceiver, source: str, end: object, monkeypatch: pytest.MonkeyPatch, files: Files, tmp_path: Path
) -> None:
    support_client.no_key(monkeypatch)
    answer = json.dumps(KEYS | {"Version": 1, "SessionToken": "t", "Expiration": end})
    if source == "container":
        monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")
        server.reply = Reply(200, answer)
    elif source == "instance":
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        server.answer = lambda request: Reply(
            200, "token" if request.method == "PUT" else "role" if request.path.endswith("/") else answer
        )
    else:
        process(files, tmp_path, f"print({answer!r})")
    whose = Credentials("people" if source == "process" else "")
    if end is None and source == "process":
        support_askers.credentials(whose)  # it may leave the end out
        return
    told_well(refused_credentials(whose))


def process(files: Files, directory: Path, script: str) -> None:
    """Let a profile have its credentials from a program."""
    (directory / "give.py").write_text(script)
    files.config(f"[profile people]\ncredential_process = {sys.executable} {directory}/give.py\n")


@pytest.mark.parametrize(
    "printed",
    [
        "null",
        "[]",
        "1",
        '"x"',
        "",
        "{}",
        DEEP,
        '{"Version": 2}',
        '{"Version": 1}',
        '{"Version": 1, "AccessKeyId": 1, "SecretAccessKey": 2}',
        '{"Version": 1, "AccessKeyId": null, "SecretAccessKey": null}',
        '{"Version": 1, "AccessKeyId": "", "SecretAccessKey": ""}',
        '{"Version": 1, "AccessKeyId": "ASIA1\\n", "SecretAccessKey": "s"}',
        '{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": []}',
        '{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": "t\\r\\nX-Other: 1"}',
        '{"Version": 1, "AccessKeyId": "ASIÄ1", "SecretAccessKey": "s"}',
    ],
    ids=lambda it: it[:60],
)
def test_a_program_that_prints_no_credentials(printed: str, files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, f"import sys; sys.stdout.buffer.write({printed.encode()!r})")
    told_well(refused_credentials(Credentials("people")))


@pytest.mark.parametrize(
    "script", ["import os; os.write(1, bytes([255, 254]))", "raise SystemExit(3)", "import os; os.abort()"]
)
def test_a_program_that_fails(script: str, files: Files, tmp_path: Path) -> None:
    process(files, tmp_path, script)
    told_well(refused_credentials(Credentials("people")))


@pytest.mark.parametrize("command", ["", "'", "/nowhere/program", "/", "\\"])
def test_a_program_that_cannot_be_started(command: str, files: Files) -> None:
    files.config(f"[profile people]\ncredential_process = {command}\n")
    told_well(refused_credentials(Credentials("people")))


@pytest.mark.parametrize(
    "content",
    [
        "null",
        "[]",
        "1",
        "",
        "{",
        "{}",
        DEEP,
        '{"accessToken": "good"}',
        '{"accessToken": "good", "expiresAt": "2030-01-01T00:00:00"}',
        '{"accessToken": "good", "expiresAt": null}',
        '{"accessToken": "good", "expiresAt": 1}',
        '{"accessToken": null, "expiresAt": "2030-01-01T00:00:00Z"}',
        '{"accessToken": "a\\nb", "expiresAt": "2030-01-01T00:00:00Z"}',
        "\udcff\udcfe",
    ],
    ids=lambda it: it[:40],
)
@pytest.mark.parametrize("session", ["", "corp"])
def test_a_half_written_token_of_sso(
    server: WebReceiver, content: str, session: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", server.url)
    server.reply = Reply(401, "null")
    if session:
        files.config(
            f"[profile people]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = reader\n"
            f"[sso-session corp]\nsso_region = us-east-1\nsso_start_url = {START}\n"
        )
    files.log_in(session or START, "good", 28_800)
    for token in (files.home / ".aws/sso/cache").iterdir():
        token.write_bytes(content.encode(errors="surrogateescape"))
    told_well(refused_credentials(Credentials("people")))


@pytest.mark.parametrize(
    "text",
    [
        "[default]\napi_versions = x\n",
        "[default]\nretry_mode = bogus\n",
        "[default]\nendpoint_url = garbage\n",
        "[default]\nendpoint_url = http://[::1\n",
        "[default]\nmax_attempts = many\n",
        "[default]\nuse_fips_endpoint = x\nuse_dualstack_endpoint = x\n",
        "[default]\nservices = nowhere\n",
        "[default",
        "no section\n",
        "[default]\na = 1\n[default]\na = 2\n",
        "\udcff\udcfe",
        "[default]\ns3 =\n  x\n",
        "[default]\nmetadata_service_timeout = long\n",
        "[default]\ndefaults_mode = auto\n",
        "[default]\nsts_regional_endpoints = x\n",
        "\x00",
    ],
    ids=lambda it: repr(it)[:40],
)
def test_a_file_of_the_sdk_that_cannot_be_used_is_one_fault_of_the_scope(text: str, files: Files) -> None:
    """Or of no consequence."""
    (files.home / ".aws/config").write_bytes(text.encode(errors="surrogateescape"))
    error = support_client.refusal("http://127.0.0.1:1")
    assert error.fault in (LookFault.CREDENTIALS, LookFault.SETTINGS, LookFault.NETWORK)
    assert error.of_scope
    assert error.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_RETRY_MODE", "bogus"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "x"),
        ("AWS_DEFAULTS_MODE", "x"),
        ("AWS_SECRET_ACCESS_KEY", "se\ncret"),
        ("AWS_ACCESS_KEY_ID", "AKIA1\n"),
        ("AWS_SESSION_TOKEN", "token\r\nX-Other: 1"),
        ("HTTP_PROXY", "garbage://["),
        ("HTTP_PROXY", "socks5://127.0.0.1:1"),
    ],
)
def test_a_variable_that_cannot_be_used_is_one_fault_of_the_scope(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    if "PROXY" in name:
        monkeypatch.setenv("NO_PROXY", "")
    error = support_client.refusal("http://127.0.0.1:1")
    assert error.of_scope
    assert error.remedy
    if "KEY" in name or "TOKEN" in name:
        assert error.fault is LookFault.CREDENTIALS
        assert "line break" in error.reason


@each_strange
def test_a_job_that_is_not_found_stays_so_when_sts_cannot_be_asked(
    server: WebReceiver, status: int, kind: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    strange(server, status, kind, body)
    with running(Simulator()) as endpoint:

        async def ask() -> LookError:
            look = Look(KIND, "us-east-1", Keys(Credentials(), Settings(endpoint_url=endpoint)), account=ACCOUNT)
            with pytest.raises(LookError) as caught:
                await look.get("nobody-knows-it")
            await look.close()
            return caught.value

        assert anyio.run(ask).fault is LookFault.NOT_FOUND
    assert server.requests


def test_an_unsigned_request_needs_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with web_receiver() as bedrock:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        assert support_client.get(bedrock.url, profile="nobody", sign=False).facts == {"status": "InProgress"}


def test_a_profile_of_aws_login_is_told_the_way_out(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    support_client.no_key(monkeypatch)
    files.config("[profile people]\nlogin_session = arn:aws:iam::123456789012:user/me\n")
    error = refused_credentials(Credentials("people"))
    told_well(error)
    assert "aws configure export-credentials --profile people --format process" in error.remedy


def test_a_bedrock_api_key_is_used_where_it_is_the_only_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "api-key")
    with web_receiver() as bedrock:
        bedrock.reply = Reply(200, '{"status": "InProgress"}')
        support_client.get(bedrock.url)
        support_client.no_key(monkeypatch)
        support_client.get(bedrock.url)
    signed, bearing = (request.headers["Authorization"] for request in bedrock.requests)
    assert signed.startswith("AWS4-HMAC-SHA256 ")
    assert bearing == "Bearer api-key"


def test_a_bedrock_api_key_does_not_stand_in_for_another_account(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    support_client.no_key(monkeypatch)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "api-key")
    files.config("[profile people]\nregion = us-east-1\n")
    for whose in (Credentials("people"), Credentials(role_arn=ROLE)):
        told_well(refused_credentials(whose))


@pytest.mark.parametrize(("status", "kind", "body"), [STRANGE[0], STRANGE[4], STRANGE[14]])
def test_an_account_whose_sts_answers_rubbish_delays_no_other_and_is_reported(
    tmp_path: Path, status: int, kind: str, body: str
) -> None:
    """With the installed program: it does not end, the healthy account's failure is sent, and so is the other's trouble."""
    other = "210987654321"
    simulator = Simulator()
    with running(simulator) as endpoint, sign_in() as service, web_receiver() as broken, web_receiver() as hook:
        strange(broken, status, kind, body)
        jobs = [simulator.play(fine_tuning(account=one)) for one in (ACCOUNT, other)]
        files = Files(tmp_path / "home")
        files.config(
            f"[profile bad]\nrole_arn = arn:aws:iam::{other}:role/watch\nsource_profile = good\n"
            f"services = broken\n[services broken]\nsts =\n  endpoint_url = {broken.url}\n"
        )
        files.key(f"AKIA{ACCOUNT}", profile="good")
        accounts = f'\n[[account]]\nid = "{ACCOUNT}"\nprofile = "good"\n[[account]]\nid = "{other}"\nprofile = "bad"\n'
        home = Home(
            tmp_path,
            endpoint,
            jobs,
            {"hook": hook_url(hook)},
            poll='blind_after = "300ms"',
            more=accounts,
            env=files.env | service.env | {"AWS_ENDPOINT_URL_STS": broken.url},
        )
        with home.running() as process:
            process.wait_for(
                lambda: any("account 210987654321" in alert.body or "bad" in alert.body for alert in posted(hook))
            )
            simulator.stop(jobs[0])
            process.wait_for(lambda: any("STOP" in alert.title for alert in posted(hook)))
            assert process.terminate() == 0
    assert any(LookFault.CREDENTIALS in str(line) or "credentials" in str(line) for line in home.log())
