"""One call of Bedrock in the manner of the AWS CLI: with AWS's own configuration, answered whole.

``bedrock.client`` is for polling; this is for a person who asks once, and who knows the AWS CLI.  What the CLI reads
(environment, ``~/.aws/config``, endpoint settings, retries) is read as it does.
Not its business: words, formats and queries (``cli.get``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore import UNSIGNED, xform_name
from botocore import __version__ as sdk_version
from botocore import exceptions as sdk
from botocore.config import Config
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError, ResponseParserFactory, RestJSONParser
from botocore.session import Session
from botocore.utils import ArgumentGenerator, parse_timestamp
from botocore.validate import validate_parameters

from watcher import __version__
from watcher.bedrock.redact import excerpt, redacted
from watcher.errors import CallError, CliCode

OPERATION = "GetModelCustomizationJob"

TIMEOUT = 60
"""Seconds to connect and to read, unless told otherwise.  Source: AWS CLI User Guide, global options."""

_VARIABLES = {
    # name: (in the profile, in the environment, default, conversion); as in version 2 of the AWS CLI
    "region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None),
    "output": ("output", "AWS_DEFAULT_OUTPUT", "json", None),
    "cli_timestamp_format": ("cli_timestamp_format", None, "iso8601", None),
    "cli_error_format": ("cli_error_format", "AWS_CLI_ERROR_FORMAT", None, None),
    "retry_mode": ("retry_mode", "AWS_RETRY_MODE", "standard", None),
}
_TIMES = {"wire": lambda value: value, "iso8601": lambda value: parse_timestamp(value).isoformat()}
_LOG = "%(asctime)s - %(threadName)s - %(name)s - %(levelname)s - %(message)s"


@dataclass(frozen=True, slots=True)
class Manner:
    """How to call; None leaves it to AWS's configuration.  A timeout of None waits for ever (seconds)."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    verify: bool | str | None = None
    connect_timeout: int | None = TIMEOUT
    read_timeout: int | None = TIMEOUT
    sign: bool = True
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of the operation: its name, whether it is required, and AWS's (HTML) words about it."""

    name: str
    required: bool
    documentation: str


class _WholeParser(RestJSONParser):  # type: ignore[misc]
    """botocore's parser, except that members which its model does not know are kept, after those that it knows."""

    def _handle_structure(self, shape: Any, value: Any) -> Any:  # noqa: ANN401
        value = _typed(shape, value, dict)
        wire = {shape.members[name].serialization.get("name", name): name for name in shape.members}
        # A member that a union does not know would be reported in place of what it holds.
        known = {key: item for key, item in value.items() if key in wire}
        parsed: dict[str, Any] = super()._handle_structure(shape, known) if known else {}
        return parsed | {key: item for key, item in value.items() if key not in wire and item is not None}

    def _handle_map(self, shape: Any, value: Any) -> Any:  # noqa: ANN401
        return super()._handle_map(shape, _typed(shape, value, dict))

    def _handle_list(self, shape: Any, value: Any) -> Any:  # noqa: ANN401
        return super()._handle_list(shape, _typed(shape, value, list))

    def _do_parse(self, response: Mapping[str, Any], shape: Any) -> Any:  # noqa: ANN401
        try:
            # Decoded first: json would take UTF-16, and a byte order mark, of which botocore makes another response.
            json.loads((response["body"] or b"{}").decode())
        except ValueError as error:
            start = excerpt(response["body"], 60)
            raise ResponseParserError(f"not JSON: {error} (it begins {start!r})") from None
        return super()._do_parse(response, shape)


