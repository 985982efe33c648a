"""How the SDK reads what AWS answers: some bodies are handed on as they came.

botocore parses a page of 1000 summaries in half a second of CPU, nearly all of it in timestamps, and drops members
that it does not know; so the bodies of the operations that poll are kept as they came and decoded by msgspec.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory, AioRestJSONParser

from watcher.bedrock.gateway import is_object, no_object, read_refusal
from watcher.bedrock.kinds import KINDS

RAW = "bedrock-watch:raw"
"""The one member of a response whose body was kept as it came."""

_TAGS = "ListTagsForResource"
_KEPT_RAW = frozenset(
    f"{operation}Response" for operation in (_TAGS, *(name for kind in KINDS.values() for name in kind.operations))
)


class _LeanParser(AioRestJSONParser):  # type: ignore[misc]
    """botocore's parser of restJson1, except that some bodies are handed on as they came, and errors are judged."""

    async def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what *response* says; raises for a success alone, for an error is any answer."""
        if response["status_code"] >= HTTPStatus.MULTIPLE_CHOICES:
            return _refusal(response, shape)
        parsed: dict[str, Any] = await super().parse(response, shape)
        return parsed

    def _do_parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        if shape is not None and shape.name in _KEPT_RAW:
            return {RAW: response["body"]}
        parsed: dict[str, Any] = super()._do_parse(response, shape)
        return parsed


class _QueueParser(AioJSONParser):  # type: ignore[misc]
    """botocore's parser of awsJson1, which SQS speaks, except that errors and bodies are judged."""

    async def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what *response* says; raises LookError for a success whose body is no JSON object."""
        if response["status_code"] >= HTTPStatus.MULTIPLE_CHOICES:
            return _refusal(response, shape)
        if shape is not None and not is_object(response["body"]):
            raise no_object(response["body"])
        parsed: dict[str, Any] = await super().parse(response, shape)
        return parsed


def _refusal(response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an error as botocore's parsers return it; nothing more for the error's own *shape*."""
    if shape is not None and shape.metadata.get("exception", False):
        return {}
    status, headers = response["status_code"], {key.lower(): value for key, value in response["headers"].items()}
    parsed = read_refusal(status, headers, response["body"] or b"")
    parsed["ResponseMetadata"] |= {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return parsed


class LeanParsers(AioResponseParserFactory):  # type: ignore[misc]
    """Gives the SDK our parsers for the protocols that Bedrock and SQS speak."""

    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401
        """Return the parser of a protocol, by the SDK's name of it."""
        ours = {"rest-json": _LeanParser, "json": _QueueParser}.get(protocol_name)
        return ours(**self._defaults) if ours else super().create_parser(protocol_name)
