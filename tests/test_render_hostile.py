"""Text that nobody vouches for, in every place where it can stand: it pings no one, injects nothing, loses no word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_stories import FAILED, JOB, SNAPSHOT, WHY, minute, of_each_kind, story

from watcher.model import FailureExplained, Family, Message, Outcome, StatusChanged, WatchLost
from watcher.render import Doc, Story, compose, compose_summary, write
from watcher.render.words import clean, cut

ZWSP = "\u200b"
HOSTILE = [
    "<!channel> <@U123> <!subteam^S1> <http://x|y>",
    "@everyone @here @all <@1> <@&2> @**all** <at>boss@example.com</at>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover='x' <!-- </pre></td>",
    "[click](http://evil.example) ![x](http://evil.example/p.png)",
    "``` out of the fence ```",
    "`` ` ```` `````",
    "\u202etxt.exe\u202c \u200f right to left \u2066 isolate \u2069",
    "bell \x07 and \x1b[31m colour \x00 nul \x85 next",
    "Subject: x\r\nBcc: everyone@example.com\r\n\r\nbody",
    "*bold* _italic_ ~strike~ ||spoiler|| **b** __u__ a*b*c",
    "# heading\n> quote\n- list\n1. one\n--- &amp; &lt; \\* \\<",
    "日本語" * 682 + "終わり",
    "lone \ud800 surrogate",
]
OUR_ELEMENTS = {
    *("html", "head", "meta", "title", "body", "div", "h1", "p", "b", "br", "pre", "table", "tr", "th", "td", "a"),
    "span",
}
OUR_ATTRIBUTES = {"style", "href", "lang", "dir", "charset", "name", "content"}


def everywhere(text: str) -> Doc:
    """Return what is said about a failed job in which each text is *text*."""
    job = replace(JOB, name=text, label=text, tags=(text,), region=text, account=text)
    facts = {
        **SNAPSHOT.facts,
        "baseModelArn": text,
        "customizationType": text,
        "outputDataConfig": {"s3Uri": text},
    }
    steps = tuple(replace(step, name=text, status=text) for step in SNAPSHOT.steps)
    changes = (
        replace(FAILED[0], step=text, old=text, new=text),
        StatusChanged(text, text, Outcome.FAILED, minute(192)),
        FailureExplained(text),
    )
    return compose(story(*changes, job=job, snapshot=replace(SNAPSHOT, facts=facts), steps=steps, host=text))


def lost(text: str) -> Doc:
    """Return what is said when a look at jobs with such names failed for such a reason."""
    change = WatchLost(text, text, minute(0))
    return compose(
        story(change, job=None, snapshot=None, steps=(), subject=f"scope/{text}", jobs_in_scope=(text, text))
    )


def digest(text: str) -> Doc:
    """Return a summary of such news."""
    job = replace(JOB, label=text)
    return compose_summary([story(*FAILED[:2], FailureExplained(text), job=job), *lost(text).about], "digest")


def hostile(one: Story, text: str) -> Story:
    """Return the story of a job with such a name, of whose response every text, but status and times, is *text*."""
    assert one.job is not None
    assert one.snapshot is not None
    facts = spoilt(one.snapshot.facts, text)
    return replace(one, job=replace(one.job, name=text), snapshot=replace(one.snapshot, facts=facts, failure=text))


def spoilt(value: Any, text: str) -> Any:
    """Return a JSON value with *text* for every text in it."""
    match value:
        case str():
            return text
        case dict():
            return {key: spoilt(item, text) for key, item in value.items()}
        case list():
            return [spoilt(item, text) for item in value]
        case _:
            return value


class Elements(HTMLParser):
    """Notes which elements and attributes an HTML text has, and what it says."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.others: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """Note what is said."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Note what is neither."""
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        """Note what is neither."""
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        """Note what is neither."""
        self.others.append(data)


def strings(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)


def texts(message: Message) -> list[str]:
    """Return every text that is sent, the payload's too."""
    return [message.title, message.body, message.html, *strings(message.payload)]


def shown(message: Message, family: Family) -> str:
    """Return the body as its reader sees it, but for backslashes."""
    plain = message.body.replace(ZWSP, "")
    return unescape(plain) if family is Family.SLACK else plain


KINDS = [partial(lambda name, text: compose(hostile(of_each_kind()[name], text)), name) for name in of_each_kind()]
DOCS = pytest.mark.parametrize("written", [everywhere, lost, digest, *KINDS])
TEXTS = pytest.mark.parametrize("text", HOSTILE)


@DOCS
@TEXTS
@pytest.mark.parametrize("family", [family for family in Family if family is not Family.JSON])
def test_no_control_character_is_sent(family: Family, text: str, written: Any) -> None:
    """Nor a mark that turns text around, nor a line break in a title: it would be a header of a mail."""
    message = write(written(text), family)
    assert "\n" not in message.title
    for sent in texts(message):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]", sent)


