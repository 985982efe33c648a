"""``--output table`` of the AWS CLI: what the response becomes, section by section.

Source of the behaviour: AWS CLI User Guide, "Table output format", and the program itself, which the tests run beside
this.  Not its business: how sections are drawn (``drawing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import east_asian_width

from watcher.errors import CallError, CliCode


@dataclass(slots=True)
class Section:
    """A title over rows of equal length, which may have headers; *depth* is how deep it is nested."""

    title: str | None
    depth: int
    headers: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    columns: int | None = None

    def head(self, headers: Sequence[str]) -> None:
        """Set the headers; raises CallError when they are not as many as the columns."""
        self._fit(len(headers))
        self.headers = list(headers)

    def add(self, row: Iterable[object]) -> None:
        """Add a row; raises CallError when it is not as long as the others."""
        cells = [str(cell) for cell in row]
        self._fit(len(cells))
        self.rows.append(cells)

    def _fit(self, cells: int) -> None:
        if self.columns is None:
            self.columns = cells
        if cells != self.columns:
            raise CallError(CliCode.OTHER, f"Row should have {self.columns} elements, instead it has {cells}")

    def widths(self) -> list[int]:
        """Return the width of the longest cell of each column."""
        lines = ([self.headers] if self.headers else []) + self.rows
        return [max(map(width, column)) for column in zip(*lines, strict=True)]

    def upright(self) -> Section:
        """Return a section of one row turned by a quarter: a line for each header.  Any other is itself."""
        if not self.headers or len(self.rows) != 1:
            return self
        pairs = [[header, cell] for header, cell in zip(self.headers, self.rows[0], strict=True)]
        return Section(self.title, self.depth, rows=pairs)


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes; ambiguous characters count twice, as the AWS CLI does it."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in "WFA" else 1 for char in text)


def sections(title: str, value: Any) -> list[Section]:  # noqa: ANN401 - JSON is JSON
    """Return the sections of *value*, none of an empty one; raises CallError where its rows do not fit together."""
    made: list[Section] = []
    _build(made, title, value, 0)
    return made


def _build(made: list[Section], title: str | None, value: Any, depth: int) -> None:  # noqa: ANN401
    if not value:
        return
    if title is not None:
        made.append(Section(title, depth))
    if isinstance(value, dict):
        _build_object(made, value, depth)
    elif isinstance(value, list) and isinstance(value[0], dict):
        _build_objects(made, title, value, depth)
    elif isinstance(value, list):
        for item in value:
            if _is_scalar(item):
                made[-1].add([item])
            elif all(_is_scalar(one) for one in item):
                made[-1].add(item)
            else:
                _build(made, None, item, 0)


def _build_object(made: list[Section], value: Mapping[str, Any], depth: int) -> None:
    scalars, others = _apart(value)
    if len(scalars) == 1:
        made[-1].add([scalars[0], value[scalars[0]]])
    elif scalars:
        made[-1].head(scalars)
        made[-1].add(value[name] for name in scalars)
    for name in others:
        _build(made, name, value[name], depth + 1)


def _build_objects(made: list[Section], title: str | None, values: Sequence[Any], depth: int) -> None:
    values = [value or {} for value in values]
    if not all(isinstance(value, dict) for value in values):
        raise CallError(CliCode.OTHER, "a list of objects and of other values cannot be shown as a table")
    parts = [_apart(value) for value in values]
    headers = sorted({name for scalars, _ in parts for name in scalars})
    others = sorted({name for _, more in parts for name in more})
    made[-1].head(headers)
    for number, value in enumerate(values):
        if number and others:
            made.append(Section(title, depth))
            made[-1].head(headers)
        made[-1].add(value.get(header, "") for header in headers)
        for name in others:
            if name in value:
                _build(made, name, value[name], depth + 1)


def _apart(value: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names of the scalars, and of the rest, sorted."""
    scalars = sorted(name for name in value if _is_scalar(value[name]))
    return scalars, sorted(value.keys() - set(scalars))


def _is_scalar(value: object) -> bool:
    return not isinstance(value, (dict, list))
