"""``bedrock-watch doctor``: what is wrong with the installation, and what to do about it.

The daemon looks when it runs: it has the identity and the secrets of the service.  Else this command looks, and says
so.  Not its business: the checks (``watcher.doctor``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import click

from watcher import clock
from watcher.cli import service
from watcher.cli.context import Context
from watcher.cli.findings import print_findings
from watcher.cli.health import SILENT, ailment
from watcher.cli.options import output_option
from watcher.cli.output import note
from watcher.config import Mistake, examine
from watcher.config.values import UNKNOWN
from watcher.doctor.finding import Finding, Grade, verdict
from watcher.errors import BadConfig, ExitCode, StoreError, WatchError
from watcher.store import Store

PATIENCE = 75.0
"""Seconds that the daemon is waited for: longer than one of its rounds takes (``doctor.rounds``)."""

TAKEN_WITHIN = 10.0
"""Seconds in which a daemon that is well begins what it is asked for."""

_GLANCE = 0.1


@dataclass
class _Report:
    """What was found, and by whom (nothing: by nobody yet); *by_daemon* is whether the daemon looked."""

    findings: list[Finding] = field(default_factory=list)
    by: dict[str, Any] = field(default_factory=dict)
    by_daemon: bool = False


@click.command()
@click.option("--send", is_flag=True, help="Send each channel a real test message, too.")
@output_option
@click.pass_obj
def doctor(context: Context, *, send: bool, output: str) -> int:
    """Look for what is wrong, and say what to do about it.

    The configuration, the files and their modes, the database, who AWS says we are, whether it can be reached and lets
    us look, whether each queue can be read, and whether each channel can be reached; no message is sent without --send.
    The daemon looks when it runs, with the service's own identity; else this command does.  Exits with 78 for a bad
    configuration, 5 when AWS refuses, 6 when a channel cannot be reached, 3 when the daemon does not run, 1 for any
    other failure.
    """
    # A configuration with mistakes is a finding, not the end.
    context.config, mistakes = examine(context.config_path)
    if unsafe := _unsafe(context):
        report = _of_configuration(context, mistakes, unsafe)
        findings = report.findings
    elif _is_placed(context):
        pid, daemon = _daemon(context)
        report = _by_daemon(context, pid) if pid is not None else _Report()
        if not report.by:
            report = _by_ourselves(context, mistakes, report.findings)
        findings = [daemon, *report.findings]
    else:
        report = _of_nowhere(context, mistakes)
        findings = report.findings
    findings = _with_refusals(context, findings)
    if send and not any(one.code == ExitCode.BAD_CONFIG and one.grade is Grade.FAIL for one in findings):
        findings += _sent(context)
    _say_who(report, output)
    print_findings(context, findings, output, {"by": "daemon" if report.by_daemon else "command", **report.by})
    return verdict(findings)


def _with_refusals(context: Context, findings: list[Finding]) -> list[Finding]:
    """Return *findings* without "ok" for a channel whose latest messages did not arrive, even if it can be reached."""
    from watcher.doctor.channels import CHECK

    try:
        with context.store() as store:
            records = store.history.channels()
    except (StoreError, BadConfig):
        return findings  # told of by their own checks
    errors = {name: record.last_error for name, record in records.items() if record.last_error}
    return [
        replace(
            one,
            grade=Grade.WARN,
            what=f"{one.what}, but its last messages were not accepted: {errors[one.subject]}",
            remedy=f"see them: bedrock-watch deliveries; try it: bedrock-watch channel test {one.subject}",
        )
        if one.check == CHECK and one.grade is Grade.OK and one.subject in errors
        else one
        for one in findings
    ]


def _unsafe(context: Context) -> Finding | None:
    """Return why the state directory is unsafe for root, if it is; nothing in it may be opened then."""
    from watcher.privileges import UnsafeDirectory

    try:
        _ = context.state_dir
    except UnsafeDirectory as error:
        return Finding("files", str(context.config.state_dir), Grade.FAIL, error.what, error.remedy, error.exit_code)
    return None


def _is_placed(context: Context) -> bool:
    """Return whether it is known which database, and so which daemon, is meant; else only the file could tell.

    A daemon whose file is gone, or closed to this user, says which file it has read.
    """
    if context.config.origins["state_dir"] != UNKNOWN:
        return True
    asked = Context(context.config_path)
    try:
        service.despite_mistakes(asked)
    except BadConfig:
        return False
    context.config = asked.config
    return True


def _of_nowhere(context: Context, mistakes: tuple[Mistake, ...]) -> _Report:
    """Tell what can be told when the configuration cannot be read: what the defaults say would be of another daemon."""
    remedy = next((one.remedy for one in mistakes if one.remedy), "make the configuration readable")
    what = "which one, and whether it runs, is not known without the configuration"
    daemon = Finding("daemon", "", Grade.UNKNOWN, what, remedy)
    return _of_configuration(context, mistakes, daemon)


def _of_configuration(context: Context, mistakes: tuple[Mistake, ...], first: Finding) -> _Report:
    """Check the configuration alone; *first* says why nothing else is checked."""
    from watcher.daemon.errands import whoami
    from watcher.doctor.configuration import check_configuration

    return _Report([first, *check_configuration(context.config, mistakes)], whoami())


def _daemon(context: Context) -> tuple[int | None, Finding]:
    """Return the daemon's pid, if one runs, and what is to be said of it."""
    try:
        pid = service.daemon_pid(context)
    except WatchError as error:
        return None, Finding("daemon", "", Grade.UNKNOWN, error.what, error.remedy)
    ill = ""
    try:
        with context.opened() as database:
            ill = ailment(context, database, pid, service.own_words(context, pid), clock.now(), SILENT)
    except StoreError:
        pass  # told of by the check of the database
    if pid is None:
        how = service.how_to_start(context)
        return None, Finding("daemon", "", Grade.FAIL, "it does not run", how, ExitCode.NOT_RUNNING)
    if ill:
        return pid, Finding("daemon", f"pid {pid}", Grade.FAIL, ill, "see its log", ExitCode.NOT_RUNNING)
    return pid, Finding("daemon", f"pid {pid}", Grade.OK, "it runs")


