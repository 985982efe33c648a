"""What each family is sent about each kind of news, as files that people have read and found good.

After a change of words that is meant: ``UPDATE_GOLDEN=1 pytest tests/test_golden.py``, and read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support_stories import cases

from watcher.model import Family, Message
from watcher.render import write

GOLDEN = Path(__file__).parent / "golden"
CASES = cases()


def files(message: Message) -> dict[str, str]:
    """Return what is sent, by the ending of the file that holds it."""
    shown = {"txt": f"{message.title}\n\n{message.body}\n"}
    if message.html:
        shown["html"] = message.html
    if message.payload is not None:
        shown["json"] = json.dumps(message.payload, indent=2, ensure_ascii=False) + "\n"
    return shown


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("family", list(Family))
def test_what_is_sent_reads_as_it_was_approved(family: Family, name: str) -> None:
    for ending, text in files(write(CASES[name], family)).items():
        path = GOLDEN / family.value / f"{name}.{ending}"
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} of {family.value}"


def test_no_golden_file_is_left_of_a_case_that_is_gone() -> None:
    known = {
        f"{family.value}/{name}.{ending}"
        for family in Family
        for name, doc in CASES.items()
        for ending in files(write(doc, family))
    }
    found = {path for family in Family for path in (GOLDEN / family.value).rglob("*.*")}
    assert {str(path.relative_to(GOLDEN)) for path in found} == known
