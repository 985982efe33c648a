"""The words that people write for jobs and events, and what they mean.

Apart from ``model`` because the configuration needs no more of it, and importing the rest is a fifth of what a short
command costs.  Not its business: whether AWS knows such a job (``bedrock``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from watcher.errors import BadIdentifier

CUSTOMIZATION = "model-customization-job"
"""The ARN resource type, and our kind, of fine-tuning, distillation and continued pre-training jobs."""

IMPORT = "model-import-job"
INVOCATION = "model-invocation-job"
EVALUATION = "evaluation-job"
COPY = "model-copy-job"
DEPLOYMENT = "custom-model-deployment"
PROVISIONED = "provisioned-model"
PROMPT = "advanced-prompt-optimization-job"

FINDING = " (new jobs)"
"""Ends the key of the scope that stands for finding new jobs in another scope (``model.Job.scope``)."""

NOUNS = {
    CUSTOMIZATION: "customization job",
    IMPORT: "import job",
    INVOCATION: "batch inference job",
    EVALUATION: "evaluation job",
    COPY: "copy job",
    DEPLOYMENT: "deployment",
    PROVISIONED: "provisioned model",
    PROMPT: "prompt optimization job",
}
"""Every kind of job that is watched, by its ARN resource type, and what people call one of it."""

ARN_HINT = (
    "expected arn:aws:bedrock:<region>:<account>:<kind>/<id>, as the Bedrock console shows it (<kind> is one of"
    f" {', '.join(NOUNS)}); for a job's name, add --region"
)

# Amazon Bedrock API reference, GetModelCustomizationJob, jobIdentifier.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9+\-.])*")
_ID = re.compile(r"[a-z0-9]{12}")
_UNDERSCORED = re.compile(r"([0-9a-zA-Z][_-]?)+")
_WORDS = {
    CUSTOMIZATION: _NAME,
    IMPORT: _NAME,
    INVOCATION: _ID,
    DEPLOYMENT: _UNDERSCORED,
    PROVISIONED: _UNDERSCORED,
    PROMPT: _ID,
}
"""What a Get accepts beside an ARN.  Source: Amazon Bedrock API reference, the identifiers of the Get operations."""

NAMED = tuple(_WORDS)
"""The kinds whose jobs may be given by a word: a name, or an id where AWS takes that alone."""
_PARTITION = re.compile(r"aws(-[a-z0-9]+)*")
_REGION = re.compile(r"[a-z0-9-]{1,20}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*[A-Za-z0-9]|[A-Za-z0-9]")
_USUAL_RESOURCE = re.compile(r"[a-z0-9-]{1,63}\.[a-z0-9.-]{1,190}(:[a-z0-9-]{1,63}){0,2}/[a-z0-9]{12}")
_MAX_ARN, _MAX_NAME = 1011, 63


def is_region(text: str) -> bool:
    """Return whether *text* is a valid region name."""
    return _REGION.fullmatch(text) is not None


def scope_key(profile: str, account: str, region: str, kind: str) -> str:
    """Return the key of the jobs that share credentials, account, region and kind; *account* ``-`` is not known."""
    return f"{profile or 'default'}@{account}/{region}/{kind}"


def account_scope(scope: str) -> str:
    """Return the key of the scope of a whole account, to which that of one region and kind belongs."""
    return f"{scope.rsplit('/', 2)[0]}/*/*"


EVENTS = (
    "appeared",
    "step",
    "status",
    "completed",
    "partially_completed",
    "failed",
    "expired",
    "stopped",
    "failure_message",
    "field",
    "vanished",
    "watch_lost",
    "watch_regained",
    "delivery_dead",
    "channel_stuck",
    "gap",
    "crash",
    "operator",
    "overdue",
    "stalled",
    "queued",
    "stopping",
)
"""The names that a channel's ``on`` may list."""

QUIET_EVENTS = frozenset({"appeared", "field", "operator"})
"""What a channel is not told unless its ``on`` asks for it."""

DEFAULT_EVENTS = frozenset(EVENTS) - QUIET_EVENTS


@dataclass(frozen=True, slots=True)
class JobArn:
    """The parts of a Bedrock job's ARN; *path* is what follows ``<kind>/``."""

    partition: str
    region: str
    account: str
    kind: str
    path: str

    @classmethod
    def parse(cls, text: str) -> JobArn:
        """Read an ARN liberally: the model segment may be absent, the partition may be any of AWS's.

        Raises BadIdentifier when it is not a Bedrock job's ARN.
        Source: Amazon Bedrock API reference (pattern of jobArn), AWS EventBridge samples (no model segment).
        """
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or parts[2] != "bedrock" or len(text) > _MAX_ARN:
            raise BadIdentifier(f"not a Bedrock job ARN: {text!r}", ARN_HINT)
        _, partition, _, region, account, resource = parts
        kind, _, path = resource.partition("/")
        for value, pattern, name in (
            (partition, _PARTITION, "partition"),
            (region, _REGION, "region"),
            (account, _ACCOUNT, "account (12 digits)"),
            (path, _RESOURCE, "job id"),
        ):
            if not pattern.fullmatch(value):
                raise BadIdentifier(f"not a Bedrock job ARN: {text!r}: its {name} is {value!r}", ARN_HINT)
        if kind not in NOUNS:
            raise BadIdentifier(f"not a kind of job: {kind!r}, in {text!r}", f"watched are {', '.join(NOUNS)}")
        return cls(partition, region, account, kind, path)

    @property
    def id(self) -> str:
        """The job's own id: what follows the last ``/``."""
        return self.path.rpartition("/")[2]

    def same_job(self, other: JobArn) -> bool:
        """Whether *other* names the same job: AWS's own samples leave the model segment out of the path."""
        mine, its = (replace(one, path=one.id) for one in (self, other))
        return mine == its

    @property
    def usual(self) -> bool:
        """Whether the ARN has the exact shape that AWS documents."""
        pattern = _USUAL_RESOURCE if self.kind == CUSTOMIZATION else _ID
        return pattern.fullmatch(self.path) is not None

    def __str__(self) -> str:
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:{self.kind}/{self.path}"


_ABSENT = frozenset({"None", "null"})


def parse_identifier(text: str, kind: str = CUSTOMIZATION) -> JobArn | str:
    """Return a JobArn, or the text itself when it is a word that names a job of that *kind*.

    Raises BadIdentifier, so that nothing malformed is ever sent: botocore would send an empty one as a List.
    """
    if not text:
        raise BadIdentifier("an empty job identifier", ARN_HINT)
    if text.startswith("arn:"):
        return JobArn.parse(text)
    if text in _ABSENT:
        raise BadIdentifier(f"{text!r} is what the AWS CLI and jq print where there is no value", "check the --query")
    pattern = _WORDS.get(kind)
    if pattern is None:
        raise BadIdentifier(f"{text!r}: AWS finds a {kind} by its ARN alone", ARN_HINT)
    if len(text) > _MAX_NAME or not pattern.fullmatch(text):
        raise BadIdentifier(f"neither a Bedrock job ARN nor {_called(kind)}: {text!r}", ARN_HINT)
    return text


def _called(kind: str) -> str:
    if _WORDS[kind] is _ID:
        return f"the id of a {kind} (12 letters and digits)"
    return "a job name" if kind == CUSTOMIZATION else f"the name of a {kind}"
