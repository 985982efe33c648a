"""The judge of ``make chaos`` wants a cause for each event about the watch itself, at the time of that event."""

from __future__ import annotations

from dataclasses import replace

from chaos.judge import judge
from chaos.records import Evidence, Life, Message, Span, Told
from test_chaos_judge import GOOD, HOOK, MAIL, with_messages

DEAD = Told(9, "channel/mail", "UNDELIVERED to channel", (), steps={}, kinds=frozenset({"delivery_dead"}), at=8.0)
REFUSING = Span("refusing", 5.0, 7.5, "mail")


def with_own(told: Told, *spans: Span, lives: tuple[Life, ...] = GOOD.lives) -> Evidence:
    """A good run in which the other channels were sent *told* as well."""
    news = tuple(Message(name, 90.0, "accepted", (told,)) for name in ("hook", "mail") if told.subject[8:] != name)
    return replace(with_messages(*HOOK, *MAIL, *news), spans=spans, lives=lives)


def phantom(told: Told, kind: str) -> tuple[str, ...]:
    return (f"event 9 tells {kind} of {told.subject}, and nothing was wrong",)


def test_a_channel_that_never_worked_may_have_dead_messages_while_it_refuses() -> None:
    assert judge(with_own(DEAD, REFUSING)).good
    assert judge(with_own(DEAD)).phantoms == phantom(DEAD, "delivery_dead")
    assert judge(with_own(DEAD, replace(REFUSING, about="hook"))).phantoms == phantom(DEAD, "delivery_dead")
    assert judge(with_own(DEAD, replace(REFUSING, what="busy"))).phantoms == phantom(DEAD, "delivery_dead")


def test_an_early_refusal_does_not_excuse_a_death_long_after_it() -> None:
    assert judge(with_own(replace(DEAD, at=50.0), REFUSING)).phantoms == phantom(DEAD, "delivery_dead")
    assert judge(with_own(replace(DEAD, at=4.0), replace(REFUSING, begin=6.0))).phantoms == phantom(
        DEAD, "delivery_dead"
    )


def test_no_message_of_a_channel_that_has_worked_may_be_dead() -> None:
    """Mail took a message at 12 s and the next one at 62 s: from then on it is known to work."""
    late = replace(DEAD, at=72.0), replace(REFUSING, begin=70.0, end=75.0)
    assert judge(with_own(*late)).phantoms == phantom(DEAD, "delivery_dead")
    assert judge(with_own(late[0], REFUSING, late[1])).phantoms == phantom(DEAD, "delivery_dead")
    killed = (Life(0.1, 13.0), Life(14.0, 61.0), Life(61.5, 100.0))
    assert judge(with_own(replace(DEAD, at=40.0), Span("refusing", 39.0, 41.0, "mail"), lives=killed)).good


def test_an_uncertain_message_does_not_show_that_a_channel_works() -> None:
    at_40 = with_own(replace(DEAD, at=40.0), Span("refusing", 39.0, 41.0, "mail"))
    more = (replace(MAIL[0], began=13.0, told=(replace(MAIL[0].told[0], repeat=True),)),)
    hesitant = tuple(replace(one, outcome="uncertain") if one == MAIL[0] else one for one in at_40.messages)
    assert judge(replace(at_40, messages=(*hesitant, *more))).good
    doubt = replace(at_40, messages=(*hesitant, *more, replace(more[0], began=14.0)))
    assert phantom(DEAD, "delivery_dead")[0] in judge(doubt).phantoms


def test_the_messages_of_a_removed_channel_may_be_dead_until_it_is_back() -> None:
    removed = Span("removed", 70.0, 80.0, "mail")
    assert judge(with_own(replace(DEAD, at=72.0), removed)).good
    assert judge(with_own(replace(DEAD, at=60.0), removed)).phantoms == phantom(DEAD, "delivery_dead")
    returned = replace(removed, begin=20.0, end=25.0)
    assert judge(with_own(replace(DEAD, at=72.0), returned)).phantoms == phantom(DEAD, "delivery_dead")


def test_an_event_is_judged_at_its_own_time_whatever_the_clock_was() -> None:
    moved = Span("clock", 6.0, 20.0, "3600.0")
    assert judge(with_own(replace(DEAD, at=3608.0), REFUSING, moved)).good
    assert judge(with_own(DEAD, REFUSING, moved)).phantoms == phantom(DEAD, "delivery_dead")
    assert judge(with_own(replace(DEAD, at=3608.0), REFUSING)).phantoms == phantom(DEAD, "delivery_dead")


def test_a_channel_is_stuck_only_after_a_daemon_ran_for_a_quarter_of_an_hour() -> None:
    stuck = replace(DEAD, headline="STUCK channel", kinds=frozenset({"channel_stuck"}), at=950.0)
    down = Span("down", 20.0, 990.0, "mail")
    long = (Life(0.1, 1000.0),)
    assert judge(with_own(stuck, down, lives=long)).good
    assert judge(with_own(stuck, lives=long)).phantoms == phantom(DEAD, "channel_stuck")
    assert judge(with_own(replace(stuck, at=850.0), down, lives=long)).phantoms == phantom(DEAD, "channel_stuck")
    apart = (Life(0.1, 100.0), Life(800.0, 1000.0))
    assert judge(with_own(stuck, down, lives=apart)).phantoms == phantom(DEAD, "channel_stuck")


def test_a_gap_is_founded_by_a_death_or_a_pause_of_its_cause_alone() -> None:
    gap = Told(9, "watch/gap", "MONITORING GAP", (), steps={}, kinds=frozenset({"gap"}), since=70.0, until=82.0)
    killed, stopped = (Life(0.1, 72.0), Life(80.0, 100.0)), (Life(0.1, 72.0, "stopped"), Life(80.0, 100.0))
    founded = {"killed": killed, "stopped": stopped}
    for cause, lives in founded.items():
        assert judge(with_own(replace(gap, cause=cause), lives=lives)).good
        for other in ("killed", "stopped", "crashed", "rebooted", "suspended", "unknown", ""):
            if other != cause:
                assert judge(with_own(replace(gap, cause=other), lives=lives)).phantoms == phantom(gap, "gap")
    early = replace(gap, cause="killed", since=40.0, until=52.0)
    assert judge(with_own(early, lives=killed)).phantoms == phantom(gap, "gap")


def test_a_stop_that_could_not_be_written_down_may_look_like_a_kill() -> None:
    gap = Told(9, "watch/gap", "MONITORING GAP", (), steps={}, kinds=frozenset({"gap"}), since=70.0, until=82.0)
    gap, lives = replace(gap, cause="killed"), (Life(0.1, 72.0, "stopped"), Life(80.0, 100.0))
    assert judge(with_own(gap, Span("disk", 69.0, 73.0), lives=lives)).good
    assert judge(with_own(gap, Span("disk", 75.0, 77.0), lives=lives)).phantoms == phantom(gap, "gap")


def test_a_pause_explains_a_gap_about_as_long_as_it_was() -> None:
    gap = Told(9, "watch/gap", "MONITORING GAP", (), steps={}, kinds=frozenset({"gap"}), since=70.0, until=82.0)
    gap = replace(gap, cause="suspended")
    assert judge(with_own(gap, Span("stopped", 70.0, 81.0))).good
    assert judge(with_own(gap, Span("stopped", 79.0, 81.0))).phantoms == phantom(gap, "gap")
    assert judge(with_own(gap, Span("stopped", 30.0, 42.0))).phantoms == phantom(gap, "gap")
