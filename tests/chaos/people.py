"""What people do meanwhile: they begin jobs, and use the command line."""

from __future__ import annotations

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor

from chaos.plan import Birth, Trouble
from chaos.stage import Stage
from watcher.simulator import Refusal

_READING = {
    "list": ("list", "--all"),
    "status": ("status",),
    "events": ("events",),
    "deliveries": ("deliveries",),
    "check": ("config", "check"),
}


def births(stage: Stage) -> None:
    """Begin the jobs as the kills go on, and have them watched."""
    waiting = list(stage.plan.births)
    while waiting and not stage.over.wait(0.1):
        while waiting and waiting[0].after <= stage.kills:
            _bear(stage, waiting.pop(0))


def visits(stage: Stage) -> None:
    """Use the command line, two commands at a time, until the run is over."""
    with ThreadPoolExecutor(2) as pool:
        for wish in stage.plan.people():
            if stage.over.wait(wish.pause):
                return
            if stage.born:
                # The pool's own queue is bounded: a wish waits for the one before the last.
                pool.submit(_visit, stage, wish)
                while pool._work_queue.qsize() > 1 and not stage.over.wait(0.1):
                    pass


def _bear(stage: Stage, birth: Birth) -> None:
    arn = stage.simulator.play(birth.script)
    if birth.configured:
        with stage.configuring:
            stage.home.jobs.append(arn)
            stage.home.configure()
    else:
        stage.insist("add", arn, "--no-wait")
    stage.born[birth.script.name] = birth


def _visit(stage: Stage, wish: Trouble) -> None:
    name = random.Random(wish.whom).choice(stage.running())
    stage.counts[f"command {wish.what}"] += 1
    match wish.what:
        case "add":
            stage.command("add", stage.arn(name), "--no-wait")
        case "remove":
            _remove(stage, name, wish.seconds)
        case "mute":
            stage.command("mute", name, "--for", f"{wish.seconds:.0f}s")
        case "retry":
            _retry(stage)
        case "revive":
            stage.command("deliveries", "retry", "--all-dead")
        case "stop":
            with contextlib.suppress(Refusal):  # it is over, or stopping already
                stage.simulator.stop(name, seconds=wish.seconds)
        case "show":
            stage.command("show", name)
        case _:
            stage.command(*_READING[wish.what])


def _remove(stage: Stage, name: str, seconds: float) -> None:
    """Stop watching a job, and think better of it."""
    if not stage.born[name].configured:
        stage.command("remove", name)
        stage.over.wait(seconds)
        stage.insist("add", stage.arn(name), "--no-wait")


def _retry(stage: Stage) -> None:
    waiting = stage.home.query("SELECT id FROM deliveries WHERE state IN ('pending', 'uncertain') LIMIT 1")
    for (delivery,) in waiting:
        stage.command("deliveries", "retry", str(delivery))
