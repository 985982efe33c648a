"""The judge of ``make chaos`` finds what it is there to find: each test feeds it records with one thing wrong."""

from __future__ import annotations

from dataclasses import replace

from chaos.judge import judge
from chaos.records import Change, Era, Evidence, History, Life, Look, Message, Span, Told, Wish

from watcher.identifiers import DEFAULT_EVENTS, EVENTS

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
REASON = "Maximum input token count 4097 exceeds limit of 4096"
BEGUN = {"training": ("InProgress", "2026-11-20T08:10:00Z")}
ENDED = {"training": ("Failed", "2026-11-20T09:00:00Z")}
HISTORY = History(
    "job-1",
    ARN,
    "us-east-1",
    (
        Era("InProgress", {}, 0.0),
        Era("InProgress", BEGUN, 10.0),
        Era("Failed", ENDED, 60.0, {"endTime": '"2026-11-20T09:00:00Z"'}),
    ),
    REASON,
)
STARTED = Told(
    2,
    "job-1",
    "STARTED",
    (Change("training", "", "InProgress"),),
    status="InProgress",
    steps=BEGUN,
    kinds=frozenset({"step"}),
)
FAILED = Told(
    3,
    "job-1",
    "FAILED",
    (
        Change("training", "InProgress", "Failed"),
        Change("Job", "InProgress", "Failed"),
        Change("endTime", "", '"2026-11-20T09:00:00Z"'),
    ),
    REASON,
    status="Failed",
    steps=ENDED,
    kinds=frozenset({"step", "failed", "failure_message", "field"}),
)
SEEN = Told(1, "job-1", "WATCHING", (), status="InProgress", steps={}, kinds=frozenset({"appeared"}))


def in_words(told: Told) -> Told:
    """What a text channel tells of the same event."""
    changes = tuple(one for one in told.changes or () if one.what in ("training", "Job"))
    return Told(told.event, told.subject, told.headline, changes, told.failure)


HOOK = tuple(
    Message("hook", began, "accepted", (told,)) for began, told in ((1.0, SEEN), (11.0, STARTED), (61.0, FAILED))
)
MAIL = tuple(Message("mail", began, "accepted", (in_words(told),)) for began, told in ((12.0, STARTED), (62.0, FAILED)))
GOOD = Evidence(
    (HISTORY,),
    HOOK + MAIL,
    looks=(
        Look(0.5, "us-east-1", ARN),
        Look(10.5, "us-east-1"),
        Look(10.6, "us-east-1", ARN),
        Look(60.5, "us-east-1"),
        Look(60.6, "us-east-1", ARN),
    ),
    lives=(Life(0.1, 100.0),),
    wishes={"hook": Wish(frozenset(EVENTS)), "mail": Wish(DEFAULT_EVENTS)},
)


def with_messages(*messages: Message) -> Evidence:
    return replace(GOOD, messages=messages)


def test_a_run_in_which_all_went_well_is_good() -> None:
    verdict = judge(GOOD)
    assert verdict.good, verdict
    assert verdict.duplicates.all == 0
    assert verdict.counts["events"] == 3


def test_an_end_that_was_told_nowhere_is_a_loss() -> None:
    verdict = judge(with_messages(*HOOK[:2], *MAIL[:1]))
    assert [*verdict.lost] == [
        "job-1: its end (Failed) was told nowhere",
        "job-1: its failureMessage was told nowhere",
    ]


def test_an_event_that_one_channel_was_not_told_is_a_loss() -> None:
    assert judge(with_messages(*HOOK, MAIL[0])).lost == ("mail was not told event 3 (FAILED job-1)",)
    assert "hook was not told event 2 (STARTED job-1)" in judge(with_messages(HOOK[0], HOOK[2], *MAIL)).lost


def test_a_state_that_was_seen_for_certain_and_told_nowhere_is_a_loss() -> None:
    """The end alone is told, in one step from the beginning: what was seen between them is gone."""
    at_once = replace(FAILED, changes=(Change("training", "", "Failed"), *(FAILED.changes or ())[1:]))
    messages = (HOOK[0], replace(HOOK[2], told=(at_once,)), replace(MAIL[1], told=(in_words(at_once),)))
    assert judge(with_messages(*messages)).lost == (
        "job-1: era 1, which was seen for certain, (InProgress) was told nowhere",
    )


