"""The options of ``bedrock-watch get``, with the meanings that they have in the AWS CLI, version 2.

Source: AWS CLI v2 Command Reference, ``bedrock get-model-customization-job``, and its global options.
Not its business: what the options' values mean (``inputs``, ``printing``), asking AWS (``bedrock.once``).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from watcher.cli import output as out
from watcher.cli.context import Context
from watcher.errors import CallError, CliCode, ExitCode

if TYPE_CHECKING:
    from watcher.bedrock.once import Caller, Manner

    Search = Callable[[dict[str, Any]], Any]

_COLORS = {"on": "always", "off": "never", "auto": "auto"}
"""The AWS CLI's words for when there is colour: this program's."""


_OUTPUTS = ("json", "text", "table", "yaml", "yaml-stream", "off")
_ERRORS = ("enhanced", "legacy", "json", "yaml", "text", "table")


class _Misused(click.UsageError):
    """Words that cannot be carried out."""

    exit_code = CliCode.USAGE

    def show(self, file: IO[str] | None = None) -> None:
        """Write the error to stderr in the AWS CLI's default format, because the requested format is not parsed yet."""
        del file
        from watcher.cli.get import errors

        hint = f"\n{self.ctx.get_usage()}\nTry '{self.ctx.command_path} --help' for help." if self.ctx else ""
        errors.write(CallError(CliCode.USAGE, self.format_message() + hint), errors.USUAL)


class CliCommand(click.Command):
    """A command that refuses words with the AWS CLI's exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; a usage error exits with 252."""
        try:
            return super().parse_args(ctx, list(self._whole(args)))
        except click.UsageError as error:
            raise _Misused(error.format_message(), error.ctx) from error

    def _whole(self, args: Sequence[str]) -> Iterator[str]:
        """Yield the words, with options written out that are shortened: ``--job-id`` is ``--job-identifier``.

        Raises UsageError for one that could be several, and for one whose value is missing: another option is none.
        """
        known = {option: each for each in self.params for option in each.opts if option.startswith("--")}
        rest = list(args)
        while rest:
            word = rest.pop(0)
            if word == "--":
                yield from (word, *rest)
                return
            name, equals, value = word.partition("=")
            option = self._option(name, known) if name.startswith("--") else name
            yield option + equals + value
            if option in known and not equals and _takes_a_value(known[option]):
                if not rest or _is_option(rest[0]):
                    raise click.UsageError(f"argument {option}: expected one argument")
                yield rest.pop(0)

    @staticmethod
    def _option(name: str, known: Iterable[str]) -> str:
        """Return the option that *name* begins, or is; itself when there is none."""
        meant = [option for option in known if option.startswith(name)]
        if len(meant) > 1 and name not in meant:
            raise click.UsageError(f"ambiguous option: {name} could match {', '.join(meant)}")
        return meant[0] if meant and name not in meant else name


