"""How a failed call is written on stderr, in the formats of version 2 of the AWS CLI (since 2.34).

Source: AWS CLI User Guide, "Structured error output in the AWS CLI"; aws/aws-cli, tests/unit/test_errorhandler.py.
Every line for people begins with ``aws: [ERROR]: ``, so that scripts written for the AWS CLI find it.
"""

from __future__ import annotations

import sys

from watcher.cli.get import printing
from watcher.cli.words import plain
from watcher.errors import CallError

FORMATS = ("enhanced", "legacy", "json", "yaml", "text", "table")

USUAL = FORMATS[0]

_PREFIX = "aws: [ERROR]: "


def write(error: CallError, form: str, *, colored: bool = False) -> None:
    """Write *error* to stderr in the format *form*; if the AWS CLI has no such format, use its default."""
    if form.lower() not in FORMATS:
        sys.stderr.write(f"Invalid cli_error_format: '{form}'. Using '{USUAL}' format.\n")
    terminal = sys.stderr.isatty()
    form = form.lower() if form.lower() in FORMATS else USUAL
    if error.name and form not in ("enhanced", "legacy"):
        members = {"Message": error.message, "Code": error.name}
        sys.stderr.write(printing.printed(form, "error", members, colored=colored, terminal=terminal))
        return
    text = _sentence(error, form).strip()
    sys.stderr.write(f"\n{_PREFIX}{plain(text, lines=True) if terminal else text}\n")


def _sentence(error: CallError, form: str) -> str:
    """Return *error* as text; an AWS error includes its code."""
    if form == "enhanced" and error.name and error.message == error.what:
        return f"An error occurred ({error.name}): {error.what}"
    return error.what