def test_a_state_that_nobody_could_write_down_may_be_skipped() -> None:
    at_once = replace(FAILED, changes=(Change("training", "", "Failed"), *(FAILED.changes or ())[1:]))
    messages = (HOOK[0], replace(HOOK[2], told=(at_once,)), replace(MAIL[1], told=(in_words(at_once),)))
    killed = replace(with_messages(*messages), lives=(Life(0.1, 10.65), Life(20.0, 100.0)))
    assert judge(killed).good
    asked_before = replace(with_messages(*messages), lives=(Life(0.1, 10.3), Life(10.3, 100.0)))
    assert judge(asked_before).good
    full = replace(with_messages(*messages), spans=(Span("disk", 10.0, 30.0),))
    assert judge(full).good
    spoilt = replace(with_messages(*messages), looks=(Look(10.6, "us-east-1", ARN, "truncated"), *GOOD.looks[3:]))
    assert judge(spoilt).good


def test_a_state_with_the_same_words_as_the_one_told_before_it_is_no_news() -> None:
    """Between two looks a sub-task completed, and was begun again: both looks show it in progress."""
    again = {"training": ("InProgress", "2026-11-20T08:50:00Z")}
    begun, ended = HISTORY.eras[1], HISTORY.eras[2]
    between = Era("InProgress", {"training": ("Completed", "2026-11-20T08:40:00Z")}, 30.0)
    history = replace(HISTORY, eras=(HISTORY.eras[0], begun, between, Era("InProgress", again, 40.0), ended))
    looks = (*GOOD.looks[:3], Look(45.0, "us-east-1", ARN), *GOOD.looks[3:])
    assert judge(replace(GOOD, histories=(history,), looks=looks)).good


def test_a_message_that_was_refused_did_not_arrive() -> None:
    assert judge(with_messages(*HOOK, MAIL[0], replace(MAIL[1], outcome="refused"))).lost


def test_newer_news_before_older_news_is_a_reorder() -> None:
    early = replace(MAIL[1], began=5.0)
    assert judge(with_messages(*HOOK, early, MAIL[0])).reordered == (
        "mail: event 2 of job-1 came after event 3 (before it came 3)",
    )


def test_what_was_dead_and_says_that_it_is_late_is_exempt_from_the_order() -> None:
    late = replace(MAIL[0], began=70.0, told=(replace(MAIL[0].told[0], late=True),))
    assert judge(with_messages(*HOOK, MAIL[1], late)).good


def test_a_status_that_the_job_never_had_is_a_phantom() -> None:
    made_up = replace(STARTED, steps={"training": ("Completed", "2026-11-20T08:10:00Z")})
    verdict = judge(with_messages(HOOK[0], replace(HOOK[1], told=(made_up,)), HOOK[2], *MAIL))
    assert "event 2 of job-1 tells a state that it never had then" in verdict.phantoms


def test_a_change_that_never_happened_is_a_phantom_and_so_is_one_that_is_left_out() -> None:
    other = replace(STARTED, changes=(Change("training", "Stopped", "InProgress"),))
    verdict = judge(with_messages(HOOK[0], replace(HOOK[1], told=(other,)), HOOK[2], MAIL[1]))
    assert "event 2 of job-1: training: Stopped -> InProgress never happened" in verdict.phantoms
    assert "event 2 of job-1: it leaves out that training went from nothing to InProgress" in verdict.phantoms


def test_a_reason_that_aws_never_gave_is_a_phantom() -> None:
    other = replace(FAILED, failure="It was the weather")
    verdict = judge(with_messages(*HOOK[:2], replace(HOOK[2], told=(other,)), MAIL[0]))
    assert "event 3 of job-1: AWS never said 'It was the weather'" in verdict.phantoms
    assert "job-1: its failureMessage was told nowhere" in verdict.lost


def test_a_field_that_never_had_that_value_is_a_phantom() -> None:
    other = replace(FAILED, changes=(*(FAILED.changes or ())[:2], Change("endTime", "", '"1999-12-31T23:59:59Z"')))
    verdict = judge(with_messages(*HOOK[:2], replace(HOOK[2], told=(other,)), *MAIL))
    assert verdict.phantoms == ("event 3 of job-1: its endTime never was '\"1999-12-31T23:59:59Z\"'",)


def test_two_channels_that_tell_one_event_differently_is_a_phantom() -> None:
    other = replace(MAIL[1], told=(replace(MAIL[1].told[0], failure="It was the weather"),))
    assert judge(with_messages(*HOOK, MAIL[0], other)).phantoms == (
        "mail tells event 3 of job-1 otherwise than the others",
    )


def test_news_of_a_job_that_does_not_exist_is_a_phantom() -> None:
    stranger = Message("hook", 9.0, "accepted", (replace(SEEN, event=9, subject="job-2"),))
    assert judge(with_messages(*HOOK, *MAIL, stranger)).phantoms == ("event 9 tells of job-2, which does not exist",)


