"""Why AWS says that a job failed, and what to do next: the failure texts that AWS documents or is known to send.

A text that is not known gets no advice: a guess would cost more trust than it saves time.  Matched is only what does
not vary: names of buckets and files, and counts, do.  Not its business: showing it.

Sources: Amazon Bedrock User Guide, "Troubleshooting model customization issues"; AWS re:Post, "How do I troubleshoot
errors when I fine-tune a model on Amazon Bedrock"; API reference, GetModelInvocationJob (status); User Guide,
"Increase model invocation capacity with Provisioned Throughput".
"""

from __future__ import annotations

import re
from dataclasses import replace

from watcher.model import CUSTOMIZATION, EVALUATION, IMPORT, INVOCATION, PROVISIONED, StatusChanged
from watcher.render.story import Advice, Link, Story

_GUIDE = "https://docs.aws.amazon.com/bedrock/latest/userguide/"
_TROUBLE = Link("AWS: troubleshooting model customization", _GUIDE + "fine-tuning-troubleshooting.html")
_ACCESS = Link("AWS: access for model customization", _GUIDE + "custom-model-job-access-security.html")
_DATA = Link("AWS: preparing the datasets", _GUIDE + "model-customization-prepare.html")
_BATCH = Link("AWS: service role for batch inference", _GUIDE + "batch-iam-sr.html")
_ROLES = {
    INVOCATION: _BATCH,
    EVALUATION: Link("AWS: service roles for evaluation", _GUIDE + "model-evaluation-security-service-roles.html"),
    IMPORT: Link("AWS: service roles", _GUIDE + "security-iam-sr.html"),
}
"""Where other kinds' jobs find what a customization job finds on its own two pages."""

_KNOWN = (
    (
        r"could not validate getobject permissions",
        (
            "Allow the job's IAM role s3:GetObject and s3:ListBucket on that bucket (and kms:Decrypt on its key, if it"
            " has one), and check that the bucket is in the job's region."
        ),
        _TROUBLE,
    ),
    (
        r"could not validate putobject permissions|perms missing \(putobject\)",
        (
            "Allow the job's IAM role s3:PutObject on the output bucket (and the use of its KMS key, if it has one),"
            " and check that the bucket is in the job's region."
        ),
        _ACCESS,
    ),
    (
        r"unable to parse (amazon )?s3 file",
        "Check that the file is JSON Lines: one complete JSON object a line, UTF-8, no empty lines.",
        _DATA,
    ),
    (
        r"input size exceeded in file",
        "Shorten or remove the record that begins as quoted; it is larger than the model takes.",
        _TROUBLE,
    ),
    (
        r"maximum input token count \d+ exceeds limit",
        "Shorten or split the records whose prompts have more tokens than the limit.",
        _TROUBLE,
    ),
    (
        r"maximum output token count \d+ exceeds limit",
        "Shorten or split the records whose completions have more tokens than the limit.",
        _TROUBLE,
    ),
    (
        r"sum of input and output token length \d+ exceeds",
        "Shorten or split the records whose prompt and completion together have more tokens than the limit.",
        _TROUBLE,
    ),
    (
        r"automated tests flagged this .{0,40}job",
        (
            "Trying again will not help: review the training data against the model's licence, and ask AWS Support, who"
            " can look into the flag."
        ),
        _TROUBLE,
    ),
    (
        r"encountered an unexpected error when processing the request",
        (
            "Try once more; if it fails again, check the permissions of the job's IAM role and of whoever created the"
            " job: AWS says the same when one is missing."
        ),
        _ACCESS,
    ),
    (
        r"input data at .* must follow .* format",
        "Rewrite each record in the quoted format, and check that this base model takes that format.",
        _DATA,
    ),
    (
        r"invalid training input data configuration",
        "Give the S3 URI of a file, not of a folder, and check that the file exists.",
        _DATA,
    ),
    (
        r"doesn.?t have permissions? to invoke ?model",
        "Allow the job's IAM role bedrock:InvokeModel on that model (and on its inference profile, if it has one).",
        _BATCH,
    ),
)
_TABLE = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), Advice(text, page)) for pattern, text, page in _KNOWN)


_ENDINGS = {
    (INVOCATION, "Expired"): (
        "Submit it again, with a longer time limit if the queue is long: it did not begin before its limit.",
        Link("AWS: batch inference", _GUIDE + "batch-inference.html"),
    ),
    (INVOCATION, "PartiallyCompleted"): (
        "Submit the records that are missing from the output again.",
        Link("AWS: batch inference", _GUIDE + "batch-inference.html"),
    ),
    (PROVISIONED, "InService"): (
        "Delete it when it is no longer needed: it is billed by the hour until then, used or not.",
        Link("AWS: provisioned throughput", _GUIDE + "prov-throughput.html"),
    ),
}


def advise_about(story: Story, why: str) -> Advice | None:
    """Return what to do about how a job has ended: for the reason *why*, or where its status alone tells; else None."""
    if why:
        return advise(why, story.job.kind if story.job is not None else CUSTOMIZATION)
    ended = [one.new for one in story.event.transitions if isinstance(one, StatusChanged) and one.outcome.terminal]
    known = _ENDINGS.get((story.job.kind, ended[-1])) if story.job is not None and ended else None
    return None if known is None else Advice(*known)


def advise(failure: str, kind: str = CUSTOMIZATION) -> Advice | None:
    """Return what to do about a failureMessage of a job of that *kind*, None when the text is not known."""
    text = " ".join(failure.split())
    known = next((advice for pattern, advice in _TABLE if pattern.search(text)), None)
    if known is not None and known.page in (_TROUBLE, _ACCESS):
        return replace(known, page=_ROLES.get(kind, known.page))
    return known
