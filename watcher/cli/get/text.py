"""``--output text`` of the AWS CLI: tab-separated lines for cut and awk.

Source of the behaviour: AWS CLI User Guide, "Text output format", and the program itself, which the tests run beside
this.  Not its business: queries (``command``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def text(value: Any) -> str:  # noqa: ANN401 - JSON is JSON
    """Return *value* as lines.

    The scalars of an object are one line, sorted by name; what it holds beside them follows, each line headed by the
    member's name in capitals.  The objects of one list have the same columns.
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any, head: str = "", columns: Sequence[str] | None = None) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, dict):
        yield from _of_object(value, head, columns)
    elif isinstance(value, list):
        yield from _of_list(value, head)
    else:
        yield str(value)


def _of_object(value: Mapping[str, Any], head: str, columns: Sequence[str] | None) -> Iterator[str]:
    names = sorted(name for name in value if _is_scalar(value[name])) if columns is None else columns
    if names:
        yield _line(head, (value.get(name, "") for name in names))
    for name in sorted(value.keys() - set(names)):
        yield from _lines(value[name], name)


def _of_list(values: Sequence[Any], head: str) -> Iterator[str]:
    if any(isinstance(value, dict) for value in values):
        objects = (value for value in values if isinstance(value, dict))
        columns = sorted({name for value in objects for name in value if _is_scalar(value[name])})
        for value in values:
            yield from _lines(value, head, columns)
        return
    scalars = [value for value in values if _is_scalar(value)]
    if head:
        yield from (_line(head, [scalar]) for scalar in scalars)
    elif scalars:
        yield _line("", scalars)
    for value in values:
        if not _is_scalar(value):
            yield from _lines(value, head)


def _line(head: str, scalars: Iterable[object]) -> str:
    return "\t".join([head.upper()] * bool(head) + [str(scalar) for scalar in scalars])


def _is_scalar(value: object) -> bool:
    return not isinstance(value, (dict, list))
