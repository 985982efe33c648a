"""The daemon's lives and deaths, one after the other, as the plan has them."""

from __future__ import annotations

import resource
import signal
import subprocess
import time
from dataclasses import replace

from chaos.plan import EXTRA, Death
from chaos.records import Ended, Life, Span
from chaos.stage import Stage

PATIENCE = 60.0
"""Seconds that a start, or an orderly stop, may take before it is called a bug."""

SMALL = 4096
"""Bytes of a file at most, for a daemon whose disk is said to be full."""

_GLANCE = 0.01
_TROUBLES = ("disk", "lock")


def live(stage: Stage, death: Death) -> None:
    """Begin a daemon, let it live as *death* has it, and end it."""
    ended: Ended = "killed"
    begin, popen = time.time(), _begin(stage, together=death.twin == "together")
    ready = False
    try:
        if death.early:
            _let(stage, popen, death)
        else:
            ready = _await_ready(stage, popen)
            if ready:
                _disturb(stage, popen, death)
                _let(stage, popen, death)
        ended = _end(stage, popen, death, ready=ready)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()
        stage.daemon = None
        stage.lives.append(Life(begin, time.time(), ended))


def run_until(stage: Stage, kills: int, seconds: float) -> None:
    """Live and die until there were so many kills and seconds."""
    for death in stage.plan.deaths():
        if stage.kills >= kills and time.time() - stage.began >= seconds:
            return
        live(stage, death)


def limit(stage: Stage, popen: subprocess.Popen[bytes] | None) -> None:
    """Let a daemon's files grow as far as the stage allows now."""
    if popen is not None and popen.poll() is None:
        most = SMALL if stage.limited else resource.RLIM_INFINITY
        try:
            resource.prlimit(popen.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        except ProcessLookupError:
            return


def _begin(stage: Stage, *, together: bool) -> subprocess.Popen[bytes]:
    popen = stage.home.begin()
    stage.counts["starts"] += 1
    if together:
        other = stage.home.begin()
        stage.counts["two at once"] += 1
        popen = _survivor(stage, popen, other)
    stage.daemon = popen
    limit(stage, popen)
    return popen


def _survivor(stage: Stage, one: subprocess.Popen[bytes], other: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Return the one of two daemons that goes on; the other must refuse."""
    end = time.monotonic() + PATIENCE
    while one.poll() is None and other.poll() is None and time.monotonic() < end:
        time.sleep(_GLANCE)
    gone, alive = (one, other) if one.poll() is not None else (other, one)
    if gone.poll() is None:
        stage.bugs.append("two daemons run on one database")
        gone.kill()
        gone.wait()
    elif gone.returncode == 0:
        stage.bugs.append("the second of two daemons ended with 0")
    return alive


def _await_ready(stage: Stage, popen: subprocess.Popen[bytes]) -> bool:
    """Return whether the daemon is ready; it may take its time, or give up, while the database is in trouble."""
    end = time.monotonic() + PATIENCE
    while popen.poll() is None and time.monotonic() < end:
        if stage.home.status().get("pid") == popen.pid:
            return True
        time.sleep(_GLANCE)
    if popen.poll() is None:
        stage.bugs.append(f"a daemon was not ready within {PATIENCE:g} s")
    return False


def _disturb(stage: Stage, popen: subprocess.Popen[bytes], death: Death) -> None:
    if death.twin == "second":
        second = stage.home.begin()
        stage.counts["two at once"] += 1
        if second.wait(PATIENCE) == 0:
            stage.bugs.append("a second daemon beside a running one ended with 0")
    if death.reload:
        _reload(stage, popen, death.reload)
    if death.stopped and popen.poll() is None:
        with stage.span("stopped"):
            popen.send_signal(signal.SIGSTOP)
            time.sleep(death.stopped)
            popen.send_signal(signal.SIGCONT)
        stage.counts["SIGSTOP"] += 1


def _reload(stage: Stage, popen: subprocess.Popen[bytes], how: str) -> None:
    home = stage.home
    with stage.configuring:
        if how == "good":
            home.slowest = 2.5 - home.slowest
        elif how == "channel":
            home.extra = not home.extra
            _keep_removal(stage, removed=not home.extra)
        home.configure("\n[poll\n" if how == "bad" else "")
        popen.send_signal(signal.SIGHUP)
        stage.counts["reloads" if how != "bad" else "reloads of a bad configuration"] += 1
        if how == "bad":
            time.sleep(1.0)
            home.configure()


def _keep_removal(stage: Stage, *, removed: bool) -> None:
    """Keep on record since when, or until when, the extra channel is not configured."""
    now = time.time()
    if removed:
        stage.spans.append(Span("removed", now, float("inf"), EXTRA))
        return
    for place, span in enumerate(stage.spans):
        if span.what == "removed" and span.end > now:
            stage.spans[place] = replace(span, end=now)


def _let(stage: Stage, popen: subprocess.Popen[bytes], death: Death) -> None:
    """Let it live for its time, or until it has a message in flight."""
    end = time.monotonic() + death.seconds
    while popen.poll() is None and time.monotonic() < end:
        if death.in_flight and any(inbox.holding for inbox in stage.inboxes.values()):
            time.sleep(death.seconds / 100)
            return
        time.sleep(_GLANCE)


def _end(stage: Stage, popen: subprocess.Popen[bytes], death: Death, *, ready: bool) -> Ended:
    """End it as *death* has it, and return how it ended."""
    if popen.poll() is not None:
        _own_end(stage, popen.returncode, ready=ready)
        return "by itself"
    stage.counts["deaths in flight"] += any(inbox.holding for inbox in stage.inboxes.values())
    if death.signal == "SIGKILL":
        popen.kill()
        popen.wait()
        stage.counts["kills"] += 1
        return "killed"
    popen.terminate()
    stage.counts["SIGTERM"] += 1
    try:
        code = popen.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        stage.bugs.append(f"a daemon did not stop within {PATIENCE:g} s of SIGTERM")
        return "killed"
    if code != 0 and ready:
        stage.bugs.append(f"a daemon ended with {code} at SIGTERM")
    return "stopped"


def _own_end(stage: Stage, code: int, *, ready: bool) -> None:
    """Judge a daemon that ended by itself: it may give up at its start, while it cannot use its database."""
    if not ready and code > 0 and stage.is_so(_TROUBLES, within=15.0):
        stage.counts["starts given up (disk, lock)"] += 1
        time.sleep(0.5)
        return
    stage.counts["ended by itself"] += 1
    stage.bugs.append(f"a daemon ended by itself with {code} ({'ready' if ready else 'not ready yet'})")
