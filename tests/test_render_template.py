"""Users' templates: what they may do, what is found wrong before there is news, and that no value does harm."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support_stories import FAILED, JOB, WHY, cases, story
from test_render_hostile import HOSTILE, Elements, everywhere, strings

from watcher.errors import ExitCode
from watcher.model import EVENTS, FailureExplained, Family
from watcher.render import TemplateMistake, apply, check_template, compose, sample, write
from watcher.render.variables import variables

ZWSP = "\u200b"
DOC = compose(story(*FAILED))
WHOLE = """\
{{ outcome }} {{ job }} in {{ region }}{% if duration %} after {{ duration }}{% endif %}
{% for line in lines %}- {{ line }}
{% endfor %}{% if failure_message %}Why: {{ failure_message | truncate(60) }}{% endif %}
{% for step in steps if step.current %}now: {{ step.name }}{% endfor %}
{% for name, value in facts %}{{ name | upper }}={{ value | default("-") }} {% endfor %}
{{ tags | join(", ") }} {{ kinds | sort | first }} {{ links | length }} {{ lines[0] }}
"""


def test_a_template_writes_the_title_and_the_body() -> None:
    check_template(WHOLE)
    message = apply("{{ outcome | lower }}: {{ job }}", WHOLE, DOC, Family.TEXT)
    assert message.title == "failed: nova-support-v3"
    assert message.body.startswith("FAILED nova-support-v3 in us-east-1 after 3h12m\n- training: InProgress -> Failed")
    assert "REGION=us-east-1" in message.body
    assert message.severity == DOC.severity
    assert message.conversation == JOB.arn


def test_what_no_template_is_given_for_is_in_the_built_in_words() -> None:
    assert apply(None, None, DOC, Family.CHAT) == write(DOC, Family.CHAT)
    titled = apply("{{ job }} *{{ outcome }}*", None, DOC, Family.SLACK)
    assert titled.payload is not None
    assert titled.payload["blocks"][0]["text"]["text"] == titled.title == "nova-support-v3 *FAILED*"
    assert titled.body == write(DOC, Family.SLACK).body
    assert apply(None, "x", DOC, Family.TEXT).title == DOC.title


def test_a_template_that_writes_nothing_leaves_the_built_in_words() -> None:
    """An empty message would be refused, or be no news."""
    assert apply("{{ label }}", " {{ label }}\n", DOC, Family.TEXT) == write(DOC, Family.TEXT)


def test_a_summary_is_always_in_the_built_in_words() -> None:
    digest = cases()["digest"]
    assert apply("{{ job }}", "{{ job }}", digest, Family.CHAT) == write(digest, Family.CHAT)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("ok\n{{ jbo }}", None, "jbo"),
        ("{% if status == 'Never' %}\n{{ jbo }}{% endif %}", None, "jbo"),
        ("one\ntwo {{ job", 2, "end of print statement"),
        ("{% for line in lines %}", 1, "Unexpected end of template"),
        ("\n\n{{ job | frobnicate }}", 3, "frobnicate"),
        ("\n{{ steps[0].nme }}", 2, "nme"),
        ("{{ links[7].url }}", 1, "7"),
        ("{{ job.__class__ }}", 1, "unsafe"),
        ("{{ job.upper() }}", 1, "not safely callable"),
        ("{{ job | attr('upper') }}", 1, "attr"),
        ("{{ 'x' * 10**9 }}", 1, "not offered"),
        ("{{ '%999999999d' % 1 }}", 1, "not offered"),
        ("{{ event_id / 0 }}", 1, "division by zero"),
        ("{{ job + 1 }}", 1, "str"),
        ("{% include '/etc/passwd' %}", 1, "loader"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, "not safely callable"),
        ("{% for s in steps recursive %}{{ loop(steps) }}{% endfor %}", 1, "not safely callable"),
        ("{{ range(9) }}", None, "range"),
        ("{{ lipsum() }}", None, "lipsum"),
    ],
)
def test_a_mistake_is_found_before_there_is_news_and_named_by_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(TemplateMistake) as caught:
        check_template(text)
    assert words in caught.value.what
    if line is not None:
        assert caught.value.what.startswith(f"template, line {line}:")
    assert caught.value.remedy
    assert caught.value.exit_code == ExitCode.BAD_CONFIG


def test_a_template_that_fails_later_fails_by_the_same_name() -> None:
    """So that the built-in words can be sent instead."""
    with pytest.raises(TemplateMistake, match="line 1"):
        apply(None, "{{ 1 / (event_id - 41) }}", DOC, Family.TEXT)


@pytest.mark.parametrize("topic", EVENTS)
def test_every_event_offers_the_same_names(topic: str) -> None:
    """Else a template that was checked would fail on the day of the rare event."""
    offered = variables(compose(sample(topic, DOC.about[0].now, "host")))
    assert offered.keys() == variables(DOC).keys()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("family", [Family.SLACK, Family.CHAT, Family.EMAIL])
def test_no_value_does_harm_whatever_a_template_does_with_it(family: Family, text: str) -> None:
    body = (
        "*{{ job }}* `{{ step }}`\n```\n{{ failure_message }}\n```\n{{ failure_message | upper | replace('X', 'Y') }}"
        "{% set v %}{{ job }}{% endset %}{{ v }} {{ job ~ region }} {{ facts }} {{ lines | join }}"
    )
    message = apply("{{ job }} {{ failure_message }}", body, everywhere(text), family)
    assert "\n" not in message.title
    if family is Family.EMAIL:
        page = Elements()
        page.feed(message.html)
        assert page.elements <= {"html", "head", "meta", "title", "body", "div"}
        assert page.others == []
        return
    alive = "<" if family is Family.SLACK else f"(@|<)(?!{ZWSP})"
    for sent in (message.body, *strings(message.payload)):
        assert not re.search(alive, sent)
        assert family is Family.SLACK or "](" not in sent
        assert sent.count("```") in (0, 2)


def test_the_authors_own_markup_is_left_as_it_is() -> None:
    body = "<@U123> *{{ job }}* <https://example.com|runbook> & {{ failure_message }}"
    doc = compose(story(*FAILED[:2], FailureExplained("<!channel> & co")))
    message = apply(None, body, doc, Family.SLACK)
    assert message.body == "<@U123> *nova-support-v3* <https://example.com|runbook> & &lt;!channel&gt; &amp; co"
    assert message.payload is not None
    assert message.payload["attachments"][0]["text"] == message.body


@pytest.mark.parametrize(
    ("family", "template"), [(Family.CHAT, "@{{ job }} <{{ job }}>"), (Family.SLACK, "<!{{ job }}>")]
)
def test_a_mention_is_not_made_of_an_authors_sign_and_a_strangers_name(family: Family, template: str) -> None:
    doc = compose(story(*FAILED, job=replace(JOB, name="everyone")))
    assert not re.search("[@<!]everyone", apply(None, template, doc, family).body)
    assert "everyone" in apply(None, template, doc, family).body


def test_markup_of_mail_is_not_the_authors_to_write() -> None:
    """A template writes the plain part; the HTML part shows it as it is."""
    message = apply(None, "<b>{{ failure_message }}</b>\n  two", DOC, Family.EMAIL)
    assert message.body == f"<b>{WHY}</b>\n  two"
    assert f"&lt;b&gt;{WHY}&lt;/b&gt;\n  two" in message.html


def test_automation_keeps_its_fields_whatever_the_words() -> None:
    message = apply("T", "B", DOC, Family.JSON)
    assert message.payload is not None
    assert (message.payload["title"], message.payload["message"]) == ("T", "B")
    assert message.payload["failure_message"] == WHY


@pytest.mark.parametrize("family", list(Family))
def test_a_template_that_writes_much_is_cut_to_its_channel(family: Family) -> None:
    body = "{% for a in title %}{% for b in title %}{% for c in title %}xxxxxxxxx{% endfor %}{% endfor %}{% endfor %}"
    message = apply(None, body, DOC, family, 2000)
    assert len(message.title) + 2 + len(message.body) <= 2000
    unlimited = apply("{{ lines | join }}" * 50, body, DOC, family)
    assert len(unlimited.title) <= 150 * 2
    assert len(unlimited.html.encode()) <= 110_000
