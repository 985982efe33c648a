"""Check whether keys can sign a request.

Not its business: whether AWS accepts them.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import CredentialRetrievalError

_PRINTABLE = re.compile(r"[!-~]+")
"""Characters of AWS's keys and tokens: printable ASCII without spaces, as an HTTP header allows."""


def is_sendable(text: str) -> bool:
    """Return whether a header of HTTP can carry *text* as a key or a token."""
    return _PRINTABLE.fullmatch(text) is not None


class UnusableKeys(CredentialRetrievalError):  # type: ignore[misc]
    """A key or token that cannot sign a request."""

    remedy = "write the key again, on one line and without blanks, where it is kept: a variable, a file, a secret"


class LoginSession(CredentialRetrievalError):  # type: ignore[misc]
    """A profile that ``aws login`` has signed in, which the pinned SDK cannot use (aws/aws-cli issue 9949)."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            provider="aws login", error_msg=f"the SDK of bedrock-watch cannot use login_session of {profile!r}"
        )
        command = f"aws configure export-credentials --profile {profile} --format process"
        self.remedy = f"use another profile, with: credential_process = {command}"


def refuse_unusable(frozen: Any, who: str) -> None:  # noqa: ANN401 - botocore is untyped
    """Raise UnusableKeys for keys that are no text, are empty, or hold blanks, line breaks or other control characters.

    *frozen* are botocore's ReadOnlyCredentials, *who* is what people call them.  Nothing of a key is in the message.
    """
    named = {"access key id": frozen.access_key, "secret access key": frozen.secret_key}
    if frozen.token is not None and frozen.token != "":
        named["session token"] = frozen.token
    for name, value in named.items():
        if not isinstance(value, str):
            problem = f"the {name} is not text but {type(value).__name__}"
        elif not value:
            problem = f"the {name} is empty"
        elif not is_sendable(value):
            problem = f"the {name} holds a line break, a blank or another character that no key has"
        else:
            continue
        raise UnusableKeys(provider=who, error_msg=problem)
