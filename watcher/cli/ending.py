"""How an invocation ends: what becomes of an error, and the exit code.

Not its business: the errors of the parser of words (``parser``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from watcher.cli.output import note
from watcher.errors import ExitCode, WatchError

if TYPE_CHECKING:
    from watcher.cli.context import Context


def leave(context: Context, act: Callable[[], int], *, process: bool) -> NoReturn:
    """Exit with what *act* returns, or with the code of the error that it raises, in words on stderr.

    A traceback is for those who asked for it with -v.  *process*: nothing but this invocation lives in the process;
    then it ends at once, for taking the interpreter apart costs a short command a fifth of its time.
    """
    code = code_of(context, act)
    if process:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def code_of(context: Context, act: Callable[[], int]) -> int:
    """Return what *act* returns, or the code of the error that it raises, which is printed on stderr."""
    try:
        code = act()
        sys.stdout.flush()
    except WatchError as error:
        note(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        code = context.unread
    except OSError as error:
        # A disk that is full, a file that is closed to us: the machine's trouble, not a bug.
        note(f"{error.filename or 'the output'}: {error.strerror or error}")
        code = context.failed
    except Exception as error:  # noqa: BLE001 - whatever has no name of ours is a bug, and is called one
        _confess(error, verbose=context.verbose > 0)
        code = ExitCode.BUG
    return code


def _confess(error: Exception, *, verbose: bool) -> None:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    note(f"a bug: {what}" + ("" if verbose else "; bedrock-watch -v shows where"))
    if verbose:
        import traceback

        traceback.print_exception(error)
