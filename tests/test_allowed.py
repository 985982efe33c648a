"""Nothing is ever written on AWS, and no model invoked: what the code can call is on a list of a few operations.

The list is compared with the code (every name of an operation in it, as a word or as a method), and with what every
daemon of the tests asks in truth (``support_daemon``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import support_simulator as support
from botocore import xform_name
from support_operations import ALLOWED

import watcher
from watcher.bedrock.permissions import READ_TAGS

SERVICES = (*ALLOWED, "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime", "s3", "iam", "events", "sns")
"""The services whose operations are looked for in the code."""

PACKAGE = Path(watcher.__file__).parent


@cache
def operations() -> dict[str, set[str]]:
    """Return every operation of those services, under its own name and as a method's: the services that have it."""
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        for operation in support.EXTENDED.get_service_model(service).operation_names:
            for name in (operation, xform_name(operation)):
                found.setdefault(name, set()).add(f"{service}:{operation}")
    return found


def named(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each operation that *source* names: as a text, or as the method of something."""
    for node in ast.walk(ast.parse(source)):
        words = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = [node.value]
        elif isinstance(node, ast.Attribute):
            words = [node.attr]
        yield from ((node.lineno, word) for word in words if word in operations())  # type: ignore[attr-defined]


def forbidden(word: str) -> bool:
    """Return whether no service has an operation of that name that is allowed."""
    return all(operation.partition(":")[2] not in ALLOWED.get(service, ()) for service, operation in pairs(word))


def pairs(word: str) -> Iterator[tuple[str, str]]:
    """Yield the services and operations that *word* can mean."""
    for found in operations()[word]:
        yield found.partition(":")[0], found


def test_the_code_names_no_operation_but_those_that_are_allowed() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}:{line}: {word}"
        for path in PACKAGE.rglob("*.py")
        for line, word in named(path.read_text())
        if forbidden(word)
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("client.stop_model_customization_job(jobIdentifier=x)", ["stop_model_customization_job"]),
        ("await getattr(client, xform_name('InvokeModel'))()", ["InvokeModel"]),
        ("runtime.converse()", ["converse"]),
        ("call = client.put_object", ["put_object"]),
        ("client.get_model_customization_job()", []),
        ("sqs.delete_message()", []),
        ("sqs.delete_queue()", ["delete_queue"]),
    ],
)
def test_the_scan_finds_what_is_forbidden(source: str, words: list[str]) -> None:
    assert [word for _, word in named(source) if forbidden(word)] == words


def test_of_bedrock_only_reading_is_allowed() -> None:
    """By AWS's own model: each is a GET, but for that of the tags, which is a question too."""
    model = support.EXTENDED.get_service_model("bedrock")
    methods = {name: model.operation_model(name).http["method"] for name in ALLOWED["bedrock"]}
    assert methods.pop(READ_TAGS) == "POST"
    assert set(methods.values()) == {"GET"}
    assert all(name.startswith(("Get", "List")) for name in ALLOWED["bedrock"])


def test_only_the_doormen_of_aws_can_call_an_operation_by_a_name_that_is_worked_out() -> None:
    """Else the scan could be evaded: what takes operations' names apart is in few places, and each is looked at."""
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(word in path.read_text() for word in ("xform_name", "_make_api_call", "invoke_model"))
    }
    assert users == {"bedrock/client.py", "bedrock/once.py"}
