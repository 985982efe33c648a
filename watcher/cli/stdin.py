"""Read the jobs that a command line names, and those on stdin in place of ``-``.

Nothing is done before all of them are read: a mistake in the last line, or Ctrl-C, leaves everything as it was.
Not its business: what an identifier may look like (``identifiers``).
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator, Sequence

from watcher.cli.output import note
from watcher.errors import UsageError

_ARN = "arn:"
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SAVE = "save it as UTF-8, or give the jobs as arguments"

EMPTY = ("no job on stdin", "write one ARN or name per line; # begins a comment")
"""Error and remedy if stdin names no job."""


def read_words(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return each word that should name a job, after where it stands (nothing for the command line itself).

    Of a line on stdin each ARN counts, for ``aws --output text`` prints a list on one line, between tabs; where there
    is none, the first word.  Raises UsageError for bytes that are no text.
    """
    found: list[tuple[str, str]] = []
    for word in words:
        found += _stdin() if word == "-" else [("", word)]
    return found


def _stdin() -> Iterator[tuple[str, str]]:
    if sys.stdin.isatty():
        note("reading jobs, one per line; end with Ctrl-D")
    for number, line in enumerate(_text().splitlines(), 1):
        # Neither an ARN nor a name has a #.
        columns = line.partition("#")[0].split()
        arns = [column for column in columns if column.startswith(_ARN)]
        if len(arns) > 1:
            # A list of ARNs, of which one may be absent: that is not left out silently.
            arns = [column for column in columns if column.startswith(_ARN) or column in ("None", "null")]
        for word in arns or columns[:1]:
            yield f"line {number}: ", word


def _text() -> str:
    """Return all of stdin.  A byte order mark, which Windows programs put first, says nothing but the encoding."""
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        return sys.stdin.read().removeprefix("\ufeff")
    data: bytes = buffer.read()
    encoding = next((name for mark, name in _WIDE.items() if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"line {line} of stdin is not {encoding.upper().removesuffix('-SIG')} text", _SAVE) from None
    if "\0" in text:
        raise UsageError("stdin is not UTF-8 text: it has zero bytes, as UTF-16 has", _SAVE)
    return text
