"""One run: the world is set up, the plan is carried out, all is let come to rest, and the evidence is gathered."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support_simulator import running
from support_slack import BOT, Workspace
from trustme import CA

from chaos import lives, people, troubles
from chaos.front import Front, port_of
from chaos.gateway import Gateway
from chaos.histories import played
from chaos.judge import Verdict, judge
from chaos.plan import CHANNELS, EXTRA, Plan
from chaos.proxy import proxy_to
from chaos.receivers import MailInbox, WebInbox
from chaos.records import Evidence, Life, Look, Wish
from chaos.services import services
from chaos.setup import Home, asked_for, small_disk
from chaos.stage import Stage, keep_all_requests

SETTLING = 420.0
"""Seconds in which everything that is still to be told must be told, once all is well."""

QUIET = 3.0
"""Seconds for which nothing more may come, once everything is told."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    stage: Stage
    verdict: Verdict
    evidence: Evidence
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.verdict.good and not self.stage.bugs


def perform(plan: Plan, directory: Path, *, broken: str = "", only: Callable[[Stage], None] | None = None) -> Result:
    """Carry *plan* out in *directory*; *broken* names a way to break the daemon, *only* is done in the plan's stead."""
    with _stage(plan, directory) as stage:
        stage.home.broken = broken
        stage.home.configure()
        (only or _everything)(stage)
        settle(stage)
        followed = stage.simulator.followed + stage.services.followed
        if followed:
            stage.bugs.append(f"{followed} redirects were followed")
        if stage.front.believed:
            stage.bugs.append(f"{stage.front.believed} requests were sent to a server with another host's certificate")
        seconds = time.time() - stage.began
        evidence = _keep(stage)
        return Result(stage, judge(evidence), evidence, seconds)


def settle(stage: Stage) -> None:
    """Have all well, let a last daemon tell what is left, and stop it in order."""
    troubles.calm(stage)
    stage.home.configure()
    popen = stage.home.begin()
    try:
        time.sleep(stage.remaining())
        for name in stage.running():
            # Whoever had lost sight of a job, or had removed it, asks for it.
            stage.insist("add", stage.arn(name), "--no-wait")
        stage.insist("unmute", "--all")
        end = time.monotonic() + SETTLING
        while not _is_settled(stage) and time.monotonic() < end:
            if popen.poll() is not None:
                stage.bugs.append(f"the last daemon ended by itself with {popen.returncode}")
                return
            _hurry(stage)
            time.sleep(1.0)
        if not _is_settled(stage):
            stage.bugs.append(f"not everything was told within {SETTLING:g} s: {_left(stage)}")
        time.sleep(QUIET)
    finally:
        popen.terminate()
        if popen.wait(lives.PATIENCE) != 0:
            stage.bugs.append(f"the last daemon ended with {popen.returncode} at SIGTERM")


