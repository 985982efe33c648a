"""Opens a channel: from an Apprise URL to one plugin with one target, tamed; or an error that shows no secret.

Not its business: sending (``channel``), where the URL comes from (``config``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from watcher.channels.channel import AppriseChannel
from watcher.channels.refusals import refusals_of
from watcher.channels.scrub import scrubber
from watcher.channels.services import module, service
from watcher.channels.witness import LIMITS, Limits, Witness, witnessed
from watcher.errors import ExitCode, WatchError
from watcher.model import Family

if TYPE_CHECKING:
    from apprise import NotifyBase

APP_ID = "bedrock-watch"


class BadChannel(WatchError):
    """A channel's URL cannot be used; the text names the channel, and nothing that the URL holds."""

    exit_code = ExitCode.BAD_CONFIG


_OPTIONS = {
    "retry": "bedrock-watch tries again itself, and knows what may have arrived",
    "optional": "it would report a failure as a success",
    "overflow": "bedrock-watch never makes several messages of one",
    "format": "bedrock-watch writes each message as its service reads it",
    "tag": "a channel is chosen by its own `tags`",
    "tags": "a channel is chosen by its own `tags`",
    "cc": "several recipients are several outcomes; make a channel for each",
    "bcc": "several recipients are several outcomes; make a channel for each",
    "redirect": "redirects are never followed: the news would go to where nobody has sent it",
}
"""Options of Apprise's URLs that cannot be kept, and why."""

_OUR_HEADERS = frozenset({"content-type", "date", "from", "message-id", "mime-version", "sender", "subject", "to"})

_MANUAL = "how each service's URL is written: https://appriseit.com/services/"


def open_channel(name: str, url: str, *, ca_bundle: str | None = None, limits: Limits = LIMITS) -> AppriseChannel:
    """Return the channel that *url* describes; blocks (the first call imports Apprise: 0.4 s).  Nothing is sent.

    *ca_bundle* is a file of certificates to trust instead of the system's.  Raises BadChannel.
    """
    _check_options(name, url)
    from watcher.channels.standins import install, is_seen  # noqa: PLC0415 - imports Apprise, which costs 0.4 s
    from watcher.channels.verdict import Judge  # noqa: PLC0415 - imports requests
    from watcher.channels.wire import Wire  # noqa: PLC0415 - imports requests

    install()
    wire = Wire(limits, ca_bundle)
    plugin = _plugin(name, url, Witness(wire))
    _check_headers(name, plugin)
    if len(plugin) > 1:
        raise BadChannel(f"channel {name!r}: its URL has {len(plugin)} targets", _OPTIONS["cc"])
    if module(plugin) == "email" and not plugin.targets:  # type: ignore[attr-defined]
        raise BadChannel(f"channel {name!r}: its URL has no valid recipient", "give one with ?to=")
    if not plugin.verify_certificate:
        wire.trust_anybody()
    if ca_bundle is not None:
        try:
            _ = wire.tls
        except OSError as error:
            raise BadChannel(f"channel {name!r}: its ca_bundle cannot be used: {ca_bundle}: {error.strerror}") from None
    scrub = scrubber(url, _public(plugin))
    rules = refusals_of(module(plugin), str(getattr(plugin, "mode", "")))
    judge = Judge(scrub, rules, is_seen(plugin), service(plugin).pause_unit)
    return AppriseChannel(name, _tame(plugin), wire, judge)


def check_url(name: str, url: str) -> str:
    """Return the name of the service that *url* reaches, for people; nothing is sent.  Raises BadChannel."""
    channel = open_channel(name, url)
    channel.close()
    return channel.service


def _check_options(name: str, url: str) -> None:
    """Raise BadChannel for what is no URL, or asks for what cannot be kept."""
    if not re.match(r"[a-z0-9]+://.", url, re.IGNORECASE):
        remedy = "expected <service>://..., such as slack://... or mailtos://..."
        raise BadChannel(f"channel {name!r}: not an Apprise URL", remedy)
    for key, value in parse_qsl(url.partition("?")[2]):
        option = key.lower()
        if option in _OPTIONS and value.lower() not in ("0", "no", "truncate", "upstream"):
            raise BadChannel(f"channel {name!r}: its URL must not set {option!r}", _OPTIONS[option])


def _plugin(name: str, url: str, witness: Witness) -> NotifyBase:
    """Return Apprise's plugin for *url*; raises BadChannel with Apprise's complaint."""
    import apprise  # noqa: PLC0415 - costs 0.4 s

    asset = apprise.AppriseAsset(
        app_id=APP_ID,
        app_desc=APP_ID,
        app_url="",
        image_url_mask="",  # no pictures from a stranger's server
        image_url_logo="",
        language="en",
        service_timeout=0,
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
    )
    complaint = ""
    plugin = None
    with witnessed(witness, LIMITS.total):
        try:
            plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=False)
        except (apprise.exception.AppriseException, TypeError, ValueError) as error:
            complaint = "; ".join(witness.words) or str(error)
    if plugin is not None:
        return plugin
    service = url.partition("://")[0].lower()
    if complaint:
        raise BadChannel(f"channel {name!r}: Apprise refuses its {service} URL", scrubber(url)(complaint))
    # Apprise's own words would be the URL, masked in its way.
    if service in apprise.manager_plugins.NotificationManager():  # type: ignore[no-untyped-call]
        raise BadChannel(f"channel {name!r}: Apprise cannot read its {service} URL", _MANUAL)
    raise BadChannel(f"channel {name!r}: Apprise knows no service {service!r}", _MANUAL)


def _check_headers(name: str, plugin: NotifyBase) -> None:
    """Raise BadChannel when the URL sets a header of which a mail may have one, and has ours (RFC 5322, 3.6)."""
    if module(plugin) != "email":
        return
    for header in plugin.headers:  # type: ignore[attr-defined]
        if header.strip().lower() in _OUR_HEADERS:
            remedy = "bedrock-watch sets it for each mail; leave it out"
            raise BadChannel(f"channel {name!r}: its URL must not set the header {header!r}", remedy)


def _tame(plugin: NotifyBase) -> NotifyBase:
    """Switch off what *plugin* would do of its own accord."""
    known = service(plugin)
    changes: dict[str, Any] = {
        "throttle": lambda *_, **__: None,  # the lane has a limiter; a sleep here would hold its thread
        "overflow_mode": "truncate",  # a cut message arrives, a refused one does not
    }
    if known.source is not None:
        changes["body_maxlen"] = known.source
    if known.family is Family.SLACK:
        # The body is written in Slack's own markup; a translation from CommonMark would alter it.
        changes |= {"dialect_convert": lambda body, *_, **__: body, "include_footer": False}
    elif module(plugin) == "slack":  # a workflow: plain text, in which Slack's mentions must ping nobody
        changes["dialect_convert"] = lambda body, *_, **__: re.sub("<(?=[!@#])", "<\u200b", body)
    for attribute, value in changes.items():
        setattr(plugin, attribute, value)
    return plugin


def _public(plugin: NotifyBase) -> set[str]:
    """Return the parts of *plugin*'s URL that are no secret: its host, if it is one, and words of fixed lists."""
    public = {str(plugin.host)} if "host" in plugin.template_tokens else set()
    arguments: dict[str, dict[str, Any]] = plugin.template_args
    for argument in arguments.values():
        if str(argument.get("type", "")).startswith("choice"):
            public.update(map(str, argument["values"]))
    return public
