"""Jobs that someone else begins, found in the pages by which the watched ones are polled, over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support_jobs import ACCOUNT, response
from support_sweep import Scene, refusal, scene

from watcher.bedrock.customization import KIND
from watcher.clock import utc
from watcher.errors import LookFault
from watcher.model import CUSTOMIZATION, DEFAULT_EVENTS, Appeared, Job, JobArn, StatusChanged, WatchLost, WatchRegained
from watcher.policy import Route, Traits
from watcher.policy.discovery import Found, Rule, bound_of, label_of, tags_of
from watcher.store.jobs import Wanted
from watcher.sweep import Finder

RULE = Rule("all", ACCOUNT, "us-east-1", CUSTOMIZATION)
DAY, HOUR = 86_400.0, 3600.0


class Estate:
    """An account where jobs come and go, and a group that looks for them by rule."""

    def __init__(self, play: Scene) -> None:
        self.play = play
        self.rules = [RULE]
        self.use()

    def begin(self, number: int, age: float = 0.0, status: str = "InProgress", **members: Any) -> str:
        """Begin a job that is so many seconds old, and was last changed a minute after it was created."""
        born = self.play.now - age
        arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/amazon.nova-lite-v1:0:300k/{number:012d}"
        times = {"creationTime": utc(born).isoformat(), "lastModifiedTime": utc(born + 60).isoformat()}
        self.play.aws.jobs[arn] = {**response(number, status=status), "jobArn": arn, **times, **members}
        return arn

    def end(self, arn: str, status: str = "Completed") -> None:
        """Let a job end now."""
        self.play.aws.jobs[arn] |= {"status": status, "lastModifiedTime": utc(self.play.now).isoformat()}

    def use(self, *rules: Rule) -> None:
        """Go by these rules (or by those of before), as a process does that begins or reloads."""
        play = self.play
        self.rules = list(rules) or self.rules
        since = play.store.findings.since([rule.mark for rule in self.rules], play.now)
        if play.group.finder is None:
            traits = Traits(account=ACCOUNT, region="us-east-1", unseen=True)
            play.group.finder = Finder(
                play.group.key, KIND, traits, play.store.findings, play._transact, now=lambda: play.now, log=play.log
            )
        play.group.finder.use(tuple(replace(rule, since=since[rule.mark]) for rule in self.rules))

    def turn(self, after: float = 130.0) -> None:
        """Take a turn, and take up what it found in another."""
        self.play.turn(after)
        self.place()
        self.play.turn()

    def place(self) -> None:
        """Take over what is new in the store, as the daemon does."""
        for job in self.jobs():
            if job.watched and job.state != "ended" and job.id not in self.play.group.jobs:
                self.play.group.jobs.take(job)

    def restart(self) -> None:
        """Forget all that is not in the store."""
        self.play.restart()
        self.use()

    def jobs(self) -> list[Job]:
        """Return what the store knows."""
        return list(self.play.store.ledger.roster(0))

    def told(self) -> list[Any]:
        """Return what was told so far."""
        return [change for _, changes in self.play.told() for change in changes]

    def calls(self) -> tuple[int, int, int]:
        """Return how many Lists, Gets and questions for tags there were since the last time."""
        aws = self.play.aws
        made = aws.lists, len(aws.gets), len(aws.tagged)
        aws.lists = 0
        aws.gets.clear()
        aws.tagged.clear()
        aws.asked.clear()
        return made


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as one:
        yield one


@pytest.fixture
def estate(play: Scene) -> Estate:
    return Estate(play)


def test_what_runs_when_the_rule_is_written_is_watched_and_what_is_over_is_not_told(estate: Estate) -> None:
    running = estate.begin(1, age=30 * DAY)
    for number, status in enumerate(("Completed", "Failed", "Stopped"), 2):
        estate.begin(number, age=HOUR / 2, status=status)
    estate.turn()
    assert [(job.arn, job.from_rule, job.state) for job in estate.jobs()] == [(running, "all", "running")]
    assert estate.told() == [Appeared("InProgress")]


def test_a_job_that_begins_later_is_found_even_if_it_is_over_by_then(estate: Estate) -> None:
    estate.turn()
    first = estate.begin(1)
    estate.turn()
    second = estate.begin(2)
    estate.end(second, "Failed")
    estate.turn()
    assert {job.arn for job in estate.jobs()} == {first, second}
    assert [type(change) for change in estate.told()][:2] == [Appeared, StatusChanged]


def test_the_list_that_finds_is_the_list_that_polls(estate: Estate) -> None:
    """Four running jobs: after they were found, each sweep is one List, and nothing else."""
    for number in range(1, 5):
        estate.begin(number, age=DAY)
    estate.turn()
    estate.calls()
    for _ in range(5):
        estate.play.turn(after=150)
    assert estate.calls() == (5, 0, 0)
    estate.begin(9)
    estate.play.turn(after=150)
    assert estate.calls() == (1, 0, 1)


def test_an_account_with_thousands_of_old_jobs_costs_what_its_running_ones_cost(estate: Estate) -> None:
    """Five thousand that are over, ten that run and are as old as the oldest: two Lists a sweep, one for all there is new."""
    for number in range(1, 5001):
        estate.begin(number, age=100 * DAY - number, status="Completed")
    for number in range(5001, 5011):
        estate.begin(number, age=101 * DAY)
    estate.turn()
    assert estate.calls() == (3, 10, 10)
    for _ in range(10):
        estate.play.turn(after=150)
    assert estate.calls() == (20, 0, 0)


def test_an_idle_sweep_writes_nothing(estate: Estate) -> None:
    for number in range(1, 5):
        estate.begin(number)
    estate.turn()
    before = estate.play.store.database._connection.total_changes
    for _ in range(20):
        estate.play.turn(after=150)
    assert estate.play.store.database._connection.total_changes == before


def test_a_restart_goes_on_from_where_it_was(estate: Estate) -> None:
    """It asks for what is new since, and not for what runs; what began and ended in between is told."""
    estate.begin(1, age=DAY)
    estate.turn()
    estate.play.now += 3 * DAY
    missed = estate.begin(2, age=2 * DAY)
    estate.end(missed, "Failed")
    estate.restart()
    estate.calls()
    estate.turn()
    assert [status for _, status in estate.play.aws.asked if status] == []
    assert missed in {job.arn for job in estate.jobs()}
    assert any(isinstance(change, StatusChanged) and change.new == "Failed" for change in estate.told())
    estate.restart()
    told = len(estate.told())
    estate.turn()
    assert len(estate.told()) == told


def test_a_job_that_a_person_removed_is_not_found_again(estate: Estate) -> None:
    arn = estate.begin(1)
    estate.turn()
    (job,) = estate.jobs()
    estate.play.store.jobs.remove(job)
    estate.restart()
    estate.turn()
    assert [(job.arn, job.watched) for job in estate.jobs()] == [(arn, False)]


def test_a_job_that_a_person_watches_already_stays_theirs(estate: Estate) -> None:
    arn = estate.begin(1)
    estate.play.store.jobs.add(Wanted(JobArn.parse(arn), "us-east-1"), estate.play.now, ask=False)
    estate.restart()
    estate.turn()
    assert [(job.from_cli, job.from_rule) for job in estate.jobs()] == [(True, "")]


def test_what_leaves_the_rule_or_whose_rule_is_gone_stays_watched_until_it_ends(estate: Estate) -> None:
    arn = estate.begin(1, jobName="prod-1")
    estate.use(replace(RULE, names=("prod-*",)))
    estate.turn()
    estate.play.aws.jobs[arn]["jobName"] = "renamed"
    estate.use(replace(RULE, names=("other-*",)))
    estate.restart()
    estate.turn()
    estate.end(arn)
    estate.turn()
    assert any(isinstance(change, StatusChanged) and change.new == "Completed" for change in estate.told())
    assert [job.state for job in estate.jobs()] == ["ended"]


def test_a_rule_that_is_changed_is_a_new_rule(estate: Estate) -> None:
    """It takes up what runs now, and tells nothing of what ended before it was changed."""
    estate.use(replace(RULE, names=("none",)))
    estate.turn()
    running, over = estate.begin(1), estate.begin(2)
    estate.end(over)
    estate.turn()
    assert estate.jobs() == []
    estate.play.now += HOUR
    estate.use(RULE)
    estate.turn()
    assert [job.arn for job in estate.jobs()] == [running]


def test_labels_and_tags_are_those_of_aws_and_are_asked_for_once(estate: Estate) -> None:
    arn, other = estate.begin(1), estate.begin(2)
    estate.play.aws.tag = {arn: {"Name": "support bot", "team": "support", "prod": ""}, other: {"team": "legal"}}
    estate.use(replace(RULE, tags=("team=sup*",)))
    estate.turn()
    estate.play.turn(after=150)
    estate.play.turn(after=150)
    assert [(job.label, job.tags) for job in estate.jobs()] == [("support bot", ("prod", "team=support"))]
    assert sorted(estate.play.aws.tagged) == [arn, other]


def test_tags_that_may_not_be_read_are_warned_of_once_and_keep_no_job_of_a_rule_without_them(estate: Estate) -> None:
    estate.play.aws.tags_error = refusal(LookFault.DENIED)
    estate.begin(1)
    estate.turn()
    estate.begin(2)
    estate.turn()
    assert [job.tags for job in estate.jobs()] == [(), ()]
    assert len(estate.play.aws.tagged) == 1
    assert estate.play.log.lines.count("tags_denied") == 1


def test_a_job_whose_tags_could_not_be_asked_for_is_asked_about_again(estate: Estate) -> None:
    estate.play.aws.tags_error = refusal(LookFault.THROTTLED)
    estate.begin(1)
    estate.turn()
    assert estate.jobs() == []
    estate.play.aws.tags_error = None
    estate.turn()
    assert len(estate.jobs()) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_job_that_is_older_than_the_newest_waits_for_its_tags_as_long_as_it_takes(
    estate: Estate, *, restarted: bool
) -> None:
    """No later List shows it: it began three days ago, and the next is of the last hour."""
    estate.play.aws.tags_error = refusal(LookFault.THROTTLED)
    old = estate.begin(1, age=3 * DAY)
    estate.turn()
    estate.begin(2)
    estate.turn()
    if restarted:
        estate.restart()
    estate.play.aws.tags_error = None
    estate.turn()
    assert old in {job.arn for job in estate.jobs()}
    assert len(estate.jobs()) == 2


def test_tags_that_may_not_be_read_are_told_where_a_rule_is_by_tags(estate: Estate) -> None:
    """It would find nothing, and nobody would know.  What it wants is found when they can be read, even if it is over."""
    play = estate.play
    estate.use(replace(RULE, tags=("team=support",)))
    first, other = estate.begin(1, age=3 * DAY), estate.begin(2)
    play.aws.tag = {first: {"team": "support"}, other: {"team": "legal"}}
    play.aws.tags_error = refusal(LookFault.DENIED, "AccessDeniedException")
    for _ in range(12):
        play.turn(after=130)
    key = f"scope/{play.group.key} (new jobs)"
    (lost,) = [changes for subject, changes in play.told() if subject == key]
    assert isinstance(lost[0], WatchLost)
    assert "new jobs wait until their tags can be read" in lost[0].reason
    assert len(play.aws.tagged) <= 2 * 6, "they are asked for every five minutes"
    estate.end(first)
    play.aws.tags_error = None
    estate.turn(after=310)
    assert [type(changes[0]) for subject, changes in play.told() if subject == key] == [WatchLost, WatchRegained]
    assert [(job.arn, job.state) for job in estate.jobs()] == [(first, "ended")]
    assert (play.log.lines.count("finding_fails"), play.log.lines.count("finding_works_again")) == (1, 1)


def test_one_job_whose_tags_are_denied_keeps_no_other_back(estate: Estate) -> None:
    """IAM can allow the tags of some jobs, by these very tags."""
    estate.use(replace(RULE, tags=("team",)))
    hidden, shown = estate.begin(1), estate.begin(2)
    estate.play.aws.tag = {shown: {"team": "support"}}
    estate.play.aws.tags_errors = {hidden: refusal(LookFault.DENIED)}
    estate.turn()
    assert [job.arn for job in estate.jobs()] == [shown]


def test_a_job_is_found_when_it_comes_to_the_status_that_a_rule_names(estate: Estate) -> None:
    """Not only if it has it when it is first seen: it may take days, and by then no List shows it as new."""
    estate.use(replace(RULE, status=("Failed", "Stopping")))
    fails, stops, goes_on = (estate.begin(number) for number in range(1, 4))
    over = estate.begin(4)
    estate.end(over, "Failed")
    estate.turn()
    assert [job.arn for job in estate.jobs()] == [over]
    estate.play.now += 2 * DAY
    estate.begin(5)
    estate.turn()
    estate.end(fails, "Failed")
    estate.play.aws.jobs[stops]["status"] = "Stopping"
    estate.turn()
    assert {job.arn for job in estate.jobs()} == {over, fails, stops}
    assert goes_on not in {job.arn for job in estate.jobs()}


def test_a_reading_that_breaks_off_is_begun_again_from_where_it_began(estate: Estate) -> None:
    """After three days in which the daemon did not run: the newest page is not all that is new."""
    estate.play.aws.page_size = 2
    estate.turn()
    estate.play.now += 3 * DAY
    missed = estate.begin(1, age=2 * DAY)
    estate.end(missed, "Failed")
    for number in range(2, 5):
        estate.begin(number)
    estate.restart()
    estate.play.aws.list_errors = {2: refusal(LookFault.THROTTLED)}
    estate.turn()
    assert estate.jobs() == []
    estate.play.aws.list_errors = {}
    estate.turn()
    assert missed in {job.arn for job in estate.jobs()}


def test_a_rule_that_is_new_takes_nothing_away_from_the_others(estate: Estate) -> None:
    """It came while the daemon did not run, and asks for what runs: what began and ended meanwhile is still the others'."""
    estate.turn()
    estate.play.now += 3 * DAY
    missed = estate.begin(1, age=2 * DAY)
    estate.end(missed, "Failed")
    running = estate.begin(2)
    estate.rules = [RULE, replace(RULE, name="more", names=("x",))]
    estate.restart()
    estate.turn()
    assert {job.arn for job in estate.jobs()} == {missed, running}


