"""One thing that was looked at, and how it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from watcher.errors import ExitCode


class Grade(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "not checkable here"


@dataclass(frozen=True, slots=True)
class Finding:
    """*what* was found by *check* of *subject*; *remedy* is what to do, *code* the exit code of a failure."""

    check: str
    subject: str
    grade: Grade
    what: str
    remedy: str = ""
    code: int = ExitCode.FAILED

    def dump(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return asdict(self)

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> Finding:
        """Return the finding that was dumped."""
        return cls(**{**dumped, "grade": Grade(dumped["grade"])})


_SEVEREST = (
    ExitCode.BAD_CONFIG,
    ExitCode.AWS_REFUSED,
    ExitCode.DELIVERY_FAILED,
    ExitCode.NOT_RUNNING,
    ExitCode.FAILED,
)
"""Exit codes, the one first that keeps more from working."""


def verdict(findings: Iterable[Finding]) -> int:
    """Return the exit code of the most severe failure; DONE when there is none."""
    codes = {finding.code for finding in findings if finding.grade is Grade.FAIL}
    return next((code for code in _SEVEREST if code in codes), ExitCode.DONE)
