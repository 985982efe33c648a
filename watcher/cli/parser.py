"""The command group, its lazily imported commands, and the global options.

Not its business: what any command does, and what becomes of an error (``ending``).
"""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import Any

import click

from watcher import __version__
from watcher.cli.context import Context
from watcher.cli.ending import leave
from watcher.errors import ExitCode, UsageError

COMMANDS = {
    # name: (module, attribute, one line of help)
    "add": ("watcher.cli.add", "add", "Watch jobs, and say what AWS says of them now."),
    "remove": ("watcher.cli.jobs", "remove", "Stop watching jobs."),
    "discover": ("watcher.cli.discover", "discover", "Show which jobs in AWS the rules match now, and add them."),
    "list": ("watcher.cli.jobs", "list_jobs", "List the watched jobs."),
    "show": ("watcher.cli.show", "show", "Show everything that is known of a job."),
    "get": ("watcher.cli.get.command", "get", "Print what AWS says of a job, exactly as the AWS CLI does."),
    "events": ("watcher.cli.events", "events", "Show what changed, and when."),
    "deliveries": (
        "watcher.cli.deliveries",
        "deliveries",
        "List messages and their tries, send them again, or drop them.",
    ),
    "quarantine": (
        "watcher.cli.quarantine",
        "quarantine",
        "List inputs that crashed the daemon, or try them again.",
    ),
    "wait": ("watcher.cli.wait.command", "wait", "Wait until jobs are over, or have come to a sub-task's status."),
    "eventbridge-pattern": (
        "watcher.cli.eventbridge",
        "eventbridge_pattern",
        "Print the pattern of the EventBridge rule that feeds a [[queue]].",
    ),
    "mute": ("watcher.cli.mute", "mute", "Hold the news of jobs back for a while."),
    "unmute": ("watcher.cli.mute", "unmute", "Tell the news of jobs again, and now what was held back."),
    "channel": ("watcher.cli.channel", "channel", "List the channels, explain them, preview or test messages."),
    "status": ("watcher.cli.status", "status", "Show whether the daemon runs, and how things stand."),
    "health": ("watcher.cli.health", "health", "Say in one line whether the daemon is well, for monitors."),
    "doctor": ("watcher.cli.doctor", "doctor", "Look for what is wrong, and say what to do about it."),
    "db": ("watcher.cli.db", "db", "Back the database up, or check it."),
    "config": ("watcher.cli.config", "config", "Check, show or write the configuration."),
    "iam-policy": ("watcher.cli.iam", "iam_policy", "Print the least that AWS has to allow, for what is watched now."),
    "run": ("watcher.cli.run", "run", "Run the daemon in the foreground."),
    "demo": ("watcher.cli.demo", "demo", "Play the whole story on a simulated Bedrock, alerts included."),
    "simulate": ("watcher.cli.simulate", "simulate", "Serve a simulated Bedrock on loopback, for fire drills."),
    "completion": ("watcher.cli.manual", "completion", "Print what makes a shell complete commands, options and jobs."),
    "man": ("watcher.cli.manual", "man", "Print the manual page, in the markup of man pages."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is run or its own help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a wrong table is a bug of ours
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of one that is misspelt, say which was meant: click looks only among loaded ones."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if close:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command returns
        """Run a command.  A reader that went away is what the command says that it is; to click, it is a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return ctx.ensure_object(Context).unread

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "config_path", metavar="PATH", help="Configuration file to use.")
@click.option("-v", "--verbose", count=True, help="Log more (daemon), say more (commands); -vv for everything.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour; auto: on a terminal."
)
@click.version_option(__version__, prog_name="bedrock-watch")
@click.pass_context
def cli(ctx: click.Context, config_path: str | None, verbose: int, color: str) -> None:
    """Watch Amazon Bedrock jobs (fine-tuning, distillation, batch inference and more), and tell people what changed."""
    context = ctx.ensure_object(Context)
    context.config_path, context.verbose, context.color = config_path, verbose, color


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with the code of the contract; never show a traceback."""
    context = Context()
    leave(context, lambda: _run(args, context), process=args is None)


def _is_no_text(word: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in word)


def _run(args: list[str] | None, context: Context) -> int:
    try:
        result: Any = cli.main(args=args, prog_name="bedrock-watch", standalone_mode=False, obj=context)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except UnicodeEncodeError as error:
        # Python keeps bytes of a word that are no text in this form, and a database cannot hold them.
        words = [word for word in (sys.argv[1:] if args is None else args) if _is_no_text(word)]
        if not words:
            raise
        raise UsageError(f"not text: {' '.join(map(ascii, words))}", "write it in UTF-8") from error
    return result if isinstance(result, int) else ExitCode.DONE
