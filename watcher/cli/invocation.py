"""How this program can be run again from where it is running, for the "next step" that a command prints.

Standard library only: every command may need it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys

_PROGRAM = "bedrock-watch"


def invocation() -> str:
    """Return the words that run this program here: its name where PATH has it, else the file that was run."""
    if any(os.access(os.path.join(folder, _PROGRAM), os.X_OK) for folder in os.get_exec_path()):  # noqa: PTH118 - cheap
        return _PROGRAM
    own = sys.argv[0]
    if os.path.basename(own) == _PROGRAM and os.access(own, os.X_OK):  # noqa: PTH119
        return shlex.quote(own)
    return f"{shlex.quote(sys.executable)} -m watcher"


def runnable(text: str) -> str:
    """Return *text* with each command of ours in it written so that it can be run here."""
    if f"{_PROGRAM} " not in text or (words := invocation()) == _PROGRAM:
        return text
    from watcher.cli.main import COMMANDS

    commands = "|".join(map(re.escape, COMMANDS))
    return re.sub(rf"(?<![\w./-]){_PROGRAM}(?= (?:--config \S+ )?(?:{commands})\b)", lambda _: words, text)