def _everything(stage: Stage) -> None:
    plan = stage.plan
    tasks: list[Callable[[], None]] = [
        *(
            lambda act=act: act(stage)
            for act in (people.births, people.visits, troubles.faults, troubles.strangers, troubles.machine, _record)
        ),
        *(lambda channel=channel: troubles.moods(stage, channel) for channel in (*CHANNELS, EXTRA)),
    ]
    threads = [threading.Thread(target=_guarded, args=(stage, task), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        lives.run_until(stage, plan.size.kills, plan.size.seconds)
    finally:
        stage.over.set()
        for thread in threads:
            thread.join()


def _record(stage: Stage) -> None:
    """Keep what there is of the evidence, for whoever wants to look at a run before its end."""
    while not stage.over.wait(20):
        _keep(stage)


def _keep(stage: Stage) -> Evidence:
    """Return the evidence, having left it and the database in the run's directory."""
    evidence = _evidence(stage)
    (stage.home.directory / "evidence.pickle").write_bytes(pickle.dumps(evidence))
    with contextlib.suppress(OSError):
        shutil.copy(stage.home.database, stage.home.directory / "last.db")
    return evidence


def _guarded(stage: Stage, task: Callable[[], None]) -> None:
    """Let an error of the harness itself show in the verdict, rather than be lost with its thread."""
    try:
        task()
    except Exception as error:  # noqa: BLE001 - whatever it is, the run is not good
        stage.bugs.append(f"the harness: {error!r}")


@contextlib.contextmanager
def _stage(plan: Plan, directory: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        authority = CA()
        bundle = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        web, slack = (_tls(authority, *names) for names in (("127.0.0.1",), ("slack.com",)))
        workspace = WebInbox("slack", slack, Workspace())
        inboxes: dict[str, WebInbox | MailInbox] = {
            "hook": WebInbox("hook", web),
            "mail": MailInbox("mail"),
            "slack": workspace,
            EXTRA: WebInbox(EXTRA, web),
        }
        for inbox in inboxes.values():
            inbox.luck.seed(f"{plan.seed}/answers of {inbox.channel}")
            stack.callback(inbox.close)
            inbox.up()
        simulator = Gateway(plan.seed)
        keep_all_requests(simulator)
        port = port_of(stack.enter_context(running(simulator)))
        front = Front(_tls(authority, "127.0.0.1"), _tls(authority, "elsewhere.example.com"), port)
        endpoint = stack.enter_context(front.running())
        strange = stack.enter_context(services(f"{plan.seed}/strangers"))
        proxy = stack.enter_context(proxy_to(workspace))
        urls = {
            "hook": f"jsons://127.0.0.1:{inboxes['hook'].port}/",
            "mail": f"mailto://127.0.0.1:{inboxes['mail'].port}/?from=watch@example.com&to=ops@example.com",
            "slack": BOT,
            EXTRA: f"jsons://127.0.0.1:{inboxes[EXTRA].port}/",
        }
        home = Home(directory, endpoint, proxy, str(bundle), urls, strange)
        stack.callback(home.close)
        stage = Stage(plan, home, simulator, inboxes, front, strange)
        stage.small_disk = stack.enter_context(small_disk(home.state))
        if not stage.small_disk:
            stage.notes.append("a disk of its own (tmpfs) could not be mounted: only file sizes were limited")
        yield stage


def _tls(authority: CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def _is_settled(stage: Stage) -> bool:
    ended = stage.home.query("SELECT count(*) FROM jobs WHERE merged_into IS NULL AND state = 'ended'")[0][0]
    told = stage.home.query("SELECT count(*) FROM deliveries WHERE state != 'sent' AND channel != ?", EXTRA)[0][0]
    return bool(ended == len(stage.born) and not told)


def _hurry(stage: Stage) -> None:
    """Ask for what waits for its next try, or was given up; what was never tried must come by itself."""
    rows = stage.home.query(
        "SELECT id FROM deliveries WHERE state = 'dead' OR (state IN ('pending', 'uncertain') AND attempts > 0"
        " AND next_attempt_at > ? AND fold = '')",
        time.time() + 5,
    )
    if rows:
        stage.command("deliveries", "retry", *(str(delivery) for (delivery,) in rows))


def _left(stage: Stage) -> str:
    jobs = stage.home.query("SELECT name, state FROM jobs WHERE state != 'ended' AND merged_into IS NULL")
    deliveries = stage.home.query(
        "SELECT id, channel, state, attempts, fold, last_error FROM deliveries WHERE state != 'sent' LIMIT 5"
    )
    return f"{jobs} {deliveries}"


def _evidence(stage: Stage) -> Evidence:
    arns = {job.run.name: job.run.arn for job in stage.simulator.jobs}
    born = [job for job in stage.simulator.jobs if job.run.name in stage.born]
    looks = [
        Look(one.at, one.region, arns.get(one.what, one.what) if one.operation == "Get" else "", one.fault)
        for one in stage.simulator.requests
    ]
    looks += [*stage.services.asked, *stage.front.asked]
    last = Life(stage.lives[-1].end if stage.lives else stage.began, time.time(), "stopped")
    return Evidence(
        tuple(map(played, born)),
        tuple(message for inbox in stage.inboxes.values() for message in tuple(inbox.messages)),
        tuple(sorted(looks, key=lambda look: look.at)),
        (*stage.lives, last),
        tuple(stage.spans),
        {name: Wish(asked_for(name), always=name != EXTRA) for name in stage.inboxes},
        tuple(sorted(stage.clock)),
    )


@contextlib.contextmanager
def scratch(keep: str) -> Iterator[Path]:
    """Yield a directory for one run, which is kept when *keep* names it."""
    if keep:
        path = Path(keep)
        path.mkdir(parents=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        yield Path(name)
