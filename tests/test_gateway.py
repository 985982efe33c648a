"""What answers in AWS's place is not believed, crashes nothing, and is called what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import support_client
from support_client import get, refusal, using
from support_gateway import Gateway, Said, gateway
from support_jobs import arn, response

from watcher.errors import LookError, LookFault

environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)
waits = pytest.fixture(autouse=True)(support_client.waits)

HTML = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"
XML = b'<?xml version="1.0"?><ErrorResponse><Error><Code>ResourceNotFoundException</Code></Error></ErrorResponse>'
BODIES = {
    "null": b"null",
    "text": b'"Forbidden"',
    "list": b"[]",
    "number": b"502",
    "code that is a list": b'{"code": ["a"]}',
    "code that is a number": b'{"code": 404, "message": 5}',
    "type that is an object": b'{"__type": {"a": 1}, "message": {"b": []}}',
    "another server's code": b'{"code": "not_found", "message": "no Route matched"}',
    "API Gateway": b'{"message": "Forbidden"}',
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "HTML": HTML,
    "XML": XML,
    "plain": b"RBAC: access denied",
    "AWS's code in no place of AWS's": b'{"error": "ResourceNotFoundException"}',
    "empty": b"",
    "not UTF-8": b'{"message": "\xff\xfe"}',
    "long number": b'{"code": ' + b"9" * 5000 + b"}",
    "NUL": b"\x00" * 100,
}


@pytest.fixture
def aws() -> Iterator[Gateway]:
    """A gateway in AWS's place."""
    with gateway() as served:
        yield served


@pytest.mark.parametrize("status", [300, 302, 304, 307, 400, 401, 402, 403, 404, 405, 407, 410, 418, 451, 499])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_error_that_aws_did_not_write_is_a_fault_of_the_endpoint(aws: Gateway, status: int, body: bytes) -> None:
    aws.always(status, body)
    error = refusal(aws.url)
    assert (error.fault, error.code) == (LookFault.ENDPOINT, "Redirected" if status < 400 else f"HTTP {status}")
    assert error.of_scope
    assert error.remedy
    assert "bedrock:Get" not in error.remedy
    assert "identifier" not in error.remedy
    assert len(error.what) < 400


@pytest.mark.parametrize(
    ("status", "fault"),
    [(408, "network"), (429, "throttled"), (500, "server"), (502, "server"), (503, "server"), (599, "server")],
)
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_error_that_may_pass_is_that_whoever_wrote_it(aws: Gateway, status: int, fault: str, body: bytes) -> None:
    aws.always(status, body)
    error = refusal(aws.url)
    assert (error.fault, error.code) == (fault, f"HTTP {status}")
    assert error.remedy.startswith("bedrock-watch retries")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "redirects"),
        (307, "redirects"),
        (401, "sign-in"),
        (403, "firewall"),
        (407, "HTTPS_PROXY"),
        (404, "endpoint_url"),
    ],
)
def test_the_remedy_names_what_stands_in_between(aws: Gateway, status: int, words: str) -> None:
    aws.always(status, HTML)
    assert words in refusal(aws.url).remedy


@pytest.mark.parametrize(
    "said",
    [
        Said(404, b"", {"x-amzn-ErrorType": "ResourceNotFoundException"}),
        Said(404, HTML, {"X-Amzn-Errortype": "ResourceNotFoundException:http://internal.amazon.com/coral/"}),
        Said(400, b'{"__type": "com.amazon.bedrock#ResourceNotFoundException", "message": "no"}'),
        Said(404, b'{"code": "ResourceNotFoundException", "Message": "no"}'),
    ],
    ids=["header", "header with a suffix", "__type", "code"],
)
def test_a_job_is_not_found_by_aws_s_code_where_aws_gives_it(aws: Gateway, said: Said) -> None:
    aws.say = lambda _: said
    assert refusal(aws.url).fault is LookFault.NOT_FOUND


@pytest.mark.parametrize("status", [302, 500, 503])
def test_aws_s_code_with_a_status_that_it_cannot_have_is_not_believed(aws: Gateway, status: int) -> None:
    aws.always(status, b"{}", x_amzn_errortype="ResourceNotFoundException")
    assert refusal(aws.url).fault in (LookFault.ENDPOINT, LookFault.SERVER)


@pytest.mark.parametrize("code", ["UnknownOperationException", "NotFoundException", "ModelNotFoundException"])
def test_a_server_that_does_not_know_the_operation_finds_no_job_missing(aws: Gateway, code: str) -> None:
    aws.always(404, json.dumps({"__type": code, "message": "unknown"}).encode())
    error = refusal(aws.url)
    assert (error.fault, error.code) == (LookFault.ENDPOINT, code)


NO_OBJECTS = {name: body for name, body in BODIES.items() if not body.startswith(b"{")}


@pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=list(NO_OBJECTS))
@pytest.mark.parametrize("operation", ["get", "page", "tags"])
def test_a_success_that_is_no_json_object_is_a_fault_of_the_endpoint(aws: Gateway, body: bytes, operation: str) -> None:
    aws.always(200, body)
    with pytest.raises(LookError) as caught:
        ask(aws, operation)
    assert (caught.value.fault, caught.value.code) == (LookFault.ENDPOINT, "NotAnAwsAnswer")


@pytest.mark.parametrize(
    "body",
    [
        b'{"failureMessage": "\xff\xfe"}',
        b'{"\xff": 1}',
        b'{"a":' * 100_000,
        b'{"status": InProgress}',
        b'{"status": "InPro',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"n": 1e999}',
        b'{"n": NaN}',
        b'{"t": "\\ud800"}',
        b'{"status": "Completed"}{"status": "Failed"}',
    ],
    ids=["not UTF-8", "a name not UTF-8", "deep", "a bare word", "cut short", "5000 digits", "too large", "NaN",
         "half a surrogate", "two objects"],
)  # fmt: skip
def test_an_object_that_cannot_be_read_is_that_one_answer_s_fault(aws: Gateway, body: bytes) -> None:
    aws.always(200, body)
    error = refusal(aws.url)
    assert (error.fault, error.of_scope) == (LookFault.MALFORMED, False)


ROWS = [
    {"jobArn": arn(1), "jobName": None, "status": "InProgress", "creationTime": None, "customizationType": None},
    {"jobArn": arn(2), "status": None},
    {"jobArn": None, "status": "InProgress"},
    {"status": "InProgress"},
    None,
    5,
    [],
    {"jobArn": arn(3), "status": "Completed", "creationTime": ["a"]},
    {"jobArn": arn(4), "status": "Completed", "creationTime": 10**400},
    {"jobArn": arn(5), "status": "Completed", "lastModifiedTime": None, "statusDetails": None},
]


def test_a_row_of_list_that_cannot_be_read_is_left_out_and_named_and_null_is_absent(aws: Gateway) -> None:
    rows = json.dumps(ROWS).encode()[:-1] + b', {"jobArn": "' + arn(6).encode() + b'", "status": "\xff"}]'
    aws.always(200, b'{"modelCustomizationJobSummaries": ' + rows + b', "nextToken": null}')
    page = using(aws.url, lambda look: look.page(0, None))
    assert [summary.arn for summary in page.summaries] == [arn(1), arn(5)]
    assert len(page.unreadable) == 9
    assert all(page.unreadable)
    assert page.token is None


@pytest.mark.parametrize("body", [b"{}", b'{"modelCustomizationJobSummaries": null, "nextToken": null}'])
def test_a_list_without_rows_is_an_empty_one(aws: Gateway, body: bytes) -> None:
    aws.always(200, body)
    page = using(aws.url, lambda look: look.page(0, None))
    assert (page.summaries, page.token, tuple(page.unreadable)) == ([], None, ())


@pytest.mark.parametrize(
    "body", [b'{"modelCustomizationJobSummaries": {}}', b'{"modelCustomizationJobSummaries": [' + b"[" * 100_000]
)
def test_a_list_that_cannot_be_read_at_all_is_malformed(aws: Gateway, body: bytes) -> None:
    aws.always(200, body)
    with pytest.raises(LookError) as caught:
        ask(aws, "page")
    assert caught.value.fault is LookFault.MALFORMED


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (b'{"tags": null}', {}),
        (b"{}", {}),
        (b'{"tags": [{"key": "team", "value": null}, {"key": "env", "value": "prod"}]}', {"team": "", "env": "prod"}),
    ],
)
def test_tags_that_are_null_are_absent(aws: Gateway, body: bytes, tags: dict[str, str]) -> None:
    aws.always(200, body)
    assert using(aws.url, lambda look: look.tags(arn(1))) == tags


@pytest.mark.parametrize(
    "body", [b'{"tags": [null]}', b'{"tags": [{"value": "x"}]}', b'{"tags": "\xff"}', b'{"tags": 5}']
)
def test_tags_that_cannot_be_read_are_malformed(aws: Gateway, body: bytes) -> None:
    aws.always(200, body)
    with pytest.raises(LookError) as caught:
        ask(aws, "tags")
    assert caught.value.fault is LookFault.MALFORMED


def test_what_aws_says_after_all_that_is_read(aws: Gateway) -> None:
    aws.always(200, json.dumps(response(1)).encode())
    assert get(aws.url).facts == response(1)


@pytest.mark.parametrize(
    "endpoint", ["garbage", "http://", "http://[::1", "http://127.0.0.1:99999", "ftp://127.0.0.1/"]
)
def test_an_endpoint_that_cannot_be_is_a_fault_of_the_scope(endpoint: str) -> None:
    error = refusal(endpoint)
    assert error.of_scope
    assert "identifier" not in error.remedy


def ask(aws: Gateway, operation: str) -> None:
    """Ask once for a job, a page or tags."""
    if operation == "get":
        get(aws.url)
    elif operation == "page":
        using(aws.url, lambda look: look.page(0, None))
    else:
        using(aws.url, lambda look: look.tags(arn(1)))
