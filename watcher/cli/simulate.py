"""``bedrock-watch simulate``: a simulated Bedrock for fire drills, with SQS and STS beside it.

The configuration that points at it goes to stdout or into a file (``--append``), words go to stderr.
Not its business: the daemon that watches it (``run``), and the ready-made show (``demo``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watcher.cli.options import seconds
from watcher.config.sections import ACCOUNT, REGION
from watcher.simulator import SCENARIOS, Drill, Fault, Kind, Simulator

if TYPE_CHECKING:
    from watcher.cli.append import Target
    from watcher.cli.drill import Sections
    from watcher.simulator import Script

_LONGEST_STAGGER = 86_400.0

_HELP = f"""Serve a simulated Bedrock on loopback, for fire drills.

Prints a configuration whose discovery rule finds the drill's jobs, and serves until Ctrl-C.  Jobs start one after
the other (--stagger), and each has a name of its own.  After a restart with the same --seed they have the same
ARNs.

\b
A fire drill with your own channels:
  cp config.toml drill.toml
  bedrock-watch simulate --port 4599 --append drill.toml
  bedrock-watch --config drill.toml run       (in another terminal)
Add a job while it runs, in one of two ways:
  bedrock-watch simulate --add-to http://127.0.0.1:4599 --scenario failing
  curl --json '{{"scenario": "failing"}}' http://127.0.0.1:4599/_simulator/jobs

Scenarios: {", ".join(SCENARIOS)}.

