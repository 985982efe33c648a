"""The response in the form that was asked for, and the samples of input that ``--generate-cli-skeleton`` prints."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from watcher.cli.words import plain
from watcher.errors import CallError, CliCode

if TYPE_CHECKING:
    from watcher.bedrock.once import Parameter

FORMATS = ("json", "text", "table", "yaml", "yaml-stream", "off")

_INDENT = 4


def printed(form: str, title: str, value: Any, *, colored: bool, terminal: bool) -> str:  # noqa: ANN401 - JSON is JSON
    """Return *value* in the form *form*; raises CallError for one that there is not, or that *value* cannot have.

    On a terminal nothing in it moves the cursor; whatever else reads it gets it as AWS wrote it.
    """
    if form == "off":
        return ""
    if form == "json":
        return _json(value, escape=terminal)
    if terminal:
        value = _harmless(value)
    if form == "text":
        from watcher.cli.get.text import text

        return text(value)
    if form == "table":
        from watcher.cli.get.drawing import RESET, draw, room
        from watcher.cli.get.table import sections

        picture = draw(sections(title, value), room(sys.stdout), colored=colored)
        # The AWS CLI leaves a terminal without colour, once more, when it ends.
        return picture + RESET if colored and terminal else picture
    if form in FORMATS:
        from watcher.cli.get import yamls

        if value == {}:
            return ""
        return yamls.stream(value) if form == "yaml-stream" else yamls.document(value)
    raise CallError(CliCode.OTHER, f"Unknown output type: {form}")


def input_sample(parameters: Sequence[Parameter]) -> str:
    """Return the input that ``--cli-input-json`` takes, to be filled in."""
    return _json({one.name: "" for one in parameters}, escape=False)


def yaml_input_sample(parameters: Sequence[Parameter]) -> str:
    """Return the input that ``--cli-input-yaml`` takes, to be filled in, with AWS's words on each parameter."""
    return "".join(f"{one.name}: ''  # {'[REQUIRED] ' * one.required}{_gist(one)}\n" for one in parameters)


def _gist(parameter: Parameter) -> str:
    """Return the first sentence that AWS's reference has on a parameter."""
    text = " ".join(re.sub(r"<[^>]*>", "", parameter.documentation).split())
    return text.partition(". ")[0].removesuffix(".") + "."


def _json(value: Any, *, escape: bool) -> str:  # noqa: ANN401 - JSON is JSON
    if value == {}:
        return ""
    text = json.dumps(value, indent=_INDENT, ensure_ascii=False, default=_written)
    if not escape or text.replace("\n", "").isprintable():
        return text + "\n"
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text) + "\n"


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1]


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} in a response")


def _harmless(value: Any) -> Any:  # noqa: ANN401 - JSON is JSON
    clean: Callable[[Any], Any] = _harmless
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return plain(value, lines=True) if isinstance(value, str) else value
