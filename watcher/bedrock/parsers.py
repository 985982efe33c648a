"""How the SDK reads what AWS answers: some bodies are handed on as they came.

botocore parses a page of 1000 summaries in half a second of CPU, nearly all of it in timestamps, and drops members
that it does not know; so the bodies of the operations that poll are kept as they came and decoded by msgspec.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiobotocore.parsers import AioResponseParserFactory, AioRestJSONParser

from watcher.bedrock.kinds import KINDS

RAW = "bedrock-watch:raw"
"""The one member of a response whose body was kept as it came."""

_KEPT_RAW = frozenset(f"{operation}Response" for kind in KINDS.values() for operation in kind.operations)


class _LeanParser(AioRestJSONParser):  # type: ignore[misc]
    """botocore's parser, except that some bodies are handed on as they came."""

    def _do_parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        if shape is not None and shape.name in _KEPT_RAW:
            return {RAW: response["body"]}
        parsed: dict[str, Any] = super()._do_parse(response, shape)
        return parsed


class LeanParsers(AioResponseParserFactory):  # type: ignore[misc]
    """Gives the SDK our parser for the protocol that Bedrock speaks."""

    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401
        """Return the parser of a protocol, by the SDK's name of it."""
        if protocol_name == "rest-json":
            return _LeanParser(**self._defaults)
        return super().create_parser(protocol_name)