def test_who_chooses_by_tags_is_told_too_that_new_jobs_cannot_be_found(estate: Estate) -> None:
    """Theirs might be among them."""
    estate.play.group.routes = (
        Route("support", DEFAULT_EVENTS, tags=frozenset({"team=support"})),
        Route("elsewhere", DEFAULT_EVENTS, regions=frozenset({"eu-west-1"})),
    )
    estate.play.aws.list_error = refusal(LookFault.DENIED)
    for _ in range(12):
        estate.play.turn(after=150)
    assert [delivery.channel for delivery in estate.play.store.history.deliveries()] == ["support"]


def test_a_list_that_is_denied_is_told_though_jobs_are_watched_and_asked_for_by_get(estate: Estate) -> None:
    play = estate.play
    estate.use(RULE)
    estate.begin(1)
    estate.turn()
    play.aws.list_error = refusal(LookFault.DENIED, "AccessDeniedException")
    play.aws.gets.clear()
    for _ in range(12):
        play.turn(after=130)
        assert play.group.next_turn is not None
        assert play.group.next_turn > play.now
    assert len(play.aws.gets) == 12
    key = f"scope/{play.group.key} (new jobs)"
    (lost,) = [changes for subject, changes in play.told() if subject == key]
    assert isinstance(lost[0], WatchLost)
    assert "no rule can find new jobs" in lost[0].reason
    play.aws.list_error = None
    found = estate.begin(2)
    estate.turn(after=310)
    assert [type(changes[0]) for subject, changes in play.told() if subject == key] == [WatchLost, WatchRegained]
    assert found in {job.arn for job in estate.jobs()}
    assert (play.log.lines.count("finding_fails"), play.log.lines.count("finding_works_again")) == (1, 1)


