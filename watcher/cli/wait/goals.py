"""What is waited for, and whether a job has come there.  Pure.

Not its business: how the job's state becomes known (``sources``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from watcher.bedrock.customization import STEP_STATUSES, STEPS
from watcher.errors import ExitCode, UsageError
from watcher.model import Outcome, Snapshot

_WORDS = {
    "terminal": frozenset(Outcome) - {Outcome.RUNNING},
    "completed": frozenset({Outcome.SUCCEEDED}),
}
_CODES = {Outcome.SUCCEEDED: ExitCode.DONE, Outcome.STOPPED: ExitCode.JOB_STOPPED}

_SEVERITY = (
    ExitCode.DONE,
    ExitCode.FAILED,
    ExitCode.UNKNOWN_JOB,
    ExitCode.AWS_REFUSED,
    ExitCode.JOB_STOPPED,
    ExitCode.JOB_FAILED,
    ExitCode.TIMED_OUT,
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A job's end of one of these *outcomes*, or, with *step*, a sub-task that has got to *status*."""

    text: str
    outcomes: frozenset[Outcome] = frozenset()
    step: str = ""
    status: str = ""

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Read what ``--for`` says; raises UsageError with all that it may say."""
        if text.lower() in _WORDS:
            return cls(text, _WORDS[text.lower()])
        match = re.fullmatch(r"step:([^=]+)=(.+)", text)
        step = next((one for one in STEPS.values() if match and _plain(one) == _plain(match[1])), "")
        status = next((one for one in STEP_STATUSES if match and one.lower() == match[2].lower()), "")
        if not step or not status:
            steps = ", ".join(one.replace(" ", "-") for one in STEPS.values())
            raise UsageError(
                f"--for {text!r} is nothing to wait for",
                f"say completed, terminal, or step:NAME=STATUS\n    NAME    {steps}\n"
                f"    STATUS  {', '.join(sorted(STEP_STATUSES))}",
            )
        return cls(text, step=step, status=status)

    @property
    def words(self) -> str:
        """What is waited for, in a sentence."""
        return "its end" if self.text.lower() == "terminal" else self.text

    def met(self, snapshot: Snapshot) -> bool:
        """Return whether the job is, or has been, where it is wanted."""
        if not self.step:
            return snapshot.outcome in self.outcomes
        return any(self._reached(step.status) for step in snapshot.steps if step.name == self.step)

    def _reached(self, status: str) -> bool:
        # A sub-task that is over has been under way, though nobody may have looked just then.
        return status == self.status or (self.status == "InProgress" and status in ("Completed", "Stopping"))

    def code(self, snapshot: Snapshot) -> int | None:
        """Return the exit code for a job that is there, or cannot come there any more; None while it may."""
        if self.step and self.met(snapshot):
            return ExitCode.DONE
        if not snapshot.outcome.terminal:
            return None
        code = _CODES.get(snapshot.outcome, ExitCode.JOB_FAILED)
        return ExitCode.FAILED if self.step and code == ExitCode.DONE else code


def worst(codes: Iterable[int]) -> int:
    """Return the most severe of some exit codes."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.DONE)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.lower()).removesuffix("details")
