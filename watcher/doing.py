"""What the process is doing, so that a crash can name the input that caused it.

``with doing(...)`` around the work on one input marks an exception that leaves the block; the innermost mark counts.
The top-level handler reads the marks with ``causes``: by then, the task that failed, and its context, are gone.
Errors with a name of ours (WatchError) are no crash, and pass unmarked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from watcher.errors import WatchError

_MARK = "__bedrock_watch_cause__"


@dataclass(frozen=True, slots=True)
class Cause:
    """What was being done, and the input with which: *kind* and *key* name it, and are empty when there is none.

    *kind* is ``job`` (*key*: its number), ``list`` (a scope's key), ``delivery`` (numbers, separated by commas) or
    ``message`` (a hash of the text of an SQS message).  *title* is the input's name for people.
    """

    doing: str
    kind: str = ""
    key: str = ""
    title: str = ""


@contextmanager
def doing(cause: Cause) -> Iterator[None]:
    """Mark an unexpected exception that leaves this block with *cause*, unless it is already marked."""
    try:
        yield
    except WatchError:
        raise
    except Exception as error:
        for leaf in _leaves(error):
            if not hasattr(leaf, _MARK):
                with suppress(AttributeError, TypeError):
                    setattr(leaf, _MARK, cause)
        raise


def causes(error: BaseException) -> list[Cause]:
    """Return the causes with which *error*, or the exceptions of a group, are marked, each once."""
    found = (getattr(leaf, _MARK, None) for leaf in _leaves(error))
    return list(dict.fromkeys(cause for cause in found if isinstance(cause, Cause)))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
