"""What can go wrong, by name.

Each error says what happened, to what, and what next; each knows the exit code that the command line answers
with.  Not its business: how an SDK's exceptions become these (``bedrock.errors``, ``channels``).
"""

from __future__ import annotations

import json
from enum import StrEnum


class ExitCode:
    """The exit codes of the contract with people.  Of several, the most severe wins."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    UNKNOWN_JOB = 4
    AWS_REFUSED = 5
    DELIVERY_FAILED = 6
    JOB_FAILED = 10
    JOB_STOPPED = 11
    BUG = 70
    BAD_CONFIG = 78
    TIMED_OUT = 124
    INTERRUPTED = 130


class CliCode:
    """The exit codes of the AWS CLI (version 2), which ``get`` keeps.

    Source: AWS CLI User Guide, "Command line return codes".
    """

    USAGE = 252
    CONFIGURATION = 253
    SERVICE = 254
    OTHER = 255


class WatchError(Exception):
    """An error that a person is told about: *what* happened, and *remedy*, what to do next."""

    exit_code: int = ExitCode.FAILED

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  {self.remedy}" if self.remedy else self.what


class UsageError(WatchError):
    """The words given on the command line cannot be carried out."""

    exit_code = ExitCode.USAGE


class BadIdentifier(UsageError):
    """Neither a Bedrock job's ARN nor a job's name."""


class UnknownJob(WatchError):
    """No job of that identifier is known here."""

    exit_code = ExitCode.UNKNOWN_JOB


class NotRunning(WatchError):
    """The daemon does not run, or does not answer."""

    exit_code = ExitCode.NOT_RUNNING


class BadConfig(WatchError):
    """The configuration cannot be used; *what* names each mistake with file, key and remedy."""

    exit_code = ExitCode.BAD_CONFIG


class CallError(WatchError):
    """A call in the manner of the AWS CLI failed; *exit_code* is the one that the AWS CLI would give.

    *name* is the AWS CLI's code for the error, empty when it has none.  *message* is *what* without the code and the
    operation, where AWS itself refused.
    """

    def __init__(self, exit_code: int, what: str, name: str = "", message: str | None = None) -> None:
        super().__init__(what)
        self.exit_code = exit_code
        self.name = name or {CliCode.USAGE: "ParamValidation", CliCode.CONFIGURATION: "Configuration"}.get(
            exit_code, ""
        )
        self.message = what if message is None else message


class StoreError(WatchError):
    """The database cannot be used: not ours, too new, damaged or not permitted.

    *passing*: it may be usable again without anybody having touched it (the disk is full, another process locks it).
    """

    def __init__(self, what: str, remedy: str = "", *, passing: bool = False) -> None:
        super().__init__(what, remedy)
        self.passing = passing


WRONG_ACCOUNT = "WrongAccount"
"""The code of a LookError: the credentials are good, and another account's than that of the jobs."""


class LookFault(StrEnum):
    """Why AWS could not be asked, or did not answer usefully."""

    NOT_FOUND = "not_found"  # ResourceNotFoundException
    DENIED = "denied"  # AccessDeniedException on the operation itself
    CREDENTIALS = "credentials"  # none, expired, revoked, malformed, or may not be assumed
    THROTTLED = "throttled"  # ThrottlingException and its kin
    NETWORK = "network"  # no connection, no name, or no answer within the deadline
    SERVER = "server"  # 5xx
    MALFORMED = "malformed"  # an answer of AWS's that cannot be read, or is not as documented
    ENDPOINT = "endpoint"  # another server answers in AWS's place: a proxy, a gateway, a wrong endpoint_url
    SETTINGS = "settings"  # the SDK refuses its settings: an endpoint, a region or a proxy that cannot be
    INVALID = "invalid"  # ValidationException


class LookError(WatchError):
    """One look at AWS failed.

    *fault* is its class, *code* AWS's own ``Error.Code`` (or the SDK exception's name), *reason* its text and
    *retry_after* how many seconds AWS asked us to wait.
    """

    exit_code = ExitCode.AWS_REFUSED

    def __init__(self, fault: LookFault, code: str, reason: str, remedy: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(f"{code}: {reason}" if reason else code, remedy)
        self.fault = fault
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    @property
    def of_scope(self) -> bool:
        """Whether every job behind the same credentials and endpoint must fail alike."""
        return self.fault in (LookFault.CREDENTIALS, LookFault.NETWORK, LookFault.ENDPOINT, LookFault.SETTINGS)

    def dump(self) -> str:
        """Return the error as a JSON text, which the store keeps until a look succeeds."""
        told = {"fault": self.fault, "code": self.code, "reason": self.reason, "remedy": self.remedy}
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> LookError:
        """Return the error that was dumped to *text*; if it is unreadable, an error that says so."""
        try:
            told = json.loads(text)
            code, reason, remedy = (str(told[name]) for name in ("code", "reason", "remedy"))
            return cls(LookFault(told["fault"]), code, reason, remedy)
        except (ValueError, KeyError, TypeError, RecursionError):
            # Others can write the database and the status file.
            return cls(LookFault.MALFORMED, "Unreadable", "what was recorded of it cannot be read")