class _WholeParsers(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401
        if protocol_name == "rest-json":
            return _WholeParser(**self._defaults)
        return super().create_parser(protocol_name)


class Caller:
    """Asks Bedrock once.  Every method raises CallError, and nothing else, for whatever AWS and the machine do."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._session = Session(session_vars=_VARIABLES)
        self._session.user_agent_extra = f"bedrock-watch/{__version__}"
        if manner.profile:
            self._session.set_config_variable("profile", manner.profile)
        if manner.debug:
            for name in ("botocore", "urllib3"):
                self._session.set_stream_logger(name, logging.DEBUG, format_string=_LOG)

    def output(self) -> str:
        """Return the configured output format."""
        with _explained():
            return str(self._session.get_config_variable("output"))

    def error_format(self) -> str | None:
        """Return the configured format of errors; None when none is, or when the configuration cannot be read."""
        try:
            with _explained():
                form = self._session.get_config_variable("cli_error_format")
        except CallError:
            return None
        return None if form is None else str(form)

    def get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response, without the SDK's own notes on it; its times as the configuration wants them."""
        with _explained():
            response: dict[str, Any] = getattr(self._client(), xform_name(OPERATION))(**parameters)
        response.pop("ResponseMetadata", None)
        return response

    def sample(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return a made-up response to *parameters*, which are checked; nobody is asked.

        The AWS CLI checks its own sample too, and refuses it: it has every member of a union.
        """
        operation = self._operation()
        with _explained():
            validate_parameters(parameters, operation.input_shape)
        sample: dict[str, Any] = ArgumentGenerator(use_member_names=True).generate_skeleton(operation.output_shape)
        return sample

    def parameters(self) -> list[Parameter]:
        """Return the inputs of the operation."""
        shape = self._operation().input_shape
        return [
            Parameter(name, name in shape.required_members, member.documentation)
            for name, member in shape.members.items()
        ]

    def _operation(self) -> OperationModel:
        with _explained():
            return self._session.get_service_model("bedrock").operation_model(OPERATION)

    def _client(self) -> Any:  # noqa: ANN401 - made at run time, without types
        manner = self._manner
        form = self._session.get_config_variable("cli_timestamp_format")
        if form not in _TIMES:
            raise CallError(
                CliCode.CONFIGURATION,
                f'Unknown cli_timestamp_format value: {form}, valid values are "wire" or "iso8601"',
            )
        parsers = _WholeParsers()
        parsers.set_parser_defaults(timestamp_parser=_TIMES[form])
        self._session.register_component("response_parser_factory", parsers)
        return self._session.create_client(
            "bedrock",
            region_name=manner.region,
            endpoint_url=manner.endpoint_url,
            verify=manner.verify,
            config=Config(
                connect_timeout=manner.connect_timeout,
                read_timeout=manner.read_timeout,
                **({} if manner.sign else {"signature_version": UNSIGNED}),
            ),
        )


def version() -> str:
    """Return which botocore calls."""
    return f"botocore/{sdk_version}"


def _typed(shape: Any, value: Any, kind: type) -> Any:  # noqa: ANN401
    if not isinstance(value, kind):
        raise ResponseParserError(f"{excerpt(value)} is not a {shape.type_name} ({shape.name})")
    return value


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the SDK's errors into CallError, with the exit codes of version 2 of the AWS CLI."""
    try:
        yield
    except sdk.ParamValidationError as error:
        raise CallError(CliCode.USAGE, str(error)) from error
    except sdk.NoRegionError as error:
        hint = "You can also configure your region with --region, AWS_REGION, or region in ~/.aws/config."
        raise CallError(CliCode.CONFIGURATION, f"{error} {hint}", "NoRegion") from error
    except sdk.NoCredentialsError as error:
        hint = "You can configure credentials with --profile, environment variables, or ~/.aws/credentials."
        raise CallError(CliCode.CONFIGURATION, f"{error}. {hint}", "NoCredentials") from error
    except sdk.ClientError as error:
        refused = error.response.get("Error", {})
        name, message = str(refused.get("Code", "Unknown")), str(refused.get("Message", ""))
        raise CallError(CliCode.SERVICE, str(error), name, message) from error
    except (sdk.BotoCoreError, ResponseParserError, OSError, ValueError) as error:
        raise CallError(CliCode.OTHER, str(error)) from error
    except CallError:
        raise
    except Exception as error:
        # A proxy may answer in place of AWS, and the SDK may raise anything on its body.
        what = f"cannot read the answer as one of AWS's: {type(error).__name__}: {redacted(str(error))[:500]}"
        raise CallError(CliCode.OTHER, what) from error
