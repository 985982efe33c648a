"""The Bedrock API key of the environment: one credential, of one account.

Source: Amazon Bedrock User Guide, "Use an Amazon Bedrock API key".
Not its business: sending it (``bedrock.keys``).
"""

from __future__ import annotations

import os
from pathlib import Path

from botocore.session import Session

API_KEY = "AWS_BEARER_TOKEN_BEDROCK"
"""The variable of a Bedrock API key."""

_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_SETTINGS = frozenset(
    {
        "aws_access_key_id",
        "credential_process",
        "login_session",
        "role_arn",
        "sso_session",
        "sso_start_url",
    }
)


def is_only_credential() -> bool:
    """Return whether the environment and AWS's files name no default credentials but a Bedrock API key.

    An instance role would take a request to find out about, so it does not count.  Files that cannot be read count as
    none: the search for credentials reports them.
    """
    if not os.environ.get(API_KEY) or any(os.environ.get(name) for name in _VARIABLES):
        return False
    session = Session()
    try:
        for variable in ("config_file", "credentials_file"):
            path = Path(session.get_config_variable(variable)).expanduser()
            if path.exists() and not path.is_file():
                return True  # a FIFO would hold up whoever reads it
        profile = session.get_scoped_config()
    except Exception:  # noqa: BLE001 - the SDK reads files that anybody may have written
        return True
    return _SETTINGS.isdisjoint(profile)