def test_that_jobs_can_be_found_again_is_known_to_although_the_clock_was_set_back(estate: Estate) -> None:
    play = estate.play
    estate.begin(1)
    estate.turn()
    play.aws.list_error = refusal(LookFault.DENIED)
    for _ in range(12):
        play.turn(after=130)
    play.aws.list_error = None
    play.now -= 6 * HOUR
    play.group.clock_was_set()
    estate.turn(after=310)
    assert [type(changes[0]) for subject, changes in play.told() if "(new jobs)" in subject] == [
        WatchLost,
        WatchRegained,
    ]


def test_a_list_that_is_denied_is_told_while_nothing_is_watched(estate: Estate) -> None:
    """Silence is not health: jobs would go by unseen."""
    estate.play.aws.list_error = refusal(LookFault.DENIED)
    for _ in range(12):
        estate.play.turn(after=150)
    assert [subject for subject, _ in estate.play.told()] == [f"scope/{estate.play.group.key}"]
    assert len(estate.play.store.history.deliveries()) == 1


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"names": ("prod-*", "x")}, True),
        ({"names": ("PROD-*",)}, False),
        ({"types": ("DISTILLATION",)}, False),
        ({"types": ("FINE_TUNING",)}, True),
        ({"status": ("Completed",)}, False),
        ({"within": 60.0}, False),
        ({"within": 2 * HOUR}, True),
    ],
)
def test_all_of_a_rule_has_to_fit(rule: dict[str, Any], *, fits: bool) -> None:
    job = Found("arn", "prod-1", "InProgress", 1e9, 1e9, "FINE_TUNING", over=False)
    one = replace(RULE, **rule)
    assert (one.may_fit(job, 1e9 + HOUR) and one.fits_status(job)) is fits


