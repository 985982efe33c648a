"""A URL that is a secret: in the configuration itself, in a file of its own, or a credential of the systemd service.

Not its business: what the URL is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from watcher.errors import ExitCode, WatchError

_MAX_SECRET = 65536


class SecretUnreadable(WatchError):
    """A URL could not be read.

    *not_checkable*: nothing says that it is wrong; it is only not for this user, or not for this process, to read.
    """

    exit_code = ExitCode.BAD_CONFIG

    def __init__(self, what: str, remedy: str, *, not_checkable: bool = False) -> None:
        super().__init__(what, remedy)
        self.not_checkable = not_checkable


def read_secret(
    whose: str, url: str | None, url_file: Path | None, url_credential: str | None, env: Mapping[str, str]
) -> str:
    """Return the URL of *whose*, read anew from the one place that is set.

    A credential is the file of that name in ``$CREDENTIALS_DIRECTORY`` (systemd.exec(5), "Credentials").
    Raises SecretUnreadable, which names the file and never what is in it.
    """
    if url is not None:
        return url.removeprefix("\ufeff")
    if url_file is not None:
        return _read(whose, url_file)
    directory = env.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretUnreadable(
            f"{whose}: its URL is the systemd credential {url_credential}, which only the service is given",
            "run it as the service, or use url_file",
            not_checkable=True,
        )
    return _read(whose, Path(directory, url_credential or ""))


def _read(whose: str, file: Path) -> str:
    where = f"{whose}: its URL in {file}"
    try:
        with file.open("rb") as stream:
            # A byte order mark is what Windows editors put first; it says nothing.
            text = stream.read(_MAX_SECRET).decode("utf-8-sig").strip()
    except PermissionError as error:
        raise SecretUnreadable(
            f"{where} is not for this user to read", "run it as the user of the service", not_checkable=True
        ) from error
    except OSError as error:
        raise SecretUnreadable(
            f"{where} cannot be read: {error.strerror}", "put the URL, and nothing else, in that file"
        ) from error
    except UnicodeDecodeError:
        # Not chained: the error carries the bytes of the secret.
        raise SecretUnreadable(f"{where} is not text in UTF-8", "write the URL, and nothing else, in it") from None
    if not text or len(text.splitlines()) > 1:
        found = "more than one line" if text else "empty"
        raise SecretUnreadable(f"{where} is {found}", "write the URL, and nothing else, in that file")
    return text
