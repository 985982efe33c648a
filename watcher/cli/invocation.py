"""The command line that runs this program from here, for the "next step" that a command prints.

Standard library only: every command may need it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys

_PROGRAM = "bedrock-watch"


def invocation() -> str:
    """Return the command that runs this program here: its name if it is on PATH, or else the file that was run."""
    if any(os.access(os.path.join(folder, _PROGRAM), os.X_OK) for folder in os.get_exec_path()):  # noqa: PTH118 - cheap
        return _PROGRAM
    own = sys.argv[0]
    if os.path.basename(own) == _PROGRAM and os.access(own, os.X_OK):  # noqa: PTH119
        return shlex.quote(own)
    return f"{shlex.quote(sys.executable)} -m watcher"


def runnable(text: str) -> str:
    """Return *text* with our commands replaced by ones that can be run from here."""
    if f"{_PROGRAM} " not in text or (words := invocation()) == _PROGRAM:
        return text
    from watcher.cli.parser import COMMANDS

    commands = "|".join(map(re.escape, COMMANDS))
    return re.sub(rf"(?<![\w./-]){_PROGRAM}(?= (?:--config \S+ )?(?:{commands})\b)", lambda _: words, text)
