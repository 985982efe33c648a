"""Find parts of a channel's URL that Apprise ignores; none may be ignored.

Apprise drops a recipient that it cannot read, and a parameter that it does not know, with a warning at most.  A
plugin's own ``url()`` is what it has understood, so what is missing there was dropped.
Not its business: what cannot be kept although Apprise knows it (``opening``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from watcher.channels.services import module

if TYPE_CHECKING:
    from apprise import NotifyBase

_PHONE = 8
"""Trailing digits of a phone number that a plugin keeps when it converts the number to international form."""

_TARGETED = frozenset({"goalert", "kook", "mobilemessage", "office365", "serwersms", "telegram"})
"""Plugins that send nothing, or guess the recipient (Telegram), if the URL has none."""

_LISTS = ("targets", "channels", "dm_users", "target_phones", "target_groups")
"""Plugin attributes that hold the recipients."""

_GENERAL = frozenset({"verify", "user", "pass", "password", "port", "url", "name", "rto", "cto", "schema"})
"""Parameters that Apprise reads for every service, in addition to those of each plugin."""


def ignored(url: str, plugin: NotifyBase) -> tuple[str, str] | None:
    """Return which part of *url* Apprise ignored and the remedy, without secrets; None if none."""
    if module(plugin) in _TARGETED and not any(getattr(plugin, name, ()) for name in _LISTS):
        return "its URL names no recipient", f"{plugin.service_name} sends nothing without one: add it to the path"
    lost = _lost_target(url, plugin)
    if lost:
        remedy = "correct it; a channel has one recipient, and several are several channels or a mailing list"
        return f"{lost} is not one that {plugin.service_name} can be sent to", remedy
    for key, known in _unknown_parameters(url, plugin):
        near = difflib.get_close_matches(re.sub(r"\W", "", key.lower()), known, 1)
        named = f"parameter {key!r}" if re.fullmatch(r"[A-Za-z][A-Za-z _.-]{0,19}", key) else "such parameter"
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        return f"{plugin.service_name} knows no {named}", f"correct it or leave it out; {hint}"
    return None


def _lost_target(url: str, plugin: NotifyBase) -> str:
    """Return which recipient of *url* is missing in what *plugin* has understood; empty: none is."""
    if "targets" not in plugin.template_tokens or url.lower().startswith(("http://", "https://")):
        return ""  # what a service's own web address holds is not a list of recipients
    understood = _understood(plugin)
    path = url.partition("://")[2].partition("?")[0].split("/")[1:]
    places = [("path", word) for part in path for word in _words(unquote(part))]
    aliases = _aliases(plugin)
    for key, value in _parameters(url):
        if key.lower() in aliases:
            places += [(key.lower(), word) for word in _words(value)]
    count: dict[str, int] = {}
    for place, word in places:
        count[place] = count.get(place, 0) + 1
        if not _is_in(word, understood):
            return f"recipient {count[place]} of {place!r}" if place != "path" else f"part {count[place]} of its path"
    return ""


def _words(text: str) -> Iterator[str]:
    """Yield the recipients of a list, as letters and digits."""
    for part in re.split("[,;]", text):
        inside = re.search("<([^<>]+)>", part)
        entries = [inside.group(1)] if inside else [part] if re.fullmatch(r"[\d\s()+.-]+", part) else part.split()
        yield from filter(None, map(_plain, entries))


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _understood(plugin: NotifyBase) -> set[str]:
    """Return the parts of the URL that *plugin* writes of itself, as letters and digits."""
    whole = re.sub(r"(://[^/?:@]*):[^/?@]*@", r"\1@", str(plugin.url(privacy=False)))  # type: ignore[no-untyped-call]
    ways = (whole, unquote(whole), unquote(unquote(whole)))
    texts = {part for text in ways for part in re.split(r"[/?&=,;<>]", text)}
    texts |= {piece for text in texts for piece in re.split("[:@]", text)}
    # A recipient that equals the sender is left out of the URL.
    texts |= {item for name in _LISTS for item in _texts(getattr(plugin, name, ()))}
    return set(map(_plain, texts)) | {_plain(unquote(unquote(text))) for text in texts}


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a list of a plugin's, whatever it is nested in."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)


def _is_in(word: str, understood: set[str]) -> bool:
    if word in understood:
        return True
    tail = word[-_PHONE:]
    return word.isdigit() and len(word) >= _PHONE and any(one.isdigit() and one.endswith(tail) for one in understood)


def _aliases(plugin: NotifyBase) -> set[str]:
    """Return the parameters that name recipients."""
    aliases = {"to", "targets"}
    arguments: Mapping[str, Mapping[str, Any]] = plugin.template_args
    for key, argument in arguments.items():
        alias = argument.get("alias_of", ())
        if "targets" in ((alias,) if isinstance(alias, str) else alias):
            aliases.add(key)
    return aliases


def _parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(url.partition("?")[2], keep_blank_values=True)


def _unknown_parameters(url: str, plugin: NotifyBase) -> Iterator[tuple[str, set[str]]]:
    """Yield the parameters of *url* that change nothing of what Apprise reads, each with those that are known."""
    from apprise.plugins import url_to_dict  # noqa: PLC0415 - imported when the channel was opened

    known = {key.lower() for key in (*plugin.template_args, *plugin.template_tokens, "to", "targets")} | _GENERAL
    prefixes = tuple(kind.get("prefix", "+") for kind in plugin.template_kwargs.values())
    base, _, query = url.partition("?")
    parts = [part for part in query.split("&") if part]
    for place, part in enumerate(parts):
        name = part.partition("=")[0]
        key = unquote(name[:1] + name[1:].replace("+", " "))
        if key.strip().lower() in known or (prefixes and key.startswith(prefixes)):
            continue
        without = "&".join(parts[:place] + parts[place + 1 :])
        shorter = f"{base}?{without}" if without else base
        if _read(url_to_dict(url)) == _read(url_to_dict(shorter)):  # type: ignore[no-untyped-call]
            yield key.strip(), known - _GENERAL


def _read(parsed: dict[str, Any] | None) -> dict[str, str] | None:
    """Return what Apprise read of a URL, without the text itself."""
    return None if parsed is None else {k: repr(v) for k, v in parsed.items() if not k.startswith("qsd") and k != "url"}
