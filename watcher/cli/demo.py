"""``bedrock-watch demo``: the whole story in half a minute, on a simulated Bedrock.

The daemon is the real one, as a process of its own, with a temporary state directory; its alerts come back through a
webhook on loopback and are shown as they were sent.  Not its business: the jobs' stories (``simulator.scripts``).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watcher.cli.invocation import runnable
from watcher.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from watcher.simulator import Simulator

SPEED = 1200.0
"""AWS's seconds in a real one: a job of three hours takes ten seconds."""

ENDS_WITHIN, GRACE = 28.0, 10.0
"""Seconds, whatever happens; and of them, what the daemon has to stop."""

_ONLY_OURS = ("-P",)
"""Python's option that keeps the current directory off the path: a ``watcher`` there is not our program."""

_COLORS = {"failure": "red", "warning": "yellow", "success": "green", "info": "cyan"}

_ENVIRONMENT = {
    # Dummy credentials, and no look at anybody's own: the demo needs nothing and touches nothing.
    "AWS_ACCESS_KEY_ID": "AKIADEMODEMODEMODEMO",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
_NOT_PASSED_ON = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "BEDROCK_WATCH_CONFIG", "STATE_DIRECTORY")


@click.command()
@click.option("--notify", "urls", multiple=True, metavar="URL", help="Send the alerts here too (any Apprise URL).")
@click.pass_context
def demo(ctx: click.Context, urls: tuple[str, ...]) -> int:
    """Play the whole story on a simulated Bedrock, alerts included.

    Four jobs run, one of them fails and one is stopped; takes less than half a minute and needs nothing.
    """
    import anyio
    from rich.console import Console

    for url in urls:
        _check(url)
    color = ctx.obj.color
    console = Console(
        force_terminal=True if color == "always" else None, no_color=True if color == "never" else None, highlight=False
    )
    with tempfile.TemporaryDirectory(prefix="bedrock-watch-demo-") as directory:
        return anyio.run(_play, Path(directory), urls, console)


def _check(url: str) -> None:
    from watcher.channels import BadChannel, check_url

    try:
        check_url("yours", url)
    except BadChannel as error:
        raise click.BadParameter(str(error), param_hint="--notify") from error


async def _play(directory: Path, urls: Sequence[str], console: Console) -> int:
    import anyio

    from watcher.simulator import Simulator, distillation, failing, fine_tuning, stopped

    simulator, finished = Simulator(), anyio.Event()
    scripts = [make(speed=SPEED) for make in (distillation, fine_tuning, failing, stopped)]
    awaited = {f"{script.phases[-1].status.upper()} {script.name}" for script in scripts}

    def arrived(alert: dict[str, Any]) -> None:
        _show(console, alert)
        awaited.difference_update([ending for ending in awaited if ending in alert["title"]])
        if not awaited:
            finished.set()

    async with simulator.serve() as endpoint, _receiver(arrived) as webhook:
        arns = [simulator.play(script) for script in scripts]
        config = directory / "config.toml"
        config.touch(mode=0o600)
        config.write_text(_configuration(directory, endpoint, webhook, urls, arns))
        _greet(console, endpoint, arns)
        with (directory / "daemon.log").open("wb") as log:
            command = [sys.executable, *_ONLY_OURS, "-m", "watcher", "--config", str(config), "run"]
            async with await anyio.open_process(command, stdout=log, stderr=log, env=_environment()) as daemon:
                with anyio.move_on_after(ENDS_WITHIN - GRACE):
                    await finished.wait()
                    await anyio.sleep(0.5 + len(urls))  # the other channels' turn
                with suppress(ProcessLookupError):  # it may have ended by itself, which _sum_up tells
                    daemon.terminate()
                await daemon.wait()
    return _sum_up(console, simulator, directory, awaited)


def _configuration(directory: Path, endpoint: str, webhook: str, urls: Sequence[str], arns: Sequence[str]) -> str:
    """Return the demo's configuration: what a person would write, at a fast cadence."""
    lines = [
        f"state_dir = {_quoted(str(directory))}",
        "[poll]",
        'fastest = "200ms"',
        'slowest = "400ms"',
        "[aws]",
        f"endpoint_url = {_quoted(endpoint)}",
    ]
    for arn in arns:
        lines += ["[[job]]", f"id = {_quoted(arn)}"]
    for number, url in enumerate((webhook, *urls)):
        lines += ["[[channel]]", f'name = "{"terminal" if not number else f"yours-{number}"}"', f"url = {_quoted(url)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return *text* as a TOML string: JSON's form is one."""
    import json

    return json.dumps(text)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return kept | _ENVIRONMENT


@asynccontextmanager
async def _receiver(arrived: Callable[[dict[str, Any]], None]) -> AsyncIterator[str]:
    """Be a webhook on loopback; yield its Apprise URL."""
    from aiohttp import web

    async def post(request: web.Request) -> web.Response:
        arrived(await request.json())
        return web.Response()

    application = web.Application()
    application.router.add_post("/", post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"json://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def _greet(console: Console, endpoint: str, arns: Sequence[str]) -> None:
    console.print(f"A simulated Bedrock serves {endpoint}; the daemon watches {len(arns)} jobs on it:")
    for arn in arns:
        console.print(f"  {arn}", markup=False, style="dim", soft_wrap=True)
    console.print(
        "Hours pass in seconds, so that what was seen at once may be said to be hours late."
        "  Each alert is shown as a webhook received it.\n"
    )


def _show(console: Console, alert: dict[str, Any]) -> None:
    from rich.panel import Panel
    from rich.text import Text

    color = _COLORS.get(str(alert.get("type")), "cyan")
    title = Text(str(alert["title"]), style=f"bold {color}")
    console.print(Panel(Text(str(alert["message"])), title=title, title_align="left", border_style=color))


def _sum_up(console: Console, simulator: Simulator, directory: Path, missing: Collection[str]) -> int:
    """Say how it went; return the exit code."""
    if missing:
        console.print(f"Not every alert arrived in time; missing: {', '.join(sorted(missing))}", style="red")
        console.print((directory / "daemon.log").read_text(), markup=False)
        return ExitCode.FAILED
    undelivered = _undelivered(directory)
    for channel, reason in undelivered.items():
        console.print(f"{channel} was not told: {reason}", style="red", markup=False)
    calls = " and ".join(f"{count} {operation}" for operation, count in sorted(simulator.counts.items()))
    console.print(f"Every ending was told.  The daemon asked Bedrock {calls} times.")
    steps = ("bedrock-watch config init", "bedrock-watch add JOB-ARN", "bedrock-watch run")
    console.print(f"Next: {', then '.join(map(runnable, steps))}", markup=False, soft_wrap=True)
    return ExitCode.DELIVERY_FAILED if undelivered else ExitCode.DONE


def _undelivered(directory: Path) -> dict[str, str]:
    """Return the channels to which a message did not get through, and why."""
    from watcher import presence
    from watcher.store import Store

    store = Store.open(presence.database(directory))
    try:
        told = store.history.deliveries(("pending", "sending", "uncertain", "dead"))
        return {one.channel: one.last_error or "there was no time" for one in told}
    finally:
        store.close()
