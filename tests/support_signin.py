"""AWS's sign-in services on loopback, as far as credentials need them: STS, the SSO portal, and its token service.

Real HTTP, AWS's own response shapes.  Sources: botocore's service models sts (2011-06-15, query: XML), sso (2019-06-10,
``GET /federation/credentials``) and sso-oidc (2019-06-10, ``POST /token``); AWS STS API reference, AssumeRole and
GetCallerIdentity, for the examples of answers and of the AccessDenied error; the SSO token cache as the AWS CLI writes
it (aws-cli ``configure sso``, botocore ``SSOTokenLoader``).  Access keys are ASIA and the account's twelve digits, which
the simulated Bedrock takes for a caller of that account.
Not its business: Bedrock (``watcher.simulator``).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from support_receivers import Reply, Request, web_receiver

_XML = {"Content-Type": "text/xml"}
_JSON = {"Content-Type": "application/json"}


@dataclass
class SignIn:
    """All three services.  *lasts* is how long credentials are good, in seconds.

    *denied* are roles that may not be assumed, *tokens* the access tokens of SSO that are good, *refreshable* whether
    its token service gives new ones, *keys* whose a static access key is, *instead* what is done in place of answering
    (``support_receivers``).  *counts* is by operation, *asked* what AssumeRole was asked for, *issued* the session
    tokens that were given, the latest last.
    """

    url: str = ""
    lasts: float = 3600.0
    denied: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    refreshable: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    instead: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    asked: list[dict[str, str]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that is to use these services."""
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in ("STS", "SSO", "SSO_OIDC")}

    def answer(self, request: Request) -> Reply:
        """Answer as the service does that the path is of."""
        place = urlsplit(request.path)
        if self.instead:
            self.counts["nothing"] += 1
            return Reply(instead=self.instead)
        if place.path == "/federation/credentials":
            return self._portal(request, {key: values[0] for key, values in parse_qs(place.query).items()})
        if place.path == "/token":
            return self._token()
        form = {key: values[0] for key, values in parse_qs(request.body).items()}
        self.counts[form["Action"]] += 1
        return self._assume(form) if form["Action"] == "AssumeRole" else self._identity(request)

    def _assume(self, form: dict[str, str]) -> Reply:
        self.asked.append(form)
        role, session = form["RoleArn"], form["RoleSessionName"]
        if role in self.denied:
            message = f"User: arn:aws:iam::123456789012:user/hub is not authorized to perform: sts:AssumeRole on resource: {role}"
            error = f"<Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message>"
            return Reply(403, f"<ErrorResponse><Error>{error}</Error><RequestId>1</RequestId></ErrorResponse>", _XML)
        account = role.split(":")[4]
        key, token, end = self._issue(account)
        return _of_sts(
            "AssumeRole",
            f"<AssumedRoleUser><AssumedRoleId>AROA123:{session}</AssumedRoleId>"
            f"<Arn>arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>testing</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>",
        )

    def _identity(self, request: Request) -> Reply:
        key = request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        account = self.keys.get(key) or key[4:]
        return _of_sts(
            "GetCallerIdentity",
            f"<Arn>arn:aws:iam::{account}:user/watch</Arn><UserId>AIDA123</UserId><Account>{account}</Account>",
        )

    def _portal(self, request: Request, query: dict[str, str]) -> Reply:
        self.counts["GetRoleCredentials"] += 1
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-amz-sso_bearer_token") not in self.tokens:
            error = {
                "message": "Session token not found or invalid",
                "__type": "com.amazonaws.switchboard.portal#UnauthorizedException",
            }
            return Reply(401, json.dumps(error), _JSON | {"x-amzn-ErrorType": "UnauthorizedException"})
        key, token, end = self._issue(query["account_id"])
        given = {"accessKeyId": key, "secretAccessKey": "testing", "sessionToken": token}
        return Reply(200, json.dumps({"roleCredentials": given | {"expiration": int(end.timestamp() * 1000)}}), _JSON)

    def _token(self) -> Reply:
        self.counts["CreateToken"] += 1
        if not self.refreshable:
            error = {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}
            return Reply(400, json.dumps(error), _JSON | {"x-amzn-ErrorType": "InvalidGrantException"})
        token = f"fresh-{self.counts['CreateToken']}"
        self.tokens.add(token)
        return Reply(
            200,
            json.dumps({"accessToken": token, "expiresIn": 28_800, "tokenType": "Bearer", "refreshToken": "again"}),
            _JSON,
        )

    def _issue(self, account: str) -> tuple[str, str, datetime]:
        self.issued.append(f"session-{len(self.issued) + 1}")
        return f"ASIA{account}", self.issued[-1], datetime.now(UTC) + timedelta(seconds=self.lasts)


def _of_sts(operation: str, result: str) -> Reply:
    return Reply(
        200,
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>{result}'
        f"</{operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>",
        _XML,
    )


@contextmanager
def sign_in() -> Iterator[SignIn]:
    """Serve the three at one address."""
    service = SignIn()
    with web_receiver() as receiver:
        service.url = receiver.url
        receiver.answer = service.answer
        yield service


@dataclass
class Files:
    """A home with AWS's files in it, as a user of the daemon would have them."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process of that user: no credentials but those of the files."""
        aws = self.home / ".aws"
        return {
            "HOME": str(self.home),
            "AWS_CONFIG_FILE": str(aws / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials"),
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }

    def config(self, text: str) -> None:
        """Write ``~/.aws/config``."""
        self._write("config", text)

    def key(self, access_key: str, token: str = "", profile: str = "default") -> None:
        """Write ``~/.aws/credentials`` with one profile."""
        session = f"aws_session_token = {token}\n" if token else ""
        self._write(
            "credentials",
            f"[{profile}]\naws_access_key_id = {access_key}\naws_secret_access_key = testing\n{session}",
        )

    def no_key(self) -> None:
        """Take ``~/.aws/credentials`` away."""
        (self.home / ".aws" / "credentials").unlink(missing_ok=True)

    def log_in(self, start: str, token: str, seconds: float, **more: str) -> None:
        """Do what ``aws sso login`` does at its end: write the access token of *start* (a session, or a start URL)."""
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        found = {"startUrl": "https://sso.example.com/start", "region": "us-east-1", "accessToken": token}
        found |= {"expiresAt": f"{end:%Y-%m-%dT%H:%M:%SZ}"} | more
        self._write(f"sso/cache/{hashlib.sha1(start.encode()).hexdigest()}.json", json.dumps(found))  # noqa: S324

    def log_out(self) -> None:
        """Do what ``aws sso logout`` does."""
        for file in (self.home / ".aws" / "sso" / "cache").glob("*.json"):
            file.unlink()

    def _write(self, name: str, text: str) -> None:
        file = self.home / ".aws" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
