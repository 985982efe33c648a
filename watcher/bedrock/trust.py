"""Which certificates connections to AWS accept, and one TLS context that also verifies the host's name.

Not its business: sending requests (``bedrock.transport``, ``bedrock.blocking``).
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any

from botocore.exceptions import HTTPClientError
from botocore.httpsession import create_urllib3_context, get_cert_path

from watcher.bedrock.settings import Settings


class UnusableBundle(HTTPClientError):  # type: ignore[misc]
    """A file of certificates cannot be read, or holds none."""

    fmt = "cannot use the certificates in {path}: {problem}"


def verification(session: Any, settings: Settings) -> str | bool:  # noqa: ANN401 - botocore is untyped
    """Return what botocore calls ``verify``: a file of certificates, True for the usual ones, False for any server.

    ``[aws] ca_bundle`` comes first, then what the SDK reads: AWS_CA_BUNDLE, the profile's ca_bundle and
    REQUESTS_CA_BUNDLE (AWS SDKs and Tools Reference Guide, "General configuration settings"; botocore's
    ``EndpointCreator._get_verify_value``).  An empty variable is no setting: to botocore it means "verify nothing".
    """
    if not settings.verify_ssl:
        return False
    named = session.get_config_variable("ca_bundle")
    return settings.ca_bundle or named or os.environ.get("REQUESTS_CA_BUNDLE") or True


def trusting(verify: str | bool) -> ssl.SSLContext:  # noqa: FBT001 - the SDK's own word
    """Return the TLS context for direct and proxied connections alike; raises UnusableBundle.

    With True the SDK's own certificates and the system's store are trusted (SSL_CERT_FILE and SSL_CERT_DIR included),
    as with ``curl``; with a file only those in it.  Reading takes 20 ms, so it is done once for each content.
    """
    path = get_cert_path(verify)
    system = ssl.get_default_verify_paths().cafile if verify is True else None
    try:
        return _context(path, Path(path).stat().st_mtime_ns, system, _changed_at(system))
    except OSError as error:  # ssl.SSLError is one
        problem = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnusableBundle(path=path, problem=problem) from error


def tls_problem(error: BaseException) -> ssl.SSLError | None:
    """Return the error of TLS that led to *error*; None when there is none."""
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, ssl.SSLError):
        reason = reason.__cause__ or reason.__context__
    return reason


def _changed_at(path: str | None) -> int:
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0


@lru_cache(4)
def _context(certificates: str, changed_at: int, system: str | None, system_changed_at: int) -> ssl.SSLContext:
    del changed_at, system_changed_at  # parts of the key
    context: ssl.SSLContext = create_urllib3_context()
    # botocore leaves the name to urllib3, which checks it by itself; aiohttp leaves it to the context.
    context.check_hostname = True
    context.load_verify_locations(certificates)
    if system is not None:
        context.load_default_certs()
    return context
