"""Standard streams that were closed by whoever started the program (``>&-``).

Python has no object for such a stream, and the system gives its number to the next file that is opened.
Not its business: what is written to them.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

# As gnulib's fopen-safer does it, data that are printed cannot be written; but words for people may go nowhere.
_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def fill_in() -> None:
    """Put something in the place of each that is closed: no input, an output that fails, an stderr without a reader."""
    for number, (name, flags, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


class _Forgiving(io.TextIOWrapper):
    """A stream for messages to people; a failed write never changes what the command does."""

    def write(self, text: str) -> int:
        """Write *text*, or nothing."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if the file takes it."""
        with suppress(OSError):
            super().flush()


def forgive_stderr() -> None:
    """Keep commands from failing because stderr is full or closed; the exit code reports the command's work."""
    # A file object of its own: the old one would close its buffer when it is let go.
    raw = os.fdopen(sys.stderr.fileno(), "wb", closefd=False)
    sys.stderr = _Forgiving(raw, encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True)