def _by_daemon(context: Context, pid: int) -> _Report:
    """Ask the daemon; when it gives no answer, that is all that is found."""
    from watcher.daemon.errands import DOCTOR

    try:
        with context.store() as store:
            request = store.requests.ask(DOCTOR, {}, clock.now(), PATIENCE)
            try:
                answer = _await(context, store, request)
            finally:
                store.requests.withdraw(request)
    except StoreError as error:
        answer = f"it cannot be asked: {error.what}"
    if not isinstance(answer, str) and "findings" in answer:
        return _Report([Finding.load(one) for one in answer["findings"]], answer["by"], by_daemon=True)
    why = answer if isinstance(answer, str) else f"it could not look: {answer.get('error')}"
    return _Report([Finding("daemon", f"pid {pid}", Grade.WARN, why, "this command looked in its stead; see its log")])


def _await(context: Context, store: Store, request: int) -> dict[str, Any] | str:
    """Return the daemon's answer, or why there is none."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < PATIENCE:
        row = store.requests.get(request)
        if row is None or service.daemon_pid(context) is None:
            return "it ended, or began anew, before it answered"
        if row.answer is not None:
            return dict(row.answer)
        if not row.taken and waited > TAKEN_WITHIN:
            return f"it did not begin to look within {TAKEN_WITHIN:g} s"
        time.sleep(_GLANCE)
    return f"it gave no answer within {PATIENCE:g} s"


def _by_ourselves(context: Context, mistakes: tuple[Mistake, ...], before: list[Finding]) -> _Report:
    """Look as whoever runs this command; *before* is what was found already."""
    import anyio

    from watcher import logs
    from watcher.daemon.errands import patient_of, whoami
    from watcher.doctor.rounds import examine as make_round

    logs.hush()
    try:
        with context.store() as store:
            jobs = store.jobs.listed(every=True)
    except StoreError:
        jobs = []  # told of by the check of the database
    found = anyio.run(make_round, patient_of(context.config, context.config, mistakes, jobs))
    return _Report([*before, *found], whoami())


def _sent(context: Context) -> list[Finding]:
    """Send each channel a test message, by the queue as news goes, and tell what came of it."""
    from watcher.cli.trial import try_channels

    names = [channel.name for channel in context.config.channels]
    try:
        with context.store(create=True) as store:
            failures = try_channels(context, store, names)
    except WatchError as error:
        return [Finding("message", "", Grade.FAIL, error.what, error.remedy, ExitCode.DELIVERY_FAILED)]
    remedy = "check the channel's URL: bedrock-watch channel test"
    return [
        Finding("message", name, Grade.FAIL, failures[name], remedy, ExitCode.DELIVERY_FAILED)
        if name in failures
        else Finding("message", name, Grade.OK, "a test message was delivered")
        for name in names
    ]


def _say_who(report: _Report, output: str) -> None:
    if output != "table":
        return
    who = f"the daemon (pid {report.by['pid']})" if report.by_daemon else "this command"
    note(f"{who} has looked, as {report.by['user']}")
