"""STS on loopback, as far as the doctor asks it, which is who we are.

The answers are those of the AWS STS API reference, GetCallerIdentity, "Examples" (an AWS query service: XML).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from support_receivers import Reply, Request, web_receiver

_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{account}:user/Alice</Arn>
    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
    <Account>{account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>"""

_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>InvalidClientTokenId</Code>
    <Message>The security token included in the request is invalid.</Message>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>"""


@dataclass
class Sts:
    """The service; *account* is what it says the caller is of, and without one it refuses."""

    account: str
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.asked += parse_qs(request.body)["Action"]
        headers = {"Content-Type": "text/xml"}
        if not self.account:
            return Reply(403, _REFUSAL, headers)
        return Reply(200, _IDENTITY.format(account=self.account), headers)


@contextmanager
def sts(account: str) -> Iterator[Sts]:
    """Serve it."""
    service = Sts(account)
    with web_receiver() as receiver:
        service.url, receiver.answer = receiver.url, service
        yield service
