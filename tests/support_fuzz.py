"""Bad input by the thousand: what AWS could answer, by botocore's service model, and what becomes of it on its way.

``FUZZ_EXAMPLES`` says how many of each; ``make fuzz`` asks for many more than the tests do.
Not its business: what the product makes of it (``test_fuzz_*``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))

fuzzing: settings = settings(
    max_examples=EXAMPLES,
    deadline=None,  # a loaded machine is no finding
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)

HOSTILE = ("", "\x00", "\ud800", "\u202e", "<!channel>", "```", "{{7*7}}", "a" * 5000, "\r\nBcc: x@example.com", "None")

_TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=40)
_TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(
    ("2026-11-20T08:00:00.000Z", "2026-11-20T09:30:00Z", "2026-11-20", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
)
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    (None, True, 0, -1, 10**400, 1e308, 1.5, "", "InProgress", [], {}, [[[[]]]], {"status": {"status": {}}}, "\ud800")
)


def deep(levels: int) -> Any:
    """Return an object that is nested so deep."""
    value: Any = "bottom"
    for _ in range(levels):
        value = {"statusDetails": value}
    return value


def shaped(shape: Shape, levels: int = 6) -> st.SearchStrategy[Any]:
    """Return values of *shape*, as AWS could send them: any member may be absent, an enum may have a new word.

    Some shapes hold themselves: below so many *levels* objects are empty.
    """
    if isinstance(shape, StructureShape):
        members = {name: shaped(member, levels - 1) for name, member in shape.members.items()} if levels else {}
        return st.fixed_dictionaries({}, optional=members)
    if isinstance(shape, ListShape):
        return st.lists(shaped(shape.member, levels), max_size=3) if levels else st.just([])
    if isinstance(shape, MapShape):
        return st.dictionaries(_TEXTS, shaped(shape.value, levels), max_size=3)
    if isinstance(shape, StringShape):
        return st.sampled_from(shape.enum) | _TEXTS if shape.enum else _TEXTS
    plain: dict[str, st.SearchStrategy[Any]] = {
        "timestamp": _TIMES,
        "boolean": st.booleans(),
        "integer": st.integers(),
        "long": st.integers(),
        "float": st.floats(allow_nan=False),
        "double": st.floats(allow_nan=False),
    }
    return plain[shape.type_name]


@st.composite
def bodies(draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """Draw a body: one of *documents* as JSON, and nearly always something is wrong with it."""
    document = draw(documents)
    for _ in range(draw(st.integers(0, 3))):
        document = draw(_mutated(document))
    return draw(_spoilt(json.dumps(document)))


@st.composite
def _mutated(draw: st.DrawFn, document: Any) -> Any:
    """Draw *document* with one value somewhere in it replaced, or nested, or taken away."""
    if isinstance(document, dict) and document:
        key = draw(st.sampled_from(sorted(document)))
        how = draw(st.sampled_from(("inside", "inside", "replace", "drop", "deep", "rename")))
        rest = {name: value for name, value in document.items() if name != key}
        if how == "inside":
            return {**document, key: draw(_mutated(document[key]))}
        if how == "replace":
            return {**document, key: draw(_ODD)}
        if how == "deep":
            return {**document, key: deep(draw(st.sampled_from((5, 300))))}
        return rest if how == "drop" else {**rest, key.lower() + "\u0130": document[key]}
    if isinstance(document, list) and document:
        place = draw(st.integers(0, len(document) - 1))
        return [*document[:place], draw(_mutated(document[place])), *document[place + 1 :]]
    return draw(_ODD)


@st.composite
def _spoilt(draw: st.DrawFn, text: str) -> bytes:
    """Draw *text* as bytes, spoilt as a broken proxy, a cut connection or a careless encoder spoils it."""
    how: Callable[[str], bytes] = draw(
        st.sampled_from(
            (
                *[lambda text: text.encode()] * 6,
                lambda text: text[: len(text) // 2].encode(),
                lambda text: text.encode()[:-1],
                lambda text: b"\xef\xbb\xbf" + text.encode(),
                lambda text: text.encode("utf-16"),
                lambda text: text.replace('"', "'").encode(),
                lambda text: ("[" * 100_000 + text).encode(),
                lambda text: (text[:-1] + ', "status": "Stopped"}').encode(),
                lambda text: (text[:-1] + f', "trainingMetrics": {{"trainingLoss": {"9" * 5000}}}}}').encode(),
                lambda text: (text[:-1] + ', "x": 1e999}').encode(),
                lambda text: b"\xff\xfe" + text.encode(),
                lambda text: text.encode() + text.encode(),
                lambda _: b"",
            )
        )
    )
    return how(text)