@pytest.mark.parametrize(
    ("created", "changed", "fits"),
    [(10.0, 90.0, False), (10.0, 100.0, True), (10.0, 0.0, False), (110.0, 0.0, True)],
    ids=["over before the rule", "over with it", "over, of old, nobody knows when", "over, created since"],
)
def test_what_was_over_before_the_rule_is_not_its_business(created: float, changed: float, *, fits: bool) -> None:
    job = Found("arn", "prod-1", "Completed", created, changed, "FINE_TUNING", over=True)
    assert replace(RULE, since=100.0).may_fit(job, 200.0) is fits
    assert replace(RULE, since=100.0).may_fit(replace(job, over=False), 200.0)


@pytest.mark.parametrize(("ages", "bound"), [((), 0.0), ((0.0,), 0.0), ((60.0, 0.0), 0.0), ((60.0, HOUR), 1e9 - HOUR)])
def test_the_list_reads_back_to_where_no_rule_takes_anything_any_more(ages: tuple[float, ...], bound: float) -> None:
    assert bound_of([replace(RULE, within=age) for age in ages], 1e9) == bound


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ((), True),
        (("team=support",), True),
        (("team",), True),
        (("team=*", "env=prod"), False),
        (("t*=*port",), True),
        (("owner",), False),
    ],
)
def test_each_tag_of_a_rule_has_to_fit_one_of_aws(wanted: tuple[str, ...], *, fits: bool) -> None:
    assert replace(RULE, tags=wanted).fits_tags({"team": "support", "env": "test"}) is fits


def test_a_name_in_aws_tags_is_the_label_and_not_a_tag() -> None:
    tags = {"name": "bot", "team": "a", "lone": ""}
    assert (label_of(tags), tags_of(tags)) == ("bot", ("lone", "team=a"))
