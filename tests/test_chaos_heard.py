"""What ``make chaos`` reads out of a message is the same in every family, and it reads the product's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage

import pytest
from chaos import heard
from chaos.records import Told
from support_stories import FAILED, JOB, SEEN, story

from watcher.identifiers import EVENTS
from watcher.model import Event, Family, Operator, WatchLost
from watcher.render import Doc, Story, compose, compose_summary, sample, write

SCOPES = ["123456789012/us-east-1", "research@123456789012/us-east-1"]
ACCOUNTS = ["default@123456789012", "research@123456789012", "default@-"]
LOST = WatchLost("AccessDeniedException", "not authorized", SEEN)
SUBJECTS = [f"scope/{one}/model-customization-job" for one in SCOPES] + [f"scope/{one}/*/*" for one in ACCOUNTS]


def lost(subject: str) -> Story:
    return story(LOST, job=None, subject=subject, event=Event(41, subject, 3, (LOST,), SEEN))


def read(doc: Doc) -> dict[str, Sequence[Told]]:
    """Return what each reader takes out of one message."""
    mail = EmailMessage()
    written = write(doc, Family.EMAIL)
    mail["Subject"] = written.title
    mail.set_content(written.body)
    payload, post = write(doc, Family.JSON).payload, write(doc, Family.SLACK).payload
    assert payload is not None
    assert post is not None
    return {"mail": heard.of_mail(mail), "hook": heard.of_webhook(payload), "slack": heard.of_slack(post)}


def heads(told: Sequence[Told]) -> list[tuple[int, str, str]]:
    return [(one.event, one.subject, one.headline) for one in told]


# Only customization jobs are played; the two are ends of other kinds.
@pytest.mark.parametrize("topic", sorted({*EVENTS} - {"expired", "partially_completed"}))
def test_a_message_of_each_kind_names_the_same_event_to_all(topic: str) -> None:
    one = sample(topic, datetime.fromisoformat("2026-11-20T11:13:00+00:00"), "host")
    assert_same(compose(one), 1)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_message_of_a_scope_names_the_same_event_to_all(subject: str) -> None:
    assert_same(compose(lost(subject)), 1)


def test_a_job_without_a_name_is_called_the_same_by_all() -> None:
    assert_same(compose(story(LOST, job=replace(JOB, name="", label=""))), 1)


def test_a_summary_names_the_same_events_to_all() -> None:
    stories = [story(*FAILED), *map(lost, SUBJECTS)]
    numbered = [replace(one, event=replace(one.event, id=3 * number)) for number, one in enumerate(stories, 1)]
    assert_same(compose_summary(numbered, "mute"), len(numbered))


def assert_same(doc: Doc, count: int) -> None:
    found = read(doc)
    assert len(found["hook"]) == count
    assert heads(found["mail"]) == heads(found["hook"])
    assert heads(found["slack"]) == heads(found["hook"])


def test_what_a_person_did_to_a_job_is_read_as_no_news_of_the_job() -> None:
    """The webhook's object names the job that was muted; the event's own subject counts."""
    done = Operator("mallory", "mute", JOB.name, "for 8s")
    doc = compose(replace(story(done), event=Event(41, "watch/operator", 3, (done,), SEEN)))
    assert {told.subject for family in read(doc).values() for told in family} == {"watch/operator"}