Faults: {", ".join(Kind)}.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What the command was asked for."""

    port: int
    scenarios: tuple[str, ...]
    speed: float | None
    region: str | None
    account: str | None
    seed: str
    stagger: str
    append: Path | None
    add_to: str
    queue: bool
    role: bool
    failure_message: str
    faults: tuple[str, ...]


_OPTIONS = (
    click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one."),
    click.option(
        "--scenario", "scenarios", multiple=True, metavar="NAME", help="Job to play, repeatable; default: one of each."
    ),
    click.option(
        "--stagger",
        default="5s",
        show_default=True,
        metavar="DURATION",
        help="Time from one job's start to the next's.",
    ),
    click.option(
        "--speed", type=click.FloatRange(1, 1e6), help="How many times faster than in AWS a job runs.  [default: 60]"
    ),
    click.option("--region", help="Region of the jobs.  [default: us-east-1]"),
    click.option("--account", help="Account of the jobs.  [default: 123456789012]"),
    click.option(
        "--seed", default="drill", show_default=True, metavar="WORD", help="Decides the ARNs: the same, the same ARNs."
    ),
    click.option(
        "--append",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Add the drill's sections to this configuration instead of printing them.",
    ),
    click.option("--queue", is_flag=True, help="Drill a [[queue]], too: an SQS queue gets an event for each change."),
    click.option("--role", is_flag=True, help="Drill an [[account]] with role_arn, too: STS gives the credentials."),
    click.option("--add-to", default="", metavar="URL", help="Add jobs to the simulator at this address, and end."),
    click.option("--failure-message", default="", help="What a failing job says; default: a genuine message of AWS."),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="KIND[:COUNT]",
        help="What goes wrong, repeatable: throttled:3 spoils three answers, throttled all.",
    ),
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(help=_HELP)
@_with_options
def simulate(**words: Any) -> None:  # noqa: ANN401 - click gives them by name, as _Options declares them
    """Serve until Ctrl-C, or add jobs to a simulator that runs.  The help is in _HELP."""
    import anyio

    options = _Options(**words)
    _check(options)
    if options.add_to:
        _add(options)
        return
    drill = _drill(options)
    simulator = Simulator(drill=drill)
    for word in options.faults:
        simulator.inject(_fault(word))
    scripts = _scripts(options, drill)
    target = _target(options, drill)
    anyio.run(_serve, simulator, options, scripts, target)


def _check(options: _Options) -> None:
    """Raise BadParameter for words that mean nothing."""
    if options.region is not None and not re.fullmatch(REGION, options.region):
        raise click.BadParameter(f"{options.region!r} is not a region; write it like us-east-1", param_hint="--region")
    if options.account is not None and not re.fullmatch(ACCOUNT, options.account):
        raise click.BadParameter(f"{options.account!r} is not an account; give its 12 digits", param_hint="--account")
    for name in options.scenarios:
        if name not in SCENARIOS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(SCENARIOS)}", param_hint="--scenario")
    others = ("append", "queue", "role", "faults", "port")
    if options.add_to and (wrong := [name for name in others if getattr(options, name)]):
        raise click.UsageError(f"--add-to does not go with --{wrong[0].removesuffix('s')}: the simulator runs already")
    if options.add_to and not options.scenarios:
        raise click.UsageError("--add-to needs a --scenario: which job to add")


def _drill(options: _Options) -> Drill:
    given = {"region": options.region, "account": options.account, "speed": options.speed, "seed": options.seed}
    return Drill(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]


def _scripts(options: _Options, drill: Drill) -> list[Script]:
    """Return the scripts to play, in the order of their starts."""
    return [SCENARIOS[name](**drill.defaults, **_message(options, name)) for name in options.scenarios or SCENARIOS]


def _message(options: _Options, scenario: str) -> dict[str, str]:
    wanted = options.failure_message and "failing" in scenario
    return {"failure_message": options.failure_message} if wanted else {}


def _add(options: _Options) -> None:
    """Add the jobs to a simulator that runs, and print their ARNs."""
    from watcher.cli.adding import add_job

    given = {"region": options.region, "account": options.account, "speed": options.speed}
    order = {key: value for key, value in given.items() if value is not None}
    for name in options.scenarios:
        click.echo(add_job(options.add_to, {"scenario": name, **order, **_message(options, name)}))


def _target(options: _Options, drill: Drill) -> Target | None:
    """Return the file to extend; raises WatchError when that cannot be done."""
    from watcher.cli.append import Target

    if options.append is None:
        return None
    target = Target(options.append)
    target.check(drill.account, role=options.role)
    target.extended(_sections(options, drill, "http://127.0.0.1:1"))  # refuses before anything is served
    return target


async def _serve(simulator: Simulator, options: _Options, scripts: Sequence[Script], target: Target | None) -> None:
    """Serve until Ctrl-C or SIGTERM, both a clean end, and start the jobs one after the other."""
    import signal

    import anyio

    pause = seconds("--stagger", options.stagger, _LONGEST_STAGGER)
    async with simulator.serve(port=options.port) as endpoint:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            _announce(simulator, options, endpoint, target)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_start, simulator, scripts, pause)
                async for _ in signals:
                    tasks.cancel_scope.cancel()
                    break
    counts = ", ".join(f"{count} {operation}" for operation, count in sorted(simulator.counts.items()))
    click.echo(f"stopped; requests answered: {counts or 'none'}", err=True)


async def _start(simulator: Simulator, scripts: Sequence[Script], pause: float) -> None:
    """Start each job *pause* seconds after the one before."""
    import anyio

    for number, script in enumerate(scripts):
        if number and pause:
            await anyio.sleep(pause)
        named = replace(script, name=simulator.unused_name(script))
        click.echo(f"started {named.name}: {simulator.play(named)}", err=True)


def _announce(simulator: Simulator, options: _Options, endpoint: str, target: Target | None) -> None:
    """Write the configuration, and print what to do."""
    from watcher.cli.drill import advice

    assert simulator.drill is not None  # noqa: S101 - simulate() has set it
    sections = _sections(options, simulator.drill, endpoint)
    if target:
        target.write(target.extended(sections))
        if target.has_state_dir:
            click.echo(f"{options.append} names a state_dir: the drill's jobs go into that database.", err=True)
    else:
        click.echo(sections.whole(), nl=False)
    file = shlex.quote(str(options.append)) if options.append else ""
    click.echo(advice(sections, file, _again(options, endpoint)), err=True)


def _sections(options: _Options, drill: Drill, endpoint: str) -> Sections:
    from watcher.cli.drill import Sections
    from watcher.identifiers import NOUNS
    from watcher.simulator.services import QUEUE

    return Sections(
        endpoint,
        drill.region,
        drill.account,
        tuple(f"{key}={value}" for key, value in drill.tags.items()),
        tuple(NOUNS),
        queue=f"{endpoint}/{drill.account}/{QUEUE}" if options.queue else "",
        role=f"arn:aws:iam::{drill.account}:role/bedrock-watch" if options.role else "",
    )


def _again(options: _Options, endpoint: str) -> str:
    """Return the command that serves the same jobs at the same address."""
    given = {
        "--port": endpoint.rpartition(":")[2],
        "--speed": f"{options.speed:g}" if options.speed else None,
        "--region": options.region,
        "--account": options.account,
        "--seed": options.seed if options.seed != "drill" else None,
        "--stagger": options.stagger if options.stagger != "5s" else None,
        "--failure-message": options.failure_message or None,
    }
    words = [word for name, value in given.items() if value is not None for word in (name, value)]
    words += [word for name in options.scenarios for word in ("--scenario", name)]
    return shlex.join(["bedrock-watch", "simulate", *words]) + " > /dev/null"


def _fault(word: str) -> Fault:
    """Return the fault that ``KIND[:COUNT]`` means; raises BadParameter."""
    kind, colon, count = word.partition(":")
    if kind not in list(Kind):
        raise click.BadParameter(f"{kind!r} is not one of {', '.join(Kind)}", param_hint="--fault")
    if colon and not (count.isdecimal() and int(count)):
        raise click.BadParameter(f"{count!r} is not a count of 1 or more", param_hint="--fault")
    return Fault(kind=Kind(kind), count=int(count) if colon else None)
