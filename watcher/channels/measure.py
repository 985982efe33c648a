"""Check whether a message fits a service after Apprise's conversion, in the unit that the service counts.

Apprise converts the text for a service (a space becomes ``&nbsp;``), and then truncates it.  So counting our own text
is not enough.  Not its business: what is left out of a message that does not fit (``render``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watcher.channels.services import Service, service

if TYPE_CHECKING:
    from apprise import NotifyBase


def fits(plugin: NotifyBase, given: dict[str, Any]) -> bool:
    """Return whether *plugin* posts all of *given*, the arguments of ``notify``, as one message the service accepts."""
    from apprise.common import OverflowMode  # noqa: PLC0415 - imported when the channel was opened

    whole = _pieces(plugin, given, OverflowMode.UPSTREAM)
    if _pieces(plugin, given, OverflowMode.TRUNCATE) != whole or _has_too_many_lines(plugin, given):
        return False
    known = service(plugin)
    return known.longest is None or all(_size(plugin, known, title, body) <= known.longest for title, body in whole)


def _pieces(plugin: NotifyBase, given: dict[str, Any], overflow: str) -> list[tuple[str, str]]:
    """Return titles and bodies as the plugin's own ``send`` would get them."""
    calls = plugin._build_send_calls(**given, overflow=overflow)  # noqa: SLF001
    return [(call["title"] or "", call["body"] or "") for call in calls]


def _has_too_many_lines(plugin: NotifyBase, given: dict[str, Any]) -> bool:
    lines = given["body"].count("\n") + 1 + (plugin.title_maxlen <= 0)
    return bool(0 < plugin.body_max_line_count < lines)


def _size(plugin: NotifyBase, known: Service, title: str, body: str) -> int:
    return known.count(f"{title}\r\n{body}" if plugin.overflow_amalgamate_title and title else body)
