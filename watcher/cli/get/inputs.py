"""What is asked for: the words of the command line, over a JSON or YAML document, either of which may be in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from watcher.errors import CallError, CliCode

_MEMBER = "jobIdentifier"


def parameters(identifier: str | None, json_text: str | None, yaml_text: str | None) -> dict[str, Any]:
    """Return the parameters of the call: those of a document, with the *identifier* in place of the document's.

    Raises CallError, as the AWS CLI does, for a file that cannot be read, for what is neither JSON nor YAML, and for
    both at once; and for an empty identifier, which botocore would send as a List.
    """
    if json_text is not None and yaml_text is not None:
        raise CallError(CliCode.USAGE, "Only one --cli-input- parameter may be specified.")
    found: dict[str, Any] = {}
    if json_text is not None:
        found = _document("cli-input-json", "JSON", json_text)
    elif yaml_text is not None:
        found = _document("cli-input-yaml", "YAML", yaml_text)
    if identifier is not None:
        found[_MEMBER] = loaded("job-identifier", identifier)
    if isinstance(found.get(_MEMBER), str) and not found[_MEMBER].strip():
        raise CallError(CliCode.USAGE, "Parameter validation failed:\njobIdentifier is empty: give an ARN or a name")
    return found


def loaded(option: str, value: str) -> str | bytes:
    """Return *value*, or what the file holds that it names (``file://``, ``fileb://``); raises CallError."""
    scheme, found, place = value.partition("://")
    if not found or scheme not in ("file", "fileb"):
        return value
    path = Path(os.path.expandvars(place)).expanduser()
    try:
        return path.read_text("utf-8") if scheme == "file" else path.read_bytes()
    except UnicodeDecodeError as error:
        hint = "If this is a binary file, please use the fileb:// prefix instead of the file:// prefix."
        what = f"Unable to load paramfile ({path}), text contents could not be decoded.  {hint}"
        raise _wrong(option, what) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _wrong(option, f"Unable to load paramfile {value}: {error}") from error


def _document(option: str, language: str, value: str) -> dict[str, Any]:
    text = loaded(option, value)
    try:
        found = _parsed(language, text)
    except (ValueError, RecursionError) as error:
        raise _wrong(option, f"Invalid {language} received.") from error
    if not isinstance(found, dict):
        raise _wrong(option, f"Invalid type: expecting map, received {type(found)}")
    return found


def _parsed(language: str, text: str | bytes) -> Any:  # noqa: ANN401 - JSON is JSON
    if language == "JSON":
        return json.loads(text)
    from yaml import YAMLError

    from watcher.cli.get.yamls import load

    try:
        return load(text)
    except YAMLError as error:
        raise ValueError(str(error)) from error


def _wrong(option: str, problem: str) -> CallError:
    return CallError(CliCode.USAGE, f"Error parsing parameter '--{option}': {problem}")
