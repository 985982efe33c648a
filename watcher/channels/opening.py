"""Opens a channel: from an Apprise URL to one plugin with one target, tamed; or an error that shows no secret.

Not its business: sending (``channel``), where the URL comes from (``config``).
"""

from __future__ import annotations

import codecs
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from urllib.request import getproxies

from watcher.channels.asked import ignored
from watcher.channels.channel import AppriseChannel
from watcher.channels.confirmation import confirms, query_of
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

ALERTS_BY_ACTION = frozenset({"jira", "opsgenie"})
"""Modules whose plugins map each severity to an action; of these only "new" creates an alert."""

_OUR_HEADERS = frozenset({"content-type", "date", "from", "message-id", "mime-version", "sender", "subject", "to"})

_MISSING = "install bedrock-watch again: a part of it, or of Apprise, is missing"

_LATER = ("netrc", "watcher.channels.verdict", "watcher.channels.wire")
"""Modules that are imported by functions only: requests' and ours."""

_CODECS = ("ascii", "us-ascii", "utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso-8859-1", "idna", "punycode")
"""Encodings of headers, host names and texts, by each name in use: Python imports a codec when it is first used."""

_MANUAL = "how each service's URL is written: https://appriseit.com/services/"


def open_channel(name: str, url: str, *, ca_bundle: str | None = None, limits: Limits = LIMITS) -> AppriseChannel:
    """Return the channel that *url* describes; blocks (the first call imports Apprise: 0.4 s).  Nothing is sent.

    *ca_bundle* is a file of certificates to trust instead of the system's.  Raises BadChannel.
    """
    _check_options(name, url)
    try:
        return _opened(name, url, ca_bundle, limits)
    except BadChannel:
        raise
    except Exception as error:  # noqa: BLE001 - one channel's fault never ends the daemon
        # Too few descriptors, a deleted directory, a package that is half installed: this channel's fault alone.  Of
        # an error only what the system says of it, since the words of others may hold the URL.
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        what = f"channel {name!r}: it cannot be opened: {why}"
        raise BadChannel(
            what, _MISSING if isinstance(error, ImportError) else "put that right, and try again"
        ) from None


def prepare() -> None:
    """Import all that opening a channel and sending by it need; blocks (0.4 s).

    What a process has imported is there when the program's files are replaced or no descriptor is left.  Raises what
    an import raises, and may be called again then.
    """
    for module_name in _LATER:
        import_module(module_name)
    for encoding in _CODECS:
        codecs.lookup(encoding)
    from watcher.channels.standins import install  # noqa: PLC0415 - imports Apprise

    install()


def _opened(name: str, url: str, ca_bundle: str | None, limits: Limits) -> AppriseChannel:
    """Return the channel; raises BadChannel, and whatever Apprise or the system raises."""
    from watcher.channels.standins import install, is_seen  # noqa: PLC0415 - imports Apprise, which costs 0.4 s
    from watcher.channels.verdict import Judge  # noqa: PLC0415 - imports requests
    from watcher.channels.wire import Wire  # noqa: PLC0415 - imports requests

    install()
    url, greeting = _greeting(name, url)
    wire = Wire(limits, ca_bundle, greeting)
    plugin = _plugin(name, url, Witness(wire))
    _check_headers(name, plugin)
    if len(plugin) > 1:
        raise BadChannel(f"channel {name!r}: its URL has {len(plugin)} targets", _OPTIONS["cc"])
    if module(plugin) == "email" and not plugin.targets:  # type: ignore[attr-defined]
        raise BadChannel(f"channel {name!r}: its URL has no valid recipient", "give one with ?to=")
    if module(plugin) in ALERTS_BY_ACTION and plugin.action not in ("map", "new"):  # type: ignore[attr-defined]
        what = f"channel {name!r}: its URL's action = {plugin.action!r} creates no alert"  # type: ignore[attr-defined]
        raise BadChannel(what, "remove the action, so that each message creates an alert")
    if fault := ignored(url, plugin):
        raise BadChannel(f"channel {name!r}: {fault[0]}", fault[1])
    if not plugin.verify_certificate:
        wire.trust_anybody()
    if ca_bundle is not None:
        try:
            _ = wire.tls
        except OSError as error:
            raise BadChannel(f"channel {name!r}: its ca_bundle cannot be used: {ca_bundle}: {error.strerror}") from None
    scrub = scrubber(url, _public(plugin), _proxy_logins())
    rules = refusals_of(module(plugin), str(getattr(plugin, "mode", "")))
    judge = Judge(scrub, rules, is_seen(plugin), service(plugin).pause_unit)
    return AppriseChannel(name, _tame(plugin, url), wire, judge, confirmed=confirms(url))


def _greeting(name: str, url: str) -> tuple[str, str]:
    """Return *url* without its option ``ehlo``, and that: what to greet a mail server with (RFC 5321, 4.1.1.1)."""
    address, mark, query = url.partition("?")
    pairs = [pair for pair in query.split("&") if pair.partition("=")[0].lower() != "ehlo"]
    greeting = query_of(url).get("ehlo", "") if url.lower().startswith("mailto") else ""
    if not greeting:
        return url, ""
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,255}|\[[A-Za-z0-9.:]{2,60}\]", greeting):
        remedy = "give a host name, or an address in brackets: ehlo=[192.0.2.1]"
        raise BadChannel(f"channel {name!r}: its URL's ehlo is no name of a host", remedy)
    return address + (mark if pairs else "") + "&".join(pairs), greeting


def _packages(plugin: Any) -> str:  # noqa: ANN401 - Apprise's plugins describe themselves in dictionaries
    """Return the packages that *plugin* lacks, as pip wants them."""
    packages = plugin.requirements.get("packages_required") or []
    named = [packages] if isinstance(packages, str) else packages
    return " ".join(f"'{one}'" if " " in one or "<" in one or ">" in one else one for one in named)


def _proxy_logins() -> list[str]:
    """Return the logins of the environment's proxies: a proxy may repeat them."""
    return [proxy.rpartition("@")[0].rpartition("/")[2] for proxy in getproxies().values() if "@" in proxy]


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
    known = apprise.manager_plugins.NotificationManager()  # type: ignore[no-untyped-call]
    if service in known and not known[service].enabled:
        packages = _packages(known[service])
        what = f"channel {name!r}: {service} URLs need {packages or 'a system that can show messages'}"
        raise BadChannel(what, f"install it beside bedrock-watch: pip install {packages}" if packages else "")
    if complaint:
        raise BadChannel(f"channel {name!r}: Apprise refuses its {service} URL", scrubber(url)(complaint))
    # Apprise's own words would be the URL, masked in its way.
    if service in known:
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


def _tame(plugin: NotifyBase, url: str) -> NotifyBase:
    """Switch off what *plugin* would do of its own accord, and have a message confirmed where *url* leaves it open."""
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
    if module(plugin) in ALERTS_BY_ACTION:
        # Apprise's defaults (a note, a close) send no request when they find no alert of the same title.
        unmapped = [kind for kind in plugin.mapping if f":{kind.value}" not in query_of(url)]  # type: ignore[attr-defined]
        changes["mapping"] = plugin.mapping | dict.fromkeys(unmapped, "new")  # type: ignore[attr-defined]
    if module(plugin) == "mqtt" and "qos" not in query_of(url):
        changes["qos"] = 1  # at least once; with Apprise's 0 nobody would know
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