def test_a_watch_that_is_called_lost_although_nothing_was_wrong_is_a_phantom() -> None:
    lost = Told(9, "scope/x/us-east-1", "CANNOT WATCH", (), steps={}, kinds=frozenset({"watch_lost"}), since=30.0)
    messages = (*HOOK, *MAIL, *(Message(name, 40.0, "accepted", (lost,)) for name in ("hook", "mail")))
    assert judge(with_messages(*messages)).phantoms == (
        "event 9 tells watch_lost of scope/x/us-east-1, and nothing was wrong",
    )
    troubled = replace(with_messages(*messages), looks=(*GOOD.looks, Look(29.0, "us-east-1", "", "internal")))
    assert judge(troubled).good


def test_a_message_that_cannot_be_read_is_a_phantom() -> None:
    garbled = Message("mail", 9.0, "accepted", garbled="no number of an event: 'x'")
    assert judge(with_messages(*HOOK, *MAIL, garbled)).phantoms == ("mail: no number of an event: 'x'",)


def test_a_repeat_without_a_mark_is_wrong_whatever_its_reason() -> None:
    again = replace(MAIL[1], began=70.0)
    killed = replace(with_messages(*HOOK, *MAIL, again), lives=(Life(0.1, 63.0), Life(64.0, 100.0)))
    assert judge(killed).duplicates.wrong == ("mail: event 3 came again without saying that it may be a repeat",)


def test_a_repeat_without_a_reason_is_wrong_although_it_is_marked() -> None:
    again = replace(MAIL[1], began=70.0, told=(replace(MAIL[1].told[0], repeat=True),))
    verdict = judge(with_messages(*HOOK, *MAIL, again))
    assert verdict.duplicates.wrong == ("mail: event 3 came again for no reason",)
    assert not verdict.good


def test_a_marked_repeat_after_a_death_or_an_open_outcome_is_counted_and_is_not_wrong() -> None:
    again = replace(MAIL[1], began=70.0, told=(replace(MAIL[1].told[0], repeat=True),))
    killed = replace(with_messages(*HOOK, *MAIL, again), lives=(Life(0.1, 63.0), Life(64.0, 100.0)))
    assert judge(killed).good
    assert judge(killed).duplicates.after_death == 1
    unanswered = with_messages(*HOOK, MAIL[0], replace(MAIL[1], outcome="uncertain"), again)
    assert judge(unanswered).good
    assert judge(unanswered).duplicates.after_doubt == 1


def test_an_entry_of_a_summary_in_words_counts_for_the_event_that_it_names() -> None:
    summary = Message("mail", 62.0, "accepted", (Told(2, "job-1", "STARTED"), Told(3, "job-1", "FAILED")))
    assert judge(with_messages(*HOOK, summary)).good
    wrong = replace(summary, told=(Told(2, "job-1", "STARTED"), Told(3, "job-1", "COMPLETED")))
    verdict = judge(with_messages(*HOOK, wrong))
    assert verdict.phantoms == ("mail tells event 3 of job-1 otherwise than the others",)


def test_a_job_that_goes_by_the_end_of_its_arn_is_that_job() -> None:
    """Nobody could look at it when its first event was written."""
    nameless = replace(SEEN, subject="abcdefghij12")
    assert judge(with_messages(replace(HOOK[0], told=(nameless,)), *HOOK[1:], *MAIL)).good
    other = replace(SEEN, subject="zyxwvutsrq98")
    found = judge(with_messages(replace(HOOK[0], told=(other,)), *HOOK[1:], *MAIL)).phantoms
    assert "event 1 tells of zyxwvutsrq98, which does not exist" in found


def test_messages_that_were_told_together_may_come_again_together_and_one_by_one() -> None:
    both = Message("mail", 62.0, "uncertain", (Told(2, "job-1", "STARTED"), Told(3, "job-1", "FAILED")))
    again = tuple(replace(told, repeat=True) for told in both.told)
    together = replace(both, began=70.0, told=again)
    assert judge(with_messages(*HOOK, both, together)).good
    apart = replace(both, began=70.0, told=again[:1]), replace(both, began=80.0, told=again[1:])
    assert judge(with_messages(*HOOK, both, *apart)).good
    back = replace(both, began=90.0, told=again[:1])
    assert judge(with_messages(*HOOK, both, *apart, back)).reordered == (
        "mail: event 2 of job-1 came after event 3 (before it came 2+3, 2, 3)",
    )
    swapped = replace(both, told=both.told[::-1])
    assert judge(with_messages(*HOOK, swapped)).reordered
