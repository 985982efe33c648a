"""Lends Apprise's plugins our way to the network.

Apprise tells its caller whether a message went, but not what the server said; it builds a TLS context for each
message, and sleeps and follows redirects as it likes.  Its 190 plugins have one thing in common: nearly all reach the
network through a module global named ``requests``, and e-mail through one named ``smtplib``.  So these names, in
Apprise's plugin modules and nowhere else, are bound to stand-ins, which use the wire of the channel that is sending in
this thread, and are the real modules in everything else and for everybody else.  A subclass per plugin would have to
repeat each plugin's ``send``; changing the modules ``requests`` or ``smtplib`` themselves would change them for all.
Plugins that use neither (MQTT, XMPP, IRC, ...) work as Apprise made them; of these we know only what Apprise logs.
Not its business: opening and sending (``channel``).
"""

from __future__ import annotations

import functools
import logging
import smtplib
import ssl
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import requests
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email import smtp

from watcher.channels.mail import Smtp, SmtpSsl, noted
from watcher.channels.witness import CURRENT

if TYPE_CHECKING:
    from apprise import NotifyBase

_lock = threading.Lock()


class _StandIn:
    """Is its module in all but what a subclass defines."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._module, name)


class _Requests(_StandIn):
    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        witness = CURRENT.get()
        if witness is None:
            return requests.request(method, url, **options)  # noqa: S113 - the caller's own affair
        return witness.wire.request(witness, method, url, **options)

    def get(self, url: str, params: Any = None, **options: Any) -> requests.Response:  # noqa: ANN401
        return self.request("GET", url, params=params, **options)

    def post(self, url: str, data: Any = None, json: Any = None, **options: Any) -> requests.Response:  # noqa: ANN401
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> requests.Response:  # noqa: ANN401
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> requests.Response:  # noqa: ANN401
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        return self.request("DELETE", url, **options)


class _Smtplib(_StandIn):
    SMTP = Smtp
    SMTP_SSL = SmtpSsl


class _Ssl(_StandIn):
    def create_default_context(self) -> ssl.SSLContext:
        witness = CURRENT.get()
        if witness is None:
            return ssl.create_default_context()
        with noted():
            return witness.wire.tls


class _Listener(logging.Handler):
    """Hands Apprise's warnings to the send that they belong to, and to nobody else: they may hold tokens."""

    def emit(self, record: logging.LogRecord) -> None:
        witness = CURRENT.get()
        if witness is not None:
            witness.words.append(record.getMessage())


def _is_not_ours(_record: logging.LogRecord) -> bool:
    """Whether a record is about somebody else's request.  A filter stays in force whatever levels anybody sets."""
    return CURRENT.get() is None


@functools.cache
def _install() -> None:
    # Imports all the plugins now, so that none comes later with the real names.
    NotificationManager().schemas()  # type: ignore[no-untyped-call]
    for name, module in tuple(sys.modules.items()):
        if name.startswith("apprise.plugins.") and vars(module).get("requests") is requests:
            vars(module)["requests"] = _REQUESTS
    vars(smtp).update(smtplib=_Smtplib(smtplib), ssl=_Ssl(ssl))
    ours = logging.getLogger("apprise")
    ours.handlers = [_Listener(logging.WARNING)]
    ours.setLevel(logging.WARNING)
    ours.propagate = False
    for name in tuple(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("urllib3", "requests"):  # they write out whole URLs
            logging.getLogger(name).addFilter(_is_not_ours)


_REQUESTS = _Requests(requests)


def install() -> None:
    """Put the stand-ins in place, and silence whoever would log a URL; once, from any thread."""
    with _lock:
        _install()


def is_seen(plugin: NotifyBase) -> bool:
    """Whether all that *plugin* sends goes over our wire."""
    homes = [vars(sys.modules[kind.__module__]) for kind in type(plugin).__mro__]
    return any(home.get("requests") is _REQUESTS or home.get("AppriseSMTPController") for home in homes)
