"""One channel: an Apprise URL with one target, opened once, and sent to by one thread at a time.

``NotifyBase.notify`` is called directly rather than ``Apprise.notify``: the latter adds retries, escalation by tags,
optional services that succeed by failing, and a thread pool of its own, which are all ours to decide.
Not its business: the wire (``wire``, ``mail``), the words of a failure (``verdict``), what a message says (``render``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from watcher.channels.scrub import scrubber
from watcher.channels.verdict import failed
from watcher.channels.witness import LIMITS, Limits, Witness, witnessed
from watcher.errors import ExitCode, WatchError
from watcher.model import Family, Message, Sent, Verdict

if TYPE_CHECKING:
    from apprise import NotifyBase

    from watcher.channels.wire import Wire

APP_ID = "bedrock-watch"


class BadChannel(WatchError):
    """A channel's URL cannot be used; the text names the channel, and nothing that the URL holds."""

    exit_code = ExitCode.BAD_CONFIG


@dataclass(frozen=True, slots=True)
class _Service:
    """What we know better than Apprise's plugin of a service.

    *interval*: seconds between two messages; *longest*: characters of a body, where the plugin's own limit is lower
    than the service's.  None: as the plugin has it.
    """

    family: Family
    interval: float | None = None
    longest: int | None = None


# By the plugin's module.  Sources: the services' own documents of rate limits and message lengths.
_SERVICES = {
    "slack": _Service(Family.SLACK, interval=1.0),  # one message a second and channel
    "email": _Service(Family.EMAIL, interval=0.0),
    "custom_json": _Service(Family.JSON, interval=0.0),
    "discord": _Service(Family.CHAT, interval=0.5),  # five in two seconds
    "guilded": _Service(Family.CHAT, interval=0.5),
    "fluxer": _Service(Family.CHAT, interval=0.5),
    "revolt": _Service(Family.CHAT),
    "mattermost": _Service(Family.CHAT, longest=16_000),  # 16,383
    "rocketchat": _Service(Family.CHAT, longest=5_000),  # Message_MaxAllowedSize
    "workflows": _Service(Family.CHAT, longest=20_000),  # Teams: 28 KB with the card around it
    "webexteams": _Service(Family.CHAT),
    "zulip": _Service(Family.CHAT),
    "matrix": _Service(Family.CHAT),
    "telegram": _Service(Family.TEXT, interval=1.0),  # one message a second and chat
}
_OTHER = _Service(Family.TEXT)

SLOWEST = 1.0
"""Seconds; the longest interval that is taken over from a plugin: Apprise's default of 5.5 is a guess."""

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

_MANUAL = "how each service's URL is written: https://appriseit.com/services/"