@DOCS
@TEXTS
def test_slack_sees_no_mention_and_no_link_but_ours(text: str, written: Any) -> None:
    """Slack reads nothing as a mention or a link that has no "<" (its own documents)."""
    message = write(written(text), Family.SLACK)
    assert message.payload is not None
    header = message.payload["blocks"][0]["text"]
    assert header["type"] == "plain_text", "no markup is read there"
    for sent in [message.body, *strings(message.payload)]:
        ours = re.sub(r"<https://[a-z0-9.-]+(aws\.amazon\.com)/[^<>|]*\|[A-Za-z0-9: ]+>", "", sent)
        assert "<" not in ours
        assert ">" not in re.sub(r"(?m)^>", "", ours)
        assert sent.count("```") in (0, 2) or sent == header["text"]


@DOCS
@TEXTS
def test_a_chat_sees_no_mention_and_no_link_but_ours(text: str, written: Any) -> None:
    message = write(written(text), Family.CHAT)
    for sent in (message.title, message.body):
        ours = re.sub(r"\[[A-Za-z0-9: ]+\]\(https://[a-z0-9.-]+aws\.amazon\.com/[^()\s]*\)", "", sent)
        assert "](" not in ours
        assert not re.search(f"[@<](?!{ZWSP})", ours)
    assert message.body.count("```") in (0, 2)


@TEXTS
def test_outside_of_a_fence_a_chat_shows_no_emphasis_spoiler_or_heading_but_ours(text: str) -> None:
    """CommonMark sees emphasis through a zero-width space, so each mark is escaped by a backslash."""
    title = write(everywhere(text), Family.CHAT).title
    unescaped = re.sub(r"\\[!-/:-@\[-`{-~]", "", title)
    assert not re.search(r"[*`~]|__|\|\||\b_|_\b", unescaped)


@DOCS
@TEXTS
def test_html_has_no_element_but_ours(text: str, written: Any) -> None:
    message = write(written(text), Family.EMAIL)
    page = Elements()
    page.feed(message.html)
    page.close()
    assert page.elements <= OUR_ELEMENTS
    assert page.attributes <= OUR_ATTRIBUTES
    assert page.others == []
    assert all(re.fullmatch(r"https://[a-z0-9.-]+\.amazon\.com/[^\s\"'<>]*", address) for address in page.addresses)
    assert "url(" not in message.html.replace(page.text, "")
    for word in clean(text).split():
        assert word in page.text or len(word) > 60


@TEXTS
@pytest.mark.parametrize("family", list(Family))
def test_no_word_of_a_reason_is_lost(family: Family, text: str) -> None:
    """Zero-width spaces and escapes aside, the failureMessage arrives verbatim, its line breaks too."""
    message = write(compose(story(*FAILED[:2], FailureExplained(text))), family)
    plain = shown(message, family)
    verbatim = cut(clean(text, lines=True), 2500)
    assert verbatim in plain.replace("\n  ", "\n")


@TEXTS
@pytest.mark.parametrize("family", list(Family))
def test_no_word_of_a_name_is_lost(family: Family, text: str) -> None:
    job = replace(JOB, name="plain", tags=(text,))
    message = write(compose(story(*FAILED, job=job)), family)
    plain = shown(message, family)
    for word in clean(text).replace("\\", "").split():
        assert word in plain.replace("\\", "")


@TEXTS
def test_automation_gets_the_reason_verbatim_and_uncut(text: str) -> None:
    """Whatever it is, as JSON; what no JSON text can hold, a lone surrogate, excepted."""
    long = text * 3
    sent = write(compose(story(*FAILED[:2], FailureExplained(long))), Family.JSON).payload
    assert sent is not None
    told = json.loads(json.dumps(sent, ensure_ascii=False, allow_nan=False).encode())
    assert told["failure_message"] == long.replace("\ud800", "?")


@given(text=st.text(max_size=300), family=st.sampled_from(list(Family)), limit=st.sampled_from([None, 500, 2000]))
def test_no_text_at_all_leaves_its_fence_or_the_limits(text: str, family: Family, limit: int | None) -> None:
    for doc in (everywhere(text), digest(text)):
        message = write(doc, family, limit)
        assert len(doc.title) <= 80
        assert message.body.strip()
        if family in (Family.SLACK, Family.CHAT):
            assert message.body.count("```") in (0, 2)
        if limit is not None:
            assert len(message.title) + 2 + len(message.body) <= limit


@given(text=st.text(alphabet="<>&`*_ \n\"'x", max_size=2500))
def test_slacks_own_limits_are_kept(text: str) -> None:
    """3000 characters a section, 150 a header, 2000 a field, 10 fields, 50 blocks: as escaped, as they are sent."""
    payload = write(everywhere(text), Family.SLACK).payload
    assert payload is not None
    assert len(json.dumps(payload, ensure_ascii=False)) <= 12_000
    blocks = payload["blocks"] + [block for one in payload.get("attachments", []) for block in one["blocks"]]
    assert len(blocks) <= 50
    for block in blocks:
        longest = {"header": 150, "section": 3000, "context": 2000}[block["type"]]
        held = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        assert all(1 <= len(one["text"]) <= longest for one in held if one)
        assert len(block.get("fields", [])) <= 10


def test_a_reason_of_the_longest_kind_fits_slack_whole() -> None:
    """AWS sends 2048 characters at most, each perhaps of several bytes."""
    text = "界" * 2047 + "!"
    payload = write(compose(story(*FAILED[:2], FailureExplained(text))), Family.SLACK).payload
    assert any(text in one for one in strings(payload))
    assert any(WHY in one for one in strings(write(compose(story(*FAILED)), Family.SLACK).payload))
