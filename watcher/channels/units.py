"""The units that services count a message's length in.

Not its business: which service counts how (``services``), whether a message fits (``measure``).
"""

from __future__ import annotations

import json
from html import unescape


def utf8(text: str) -> int:
    """Return the bytes of *text* in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def utf16(text: str) -> int:
    """Return the UTF-16 code units of *text*."""
    return len(text.encode("utf-16-le", "replace")) // 2


def parsed_utf16(text: str) -> int:
    """Return the UTF-16 code units of HTML *text* after its entities are read; tags count, to be on the safe side."""
    return utf16(unescape(text))


def json_bytes(text: str) -> int:
    """Return the bytes of *text* as a JSON string that holds ASCII only, as Python writes it."""
    return len(json.dumps(text))


def ntfy_bytes(text: str) -> int:
    """Return the bytes of *text* for ntfy, which has 4,096 for a message and 8,192 for the JSON object around it.

    Python writes a letter that is not ASCII in six bytes of JSON; 700 bytes are for the title and the topic.
    """
    return max(utf8(text), json_bytes(text) * 4096 // (8000 - 700))
