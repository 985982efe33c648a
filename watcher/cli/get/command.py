"""The options of ``bedrock-watch get``, with the meanings that they have in the AWS CLI, version 2.

Source: AWS CLI v2 Command Reference, ``bedrock get-model-customization-job``, and its global options.
Not its business: what the options' values mean (``inputs``, ``printing``), asking AWS (``bedrock.once``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from watcher.cli import output as out
from watcher.cli.context import Context
from watcher.errors import CallError, CliCode, ExitCode

if TYPE_CHECKING:
    from watcher.bedrock.once import Manner

_COLORS = {"on": "always", "off": "never", "auto": "auto"}
"""The AWS CLI's words for when there is colour: this program's."""


class _Misused(click.UsageError):
    """Words that cannot be carried out."""

    exit_code = CliCode.USAGE


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
@click.option("--output", type=click.Choice(["json", "text", "table", "yaml", "yaml-stream"]), help="How to print it.")
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
    try:
        text = _answer(colored=context.colored, **options)
    except CallError as error:
        sys.stderr.write(f"\n{error.what}\n")
        return error.exit_code
    out.write(text, end="")
    return ExitCode.DONE


def _answer(*, skeleton: str | None, query: str | None, output: str | None, colored: bool, **options: Any) -> str:  # noqa: ANN401
    from watcher.bedrock.once import OPERATION, Caller
    from watcher.cli.get import printing

    if options["cli_auto_prompt"]:
        raise CallError(
            CliCode.USAGE, "--cli-auto-prompt: there is no prompt here; bedrock-watch get --help names all the options"
        )
    search = _query(query)
    caller = Caller(_manner(options))
    if skeleton == "input":
        return printing.input_sample(caller.parameters())
    if skeleton == "yaml-input":
        return printing.yaml_input_sample(caller.parameters())
    parameters = _parameters(options)
    response = caller.sample(parameters) if skeleton else caller.get(parameters)
    return printing.printed(output or caller.output(), OPERATION, search(response), colored=colored)


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
    except ValueError:
        return False


def _query(expression: str | None) -> Any:  # noqa: ANN401 - a function of JSON to JSON
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
            return compiled.search(response)
        except JMESPathError as error:
            raise CallError(CliCode.OTHER, str(error)) from error

    return search