def _takes_a_value(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and not parameter.is_flag and not isinstance(parameter.flag_value, str)


def _is_option(word: str) -> bool:
    """Return whether argparse, by which the AWS CLI reads its words, takes *word* for an option."""
    return re.match(r"-(?!\d+$|\d*\.\d+$)\S+$", word) is not None


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it
    if wanted and not ctx.resilient_parsing:
        import platform

        from watcher import __version__
        from watcher.bedrock.once import version

        python = f"Python/{platform.python_version()} {platform.system()}/{platform.release()}"
        out.write(f"bedrock-watch/{__version__} {python} {version()}")
        ctx.exit()


@click.command(cls=CliCommand)
@click.argument("job", required=False, metavar="[JOB]")
@click.option("--job-identifier", metavar="ARN|NAME", help="The job; it may be a plain argument too.")
@click.option("--cli-input-json", metavar="JSON", help="The parameters as JSON, or file://PATH; options override it.")
@click.option("--cli-input-yaml", metavar="YAML", help="The parameters as YAML, or file://PATH; options override it.")
@click.option(
    "--generate-cli-skeleton",
    "skeleton",
    is_flag=False,
    flag_value="input",
    type=click.Choice(["input", "yaml-input", "output"]),
    help="Print a sample of the input (the default) or of the output, and ask nobody.",
)
@click.option("--output", type=click.Choice(_OUTPUTS), help="How to print it; off prints nothing.")
@click.option("--query", metavar="JMESPATH", help="What of the response to print.")
@click.option("--region", metavar="REGION", help="Where the job is; else AWS_REGION, or the profile's.")
@click.option("--profile", metavar="NAME", help="Whose credentials; else AWS_PROFILE.")
@click.option("--endpoint-url", metavar="URL", help="Ask there in place of AWS.")
@click.option("--no-verify-ssl", is_flag=True, help="Do not check the server's certificate.")
@click.option("--ca-bundle", metavar="PATH", help="Certificate authorities to check it with.")
@click.option("--cli-read-timeout", metavar="SECONDS", default="60", show_default=True, help="0 waits for ever.")
@click.option("--cli-connect-timeout", metavar="SECONDS", default="60", show_default=True, help="0 waits for ever.")
@click.option("--no-sign-request", is_flag=True, help="Send no credentials.")
@click.option("--color", type=click.Choice(list(_COLORS)), help="Of tables; auto (on a terminal) is the default.")
@click.option("--cli-error-format", type=click.Choice(_ERRORS), help="How to write errors; enhanced is the default.")
@click.option("--debug", is_flag=True, help="Log everything on stderr, the request included.")
@click.option("--cli-auto-prompt", is_flag=True, help="Refused: there is no prompt here.")
@click.option("--no-cli-auto-prompt", is_flag=True, help="Accepted: there is no prompt here.")
@click.option("--no-cli-pager", is_flag=True, help="Accepted: there is no pager here.")
@click.option("--no-paginate", is_flag=True, help="Accepted: the answer has one page.")
@click.option(
    "--cli-binary-format",
    type=click.Choice(["base64", "raw-in-base64-out"]),
    help="Accepted: nothing in it is binary.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print versions.")
@click.pass_obj
def get(context: Context, /, **options: Any) -> int:  # noqa: ANN401 - click makes them
    """Print what AWS says of a job: aws bedrock get-model-customization-job.

    The options, the output and the exit codes are those of the AWS CLI, version 2: 252 usage, 253 configuration or
    credentials, 254 refused by the service, 255 anything else.  It uses AWS's own configuration (AWS_PROFILE,
    AWS_REGION, ~/.aws/config), and not that of bedrock-watch.  Members of the response that this version does not
    know are printed too.
    """
    context.color = _COLORS.get(options.pop("color"), context.color)
    context.failed = CliCode.OTHER
    form = options.pop("cli_error_format")
    caller = None
    try:
        options["search"] = _query(options.pop("query"))
        manner = _manner(options)
        from watcher.bedrock.once import Caller

        caller = Caller(manner)
        text = _answer(caller, colored=context.colored, **options)
    except CallError as error:
        from watcher.cli.get import errors

        configured = caller.error_format() if caller else os.environ.get("AWS_CLI_ERROR_FORMAT")
        errors.write(error, form or configured or errors.USUAL, colored=context.colors(sys.stderr))
        return error.exit_code
    out.write(text, end="")
    return ExitCode.DONE


def _answer(
    caller: Caller,
    *,
    skeleton: str | None,
    search: Search,
    output: str | None,
    colored: bool,
    **options: Any,  # noqa: ANN401
) -> str:
    from watcher.bedrock.once import OPERATION
    from watcher.cli.get import printing

    if options["cli_auto_prompt"]:
        raise CallError(
            CliCode.USAGE, "--cli-auto-prompt: there is no prompt here; bedrock-watch get --help names all the options"
        )
    if skeleton == "input":
        return printing.input_sample(caller.parameters())
    if skeleton == "yaml-input":
        return printing.yaml_input_sample(caller.parameters())
    parameters = _parameters(options)
    response = caller.sample(parameters) if skeleton else caller.get(parameters)
    form = output or caller.output()
    # A query of what is not printed is not made, as in the AWS CLI.
    try:
        found = None if form == "off" else search(response)
        return printing.printed(form, OPERATION, found, colored=colored, terminal=sys.stdout.isatty())
    except RecursionError as error:
        raise CallError(CliCode.OTHER, "the response is nested too deeply to be printed") from error


def _parameters(options: dict[str, Any]) -> dict[str, Any]:
    from watcher.cli.get.inputs import parameters

    job, identifier = options["job"], options["job_identifier"]
    if job is not None and identifier is not None:
        raise CallError(CliCode.USAGE, "the job is given twice: as an argument, and with --job-identifier")
    documents = options["cli_input_json"], options["cli_input_yaml"]
    identifier = job if identifier is None else identifier
    if identifier is None and documents == (None, None):
        raise CallError(CliCode.USAGE, "the following arguments are required: --job-identifier")
    return parameters(identifier, *documents)


def _manner(options: dict[str, Any]) -> Manner:
    from watcher.bedrock.once import Manner

    endpoint = options["endpoint_url"]
    if endpoint is not None and not _is_url(endpoint):
        raise CallError(
            CliCode.USAGE,
            f'Bad value for --endpoint-url "{endpoint}": scheme is missing.'
            "  Must be of the form http://<hostname>/ or https://<hostname>/",
        )
    return Manner(
        profile=options["profile"],
        region=options["region"],
        endpoint_url=endpoint,
        verify=False if options["no_verify_ssl"] else options["ca_bundle"],
        connect_timeout=_timeout("--cli-connect-timeout", options["cli_connect_timeout"]),
        read_timeout=_timeout("--cli-read-timeout", options["cli_read_timeout"]),
        sign=not options["no_sign_request"],
        debug=options["debug"],
    )


def _timeout(option: str, text: str) -> int | None:
    """Return seconds, or None for ever; what is no number of them is no matter of usage to the AWS CLI either."""
    try:
        seconds = int(text)
    except ValueError as error:
        raise CallError(CliCode.OTHER, f"{option}: {error}") from error
    if seconds < 0:
        raise CallError(CliCode.OTHER, f"{option}: {seconds} is less than 0")
    return seconds or None


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError as error:  # to the AWS CLI no matter of usage
        raise CallError(CliCode.OTHER, f'Bad value for --endpoint-url "{text}": {error}') from error


def _query(expression: str | None) -> Search:
    """Return what takes from a response what *expression* says; raises CallError for a bad one."""
    if expression is None:
        return lambda response: response
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise CallError(CliCode.USAGE, f"Bad value for --query {expression}: {error}") from error

    def search(response: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON is JSON
        try:
            return _checked(compiled.search(response))
        except JMESPathError as error:
            raise CallError(CliCode.OTHER, str(error)) from error

    return search


def _checked(value: Any) -> Any:  # noqa: ANN401 - JSON is JSON
    """Return *value*; raises CallError where a query has yielded what no format can have: "&name" is a function."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _checked(part)
    if callable(getattr(value, "visit", None)):
        raise CallError(CliCode.OTHER, "--query: the result holds an expression (&...), which cannot be printed")
    return value
