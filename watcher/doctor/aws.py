"""AWS: who we are there, whether the region can be reached, and whether we may Get and List.

Nothing is changed by it: the same questions as the watch asks, and STS's GetCallerIdentity, which needs no permission.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from watcher.bedrock.client import Keys, Look, endpoint_of
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.kind import Kind
from watcher.doctor.finding import Finding, Grade
from watcher.errors import ExitCode, LookError, LookFault

CHECK = "aws"

PATIENCE = 25.0
"""Seconds that one question to AWS may take here; the watch itself is more patient."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where AWS is asked: with *whose* credentials, in which region, for jobs of which kind.

    *account* is whose jobs they are and *job* one that is watched there; each is empty when there is none to name.
    """

    whose: Credentials
    region: str
    kind: Kind
    account: str = ""
    job: str = ""

    @property
    def title(self) -> str:
        """Its name for people."""
        whose = f", account {self.account}" if self.account else ""
        return f"{self.region}{whose}, with {self.whose.who}"


async def check_region(keys: Keys, region: str) -> AsyncIterator[Finding]:
    """Look up the region's endpoint, and connect to it."""
    subject = f"endpoint of {region}"
    if not keys.settings.verify_ssl:
        what = "aws.verify_ssl = false: any server on the network path can pose as AWS, and receives the credentials"
        yield Finding(CHECK, subject, Grade.WARN, what, "set aws.ca_bundle to the server's authority instead")
    try:
        url = endpoint_of(region, keys.settings, keys.whose)
    except LookError as error:
        yield _refusal(subject, error)
        return
    try:
        host, port = urlsplit(url).hostname or "", urlsplit(url).port or (80 if url.startswith("http:") else 443)
    except ValueError as error:
        remedy = "check AWS_ENDPOINT_URL, and endpoint_url in ~/.aws/config"
        yield Finding(CHECK, subject, Grade.FAIL, f"{url} is no URL: {error}", remedy, ExitCode.AWS_REFUSED)
        return
    try:
        with anyio.fail_after(PATIENCE):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            async with await anyio.connect_tcp(host, port):
                pass
    except TimeoutError:
        what = f"{host}:{port} does not answer within {PATIENCE:g} s"
    except socket.gaierror as error:
        what = f"no address for {host}: {error.strerror}"
    except OSError as error:
        what = f"cannot connect to {host}:{port}: {error.__cause__ or error}"
    else:
        yield Finding(CHECK, subject, Grade.OK, f"{host}:{port} answers at {found[0][4][0]}")
        return
    if _by_proxy(url):
        yield Finding(CHECK, subject, Grade.UNKNOWN, f"{what}; a proxy is in use, which may reach it", "see the proxy")
        return
    remedy = "check the region's name, the machine's DNS and network, and aws.endpoint_url"
    yield Finding(CHECK, subject, Grade.FAIL, what, remedy, ExitCode.AWS_REFUSED)


async def check_identity(keys: Keys, region: str, accounts: frozenset[str]) -> AsyncIterator[Finding]:
    """Find the credentials, and ask AWS whose they are; *accounts* are those of the jobs that they are used for."""
    subject = f"identity of {keys.whose.who}"
    if not keys.settings.sign:
        remedy = "aws.sign = false is for a simulated Bedrock only"
        yield Finding(CHECK, subject, Grade.UNKNOWN, "requests are not signed", remedy)
        return
    try:
        await keys.client(region)
    except LookError as error:
        yield _refusal(subject, error)
        return
    if keys.bearer:
        what = (
            "the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is used, and AWS does not say which account it belongs to"
        )
        yield Finding(CHECK, subject, Grade.UNKNOWN, what, "check that it belongs to the account of your jobs")
        return
    found = await keys.identity(region)
    if found is None:
        remedy = "see that STS can be reached from here; the watch itself does not need it"
        yield Finding(CHECK, subject, Grade.UNKNOWN, "AWS does not say who this is", remedy)
        return
    strangers = sorted(accounts - {found.account})
    if not strangers:
        yield Finding(CHECK, subject, Grade.OK, f"{found.arn}, account {found.account}")
    for account in strangers:
        what = f"{found.arn} is of account {found.account}, and jobs of account {account} are asked for with it"
        remedy = f'use credentials of that account: an [[account]] table with id = "{account}", or a job\'s own profile'
        yield Finding(CHECK, subject, Grade.FAIL, what, remedy, ExitCode.AWS_REFUSED)


async def check_permissions(keys: Keys, place: Place) -> AsyncIterator[Finding]:
    """List jobs, and Get one that is watched, if there is one."""
    look = Look(place.kind, place.region, keys, account=place.account)
    allowed: list[str] = []
    problems = [await _list(look, place, allowed)] if place.kind.listed else []  # the others are never listed
    problems.append(await _get(look, place, allowed))
    if allowed:
        yield Finding(CHECK, place.title, Grade.OK, f"allowed: {', '.join(allowed)}")
    for problem in problems:
        if problem is not None:
            yield problem


async def _list(look: Look, place: Place, allowed: list[str]) -> Finding | None:
    """Return what is wrong with listing; None when nothing is, and the operation is *allowed*."""
    subject, operation = place.title, place.kind.list_operation
    try:
        with anyio.fail_after(PATIENCE):
            await look.page(0.0, None)
    except TimeoutError:
        return _late(subject, operation)
    except LookError as error:
        if error.fault is not LookFault.DENIED:
            return _refusal(subject, error)
        # The watch does without: it asks for each job by Get.
        what = f"{operation} is denied: each job costs a call of its own"
        return Finding(CHECK, subject, Grade.WARN, what, error.remedy)
    allowed.append(operation)
    return None


async def _get(look: Look, place: Place, allowed: list[str]) -> Finding | None:
    """Return what is wrong with getting a job; None when nothing is, and the operation is *allowed*."""
    subject, operation = place.title, place.kind.get_operation
    if not place.job:
        what = f"no job is watched there, so {operation} was not tried"
        return Finding(CHECK, subject, Grade.UNKNOWN, what, f"allow bedrock:{operation}, and ask again with a job")
    try:
        with anyio.fail_after(PATIENCE):
            await look.get(place.job)
    except TimeoutError:
        return _late(subject, operation)
    except LookError as error:
        if error.fault is not LookFault.NOT_FOUND:
            return _refusal(subject, error)
        what = f"{operation} is allowed, and finds no job {place.job}"
        return Finding(CHECK, subject, Grade.WARN, what, error.remedy)
    allowed.append(operation)
    return None


def _refusal(subject: str, error: LookError) -> Finding:
    return Finding(CHECK, subject, Grade.FAIL, error.what, error.remedy, ExitCode.AWS_REFUSED)


def _late(subject: str, operation: str) -> Finding:
    what = f"{operation} has no answer within {PATIENCE:g} s"
    return Finding(CHECK, subject, Grade.FAIL, what, "check the network, and any proxy", ExitCode.AWS_REFUSED)


def _by_proxy(url: str) -> bool:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - only for an error

    parts = urlsplit(url)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")
