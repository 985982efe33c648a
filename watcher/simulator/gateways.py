"""Responses of proxies, gateways and other servers in place of AWS, as seen in public bug reports.

Sources: a filtering proxy's page (Squid's ERR_ACCESS_DENIED), Envoy's RBAC filter, Amazon API Gateway ("Missing
Authentication Token", {"message": "Forbidden"}), Kong ("no Route matched with those values"), a captive portal's
redirect; boto/botocore#2463 and #908 (bodies that are JSON, and no object).
Not its business: AWS's own errors (``refusals``), and whom they hit (``faults``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

_JSON, _HTML, _TEXT, _XML = "application/json", "text/html", "text/plain", "application/xml"


class Fixed(NamedTuple):
    """An answer that does not depend on the job."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = {}


def _page(title: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


_NO_BUCKET = b'<?xml version="1.0"?><Error><Code>ResourceNotFoundException</Code><Message>none</Message></Error>'
_UNKNOWN = b'{"__type": "UnknownOperationException", "message": "The requested operation is not recognized."}'

ANSWERS: Final[Mapping[str, Fixed]] = {
    "html_ok": Fixed(200, _HTML, _page("Sign in to the guest network")),
    "empty_ok": Fixed(200, _JSON, b""),
    "null_ok": Fixed(200, _JSON, b"null"),
    "json_ok": Fixed(200, _JSON, b'{"status": "UP"}'),
    "redirect": Fixed(302, _HTML, b"", {"Location": "http://127.0.0.1:9/sign-in"}),
    "nested_bad_request": Fixed(400, _JSON, b"[" * 100_000),
    "code_list": Fixed(400, _JSON, b'{"code": ["a"]}'),
    "json_forbidden": Fixed(403, _JSON, b'{"message": "Forbidden"}'),
    "text_forbidden": Fixed(403, _TEXT, b"RBAC: access denied"),
    "html_forbidden": Fixed(403, _HTML, _page("ERROR: The requested URL could not be retrieved")),
    "html_not_found": Fixed(404, _HTML, _page("404 Not Found")),
    "json_not_found": Fixed(404, _JSON, b'{"message": "no Route matched with those values"}'),
    "xml_not_found": Fixed(404, _XML, _NO_BUCKET),
    "empty_not_found": Fixed(404, _TEXT, b""),
    "unknown_operation": Fixed(404, _JSON, _UNKNOWN),
    "proxy_sign_in": Fixed(407, _HTML, _page("Proxy Authentication Required"), {"Proxy-Authenticate": "Basic"}),
    "html_bad_gateway": Fixed(502, _HTML, b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "text_unavailable": Fixed(503, _TEXT, b"upstream connect error or disconnect/reset before headers"),
    "malformed": Fixed(200, _JSON, b'{"jobName": "nova", "status": InProgress}'),
    "not_utf8": Fixed(200, _JSON, b'{"jobName": "\xff\xfe", "status": "Failed"}'),
    "wrong_type": Fixed(200, _JSON, b'["InProgress"]'),
}
"""Every such answer, by the word of its fault (``faults.Kind``)."""