class AppriseChannel:
    """An open channel.

    *service* is its name for people ("Slack"), *min_interval* the seconds to leave between two messages, *body_limit*
    the characters of a body beyond which the service, and so we, would cut it.
    """

    def __init__(self, name: str, plugin: NotifyBase, wire: Wire, scrub: Callable[[str], str], *, seen: bool) -> None:
        known = _SERVICES.get(_module(plugin), _OTHER)
        if known.longest is not None:
            plugin.body_maxlen = known.longest
        self.name = name
        self.family = known.family
        self.service = str(plugin.service_name)
        self.min_interval = min(plugin.request_rate_per_sec, SLOWEST) if known.interval is None else known.interval
        self.body_limit: int = plugin.body_maxlen
        self._plugin = _tame(plugin, self.family)
        self._wire = wire
        self._scrub = scrub
        self._seen = seen
        self._witness: Witness | None = None

    def send(self, message: Message) -> Verdict:
        """Hand *message* over, and say what became of it; blocks, for Limits.total seconds and a connect at most.

        What a server or a network does is answered by Failed, never raised.
        """
        self._witness = witness = Witness(self._wire)
        accepted = False
        try:
            with witnessed(witness, self._wire.limits.total):
                accepted = self._plugin.notify(notify_type=message.severity.value, **self._converted(message))
        except Exception as error:  # noqa: BLE001 - some of Apprise's 190 plugins trip over answers they do not expect
            witness.words.append(f"{type(error).__name__}: {error}")
        finally:
            self._witness = None
        if accepted:
            return Sent()
        return failed(witness, self._scrub, slack=self.family is Family.SLACK, seen=self._seen)

    def _converted(self, message: Message) -> dict[str, Any]:
        """Return *message* in the format that the plugin sends, as Apprise.notify would give it to the plugin.

        Left to the plugin, Telegram's would take plain text for HTML, and drop what looks like a tag.
        """
        from apprise import NotifyFormat  # noqa: PLC0415 - imported when the channel was opened
        from apprise.conversion import convert_between  # noqa: PLC0415

        markup = self.family in (Family.SLACK, Family.CHAT)
        source = NotifyFormat.MARKDOWN if markup else NotifyFormat.TEXT
        target = self._plugin.resolve_format(source)
        title = message.title
        if self._plugin.title_maxlen <= 0:  # it becomes the body's first line
            title = convert_between(source, target, title)  # type: ignore[no-untyped-call]
        body = convert_between(source, target, message.body)  # type: ignore[no-untyped-call]
        return {"body": body, "title": title, "body_format": target, "body_passthrough": False}

    def hang_up(self, why: str) -> None:
        """End the send that another thread is in, if any: it answers Failed, with *why*, as soon as it wakes."""
        witness = self._witness
        if witness is not None:
            witness.hang_up(why)

    def close(self) -> None:
        """Close the kept connection; nothing is sent any more."""
        self._wire.close()


def open_channel(name: str, url: str, *, ca_bundle: str | None = None, limits: Limits = LIMITS) -> AppriseChannel:
    """Return the channel that *url* describes; blocks (the first call imports Apprise: 0.4 s).  Nothing is sent.

    *ca_bundle* is a file of certificates to trust instead of the system's.  Raises BadChannel.
    """
    _check_options(name, url)
    from watcher.channels.standins import install, is_seen  # noqa: PLC0415 - imports Apprise, which costs 0.4 s
    from watcher.channels.wire import Wire  # noqa: PLC0415 - imports requests

    install()
    wire = Wire(limits, ca_bundle)
    plugin = _plugin(name, url, Witness(wire))
    if len(plugin) > 1:
        raise BadChannel(f"channel {name!r}: its URL has {len(plugin)} targets", _OPTIONS["cc"])
    if _module(plugin) == "email" and not plugin.targets:  # type: ignore[attr-defined]
        raise BadChannel(f"channel {name!r}: its URL has no valid recipient", "give one with ?to=")
    if not plugin.verify_certificate:
        wire.trust_anybody()
    if ca_bundle is not None:
        try:
            _ = wire.tls
        except OSError as error:
            raise BadChannel(f"channel {name!r}: its ca_bundle cannot be used: {ca_bundle}: {error.strerror}") from None
    return AppriseChannel(name, plugin, wire, scrubber(url, _public(plugin)), seen=is_seen(plugin))


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


def _tame(plugin: NotifyBase, family: Family) -> NotifyBase:
    """Switch off what *plugin* would do of its own accord."""
    changes: dict[str, Any] = {
        "throttle": lambda *_, **__: None,  # the lane has a limiter; a sleep here would hold its thread
        "overflow_mode": "truncate",  # a cut message arrives, a refused one does not
    }
    if family is Family.SLACK:
        # The body is written in Slack's own markup; a translation from CommonMark would alter it.
        changes |= {"dialect_convert": lambda body, *_, **__: body, "include_footer": False}
    if family is Family.EMAIL:
        plugin.headers.setdefault("Auto-Submitted", "auto-generated")  # type: ignore[attr-defined]  # RFC 3834
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


def _module(plugin: NotifyBase) -> str:
    """Return the name of *plugin*'s module, which, unlike its schemas, is one."""
    return type(plugin).__module__.split(".")[2]
