"""URLs of all services that Apprise knows, built from its own templates, for receivers on loopback.

Not its business: what is sent to them, and what they answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from apprise import Apprise, NotifyBase
from apprise.manager_plugins import NotificationManager

_VALUES = (
    "abcdefghij1234567890",
    "15551234567",
    "a" * 32,
    "0123456789abcdef" * 2,
    "ABCDEFGHIJ",
    "1234567890",
    "user@example.com",
    "8b799edf-6f98-4d3a-9be7-2862fb4e5752",
    "a" * 24,
    "a" * 64,
    "a" * 40,
    "123456789:abcdefg_hijklmnop",
    "us-east-1",
    "xoxb-1234-1234-abcdefg",
)
"""Tokens, keys and numbers; for a token with a pattern the first one is taken that matches."""

TARGETS = ("15551234567", "user@example.com", "abcdefghij", "%23general", "@user", "12345", "a" * 32)

_PLACES = {"host": "example.com", "hostname": "example.com", "port": "8080"}

_BY_HAND = {
    "acs": "acs://user@example.com/YWJjZGVmZ2hpag==/example.communication.azure.com/to@example.com",
    "awswhatsapp": f"awswhatsapp://abcdefghij/abcdefghij1234567890/us-east-1/phone-number-id-{'a' * 32}/15551234567",
    "cliq": "cliq://1000.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb/general",
    "groundmail": "groundmail://abcdefghij1234567890:user@example.com",
    "kumulos": "kumulos://8b799edf-6f98-4d3a-9be7-2862fb4e5752/" + "a" * 36,
    "messagebird": f"msgbird://{'a' * 25}/15551234567",
    "octopush": "octopush://user@example.com/abcdefghij1234567890/15551234567",
    "pingram": "pingram://pingram_sk_abcdefghij1234567890/user@example.com",
    "pushward": "pushward://hlk_abcdefghij1234567890abcdefghij12",
    "resend": "resend://abcdefghij1234567890:user@example.com",
    "ryver": "ryver://abcdefghij/abcdefghij12345",
    "kook": "kook://abcdefghij/1234567890",
    "goalert": "goalert://example.com/8b799edf-6f98-4d3a-9be7-2862fb4e5752",
    "mobilemessage": "mobilemessage://abcdefghij:abcdefghij@abcdefg/0412345678",
    "sns": "sns://abcdefghij/abcdefghij1234567890/us-east-1/15551234567",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12345",
    "threema": "threema://*GATEWAY@abcdefghij1234567890/15551234567",
    "twilio": f"twilio://AC{'a' * 32}:{'b' * 32}@15551234567",
    "wpush": "wpush://WPUSHabcdefghij1234567890abcdefg",
    "lauther": "lauther://lpt_abcdefghij",
    "pagertree": "pagertree://int_abcdefghij",
    "office365": "azure://user@example.com/tenant/8b799edf-6f98-4d3a-9be7-2862fb4e5752/abcd123/2468/user@example.com",
    "trigv": f"trigv://trgv_abcdefgh_{'a' * 32}",
    "wechat": "wechat://corpid:secret@1000/@user",
    "youlmk": f"youlmk://ylk_{'a' * 32}",
    "serwersms": "serwersms://abcdefghij:abcdefghij@SENDER/15551234567",
    "aprs": "aprs://DF1JSL-15:12345@DF1ABC",
    "sogs": f"session://user:{'a' * 32}@example.com/{'a' * 64}",
    "wxpusher": "wxpusher://AT_abcdefghij1234567890/UID_abcd",
    "sendpulse": "sendpulse://abcdefghij@example.com/abcdefghij1234567890/abcdefghij1234567890/user@example.com",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "twist": "twist://password:user@example.com/12345:67890",
    "webexteams": f"webex://{'a' * 80}",
}
"""By module: URLs of services whose patterns none of the values matches, or that want a target of a form of its own."""


def services() -> dict[str, type[NotifyBase]]:
    """Return Apprise's plugins by the names of their modules."""
    manager: Any = NotificationManager()  # type: ignore[no-untyped-call]
    schemas = sorted(manager.schemas())
    return {manager[schema].__module__.split(".")[2]: manager[schema] for schema in schemas}


def url_of(service: str) -> str | None:
    """Return a URL with one target at most that Apprise accepts for *service*; None: no template gave one."""
    for url in _candidates(service):
        try:
            plugin = Apprise.instantiate(url)
        except TypeError:
            continue
        if plugin is not None and len(plugin) <= 1:
            return url
    return None


def _candidates(service: str) -> Iterator[str]:
    if service in _BY_HAND:
        yield _BY_HAND[service]
    plugin: Any = services()[service]
    schema = plugin.secure_protocol or plugin.protocol
    if isinstance(schema, list | tuple):
        schema = schema[0]
    if "host" in plugin.template_tokens and plugin.protocol:
        schema = plugin.protocol if isinstance(plugin.protocol, str) else plugin.protocol[0]
    tokens: Mapping[str, Mapping[str, Any]] = plugin.template_tokens
    for template in sorted(plugin.templates, key=len):
        for target in TARGETS:
            fill = partial(_filled, tokens, target, str(schema))
            yield re.sub(r"{(\w+)}", fill, template)


def _filled(tokens: Mapping[str, Mapping[str, Any]], target: str, schema: str, place: re.Match[str]) -> str:
    name = place.group(1)
    token = tokens.get(name, {})
    kind = str(token.get("type", "string"))
    if name == "schema":
        return schema
    if name == "targets" or kind.startswith("list"):
        return target
    return _value(name, kind, token)


def _value(name: str, kind: str, token: Mapping[str, Any]) -> str:
    if "values" in token:
        return str(token.get("default") or next(iter(token["values"])))
    if name in _PLACES:
        return _PLACES[name]
    if kind in ("int", "float"):
        return str(max(int(token.get("min", 1) or 1), 1))
    if token.get("regex"):
        pattern, *flags = token["regex"] if isinstance(token["regex"], list | tuple) else (token["regex"],)
        known = re.compile(pattern, re.IGNORECASE if flags and "i" in (flags[0] or "") else 0)
        return quote(next(filter(known.match, _VALUES), "abc"), safe="@:")
    plain = {"email": "user@example.com", "phone": "15551234567"}
    return next((value for word, value in plain.items() if word in name), "abcdefghij")
