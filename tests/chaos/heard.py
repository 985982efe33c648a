"""What a message says, as a reader takes it: the JSON of the webhook, a mail's plain text, Slack's blocks.

Not its business: whether it is true (``truth``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from chaos.records import Change, Told

KIND = "/model-customization-job"

_CHANGES = {"StepChanged": "step", "FieldChanged": "path"}
_HEAD = re.compile(
    r"(?P<what>UNDELIVERED to channel|STUCK channel|TEST of channel|[A-Z]+(?: [A-Z]+)*) (?P<who>jobs of (?:account )?\S+|jobs given by name|[\w.-]+)(?P<rest>.*)"
)
_OWN = (
    (re.compile(r"(MONITORING GAP) on \S+: .+"), "watch/gap"),
    (re.compile(r"(CRASHED) bedrock-watch on .+"), "watch/crash"),
    (re.compile(r"(ADDED|DROPPED|MUTED|REMOVED|RETRIED|UNMUTED) .+ by \S+"), "watch/operator"),
)
_LINE = re.compile(r"(?P<what>Job|validation|data processing|training): (?P<old>[\w ]+) -> (?P<new>\w+)(?= at |,|$)")
_ENTRY = re.compile(r"\d\d-\d\d \d\d:\d\d  (?P<head>.+?)(?P<late> \(late\))?")
_EVENT = re.compile(r"event (\d+), bedrock-watch on ")
_EVENTS = re.compile(r"events? (\d[\d, andto]*), seen ")
_RANGE = re.compile(r"(\d+)(?: to (\d+))?")
_REPEAT, _LATE = "This may be a repeat", "Late: this was given up"
_FIRST = frozenset({"new", "first seen"})


class Unreadable(ValueError):
    """A message that no reader would understand."""


def of_webhook(document: Mapping[str, Any]) -> tuple[Told, ...]:
    """Return what a JSON object tells; raises Unreadable."""
    try:
        events = document["events"] if "summary" in document else [document]
        return tuple(_event(one) for one in events)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"not the object that it should be ({error!r}): {str(document)[:200]}") from error


def of_mail(mail: EmailMessage) -> tuple[Told, ...]:
    """Return what a mail tells; raises Unreadable."""
    part = mail.get_body(("plain",))
    if not isinstance(part, EmailMessage):
        raise Unreadable("a mail without plain text")
    text = str(part.get_content()).replace("\r\n", "\n")
    failure = re.search(r"^failureMessage:\n((?:  .*\n)+)", text, re.MULTILINE)
    said = failure[1] if failure else ""
    return _text(str(mail["Subject"]).removeprefix("[bedrock] "), text, text.splitlines(), said)


def of_slack(post: Mapping[str, Any]) -> tuple[Told, ...]:
    """Return what a post tells; raises Unreadable."""
    texts = [html.unescape(text) for text in _texts([post.get("blocks", []), post.get("attachments", [])])]
    if not texts:
        raise Unreadable(f"a post without blocks: {str(post)[:200]}")
    failure = next((text.strip("`\n") for text in texts if text.startswith("```")), "")
    lines = [line.replace("*", "") for text in texts for line in text.splitlines()]
    return _text(texts[0], "\n".join(texts), lines, failure)


def _event(one: Mapping[str, Any]) -> Told:
    event = one["event"]
    job = one["job"]
    changes = one["changes"]
    subject = event["subject"].removesuffix(KIND)
    if job and not subject.startswith("watch/"):  # what a person did is no news of the job that it names
        subject = job["name"] or job["arn"].rpartition("/")[2]
    since = next((change["since_at"] for change in changes if change["type"] == "WatchLost"), "")
    gap: Mapping[str, Any] = next((change for change in changes if change["type"] == "Gap"), {})
    return Told(
        event["id"],
        subject,
        one["headline"],
        tuple(filter(None, map(_change, changes))),
        one["failure_message"],
        repeat=one["may_be_repeat"],
        late=one["late"],
        status=one["status"],
        steps={step["name"]: (step["status"], step["changed_at"] or "") for step in one["steps"]},
        kinds=frozenset(event["kinds"]),
        since=_seconds(since or gap.get("began_at", "")),
        at=_seconds(event["observed_at"]),
        until=_seconds(gap.get("ended_at", "")),
        cause=gap.get("cause", ""),
    )


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


def _change(one: Mapping[str, Any]) -> Change | None:
    if one["type"] == "StatusChanged":
        return Change("Job", one["old"], one["new"])
    name = _CHANGES.get(one["type"])
    return Change(one[name], one["old"], one["new"]) if name else None


def _text(title: str, text: str, lines: list[str], failure: str) -> tuple[Told, ...]:
    repeat = _REPEAT in text
    summary = _EVENTS.search(text)
    if summary:
        return _entries(lines, _numbers(summary[1]), repeat=repeat)
    event = _EVENT.search(text)
    if not event:
        raise Unreadable(f"no number of an event: {title!r}")
    what, who = _head(title)
    changes = tuple(Change(one["what"], _old(one["old"]), one["new"]) for one in filter(None, map(_LINE.match, lines)))
    told = Told(int(event[1]), who, what, changes, " ".join(failure.split()), repeat=repeat, late=_LATE in text)
    return (told,)


def _numbers(words: str) -> list[int]:
    """Return what ``3, 5 and 7 to 9`` names."""
    return [number for first, last in _RANGE.findall(words) for number in range(int(first), int(last or first) + 1)]


def _entries(lines: list[str], events: list[int], *, repeat: bool) -> tuple[Told, ...]:
    entries = [entry for entry in map(_ENTRY.fullmatch, lines) if entry]
    if len(entries) != len(events):
        raise Unreadable(f"a summary of events {events} with {len(entries)} entries")
    heads = [_head(entry["head"]) for entry in entries]
    return tuple(
        Told(event, who, what, repeat=repeat, late=bool(entry["late"]))
        for event, entry, (what, who) in zip(events, entries, heads, strict=True)
    )


def _head(title: str) -> tuple[str, str]:
    """Return a title's headline and its subject."""
    for pattern, subject in _OWN:
        if own := pattern.fullmatch(title):
            return own[1], subject
    found = _HEAD.fullmatch(title)
    if not found:
        raise Unreadable(f"a title that says nothing: {title!r}")
    what, who = found["what"], found["who"]
    if what.endswith(" channel"):
        return what, f"channel/{who}"
    return what, _scope(who.removeprefix("jobs ")) if who.startswith("jobs ") else who


def _scope(words: str) -> str:
    """Return the subject of what a title calls the jobs of a region, of an account, or given by name."""
    if words == "given by name":
        return "scope/default@-/*/*"
    whose = words.removeprefix("of ").replace("account ", "default@")
    return f"scope/{whose}" if "/" in whose else f"scope/{whose}/*/*"


def _old(word: str) -> str:
    return "" if word in _FIRST else word


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of Slack's blocks, in their order."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        else:
            for item in value.values():
                yield from _texts(item)
