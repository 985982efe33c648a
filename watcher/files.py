"""Who may use the files that we make: as many as may use their directory, and never everybody.

The service's directory belongs to its group, whose members use the program without sudo; a person's own directory is
that person's.  So the directory decides, and nobody's umask: whoever comes first makes the file for all of them.
Standard library only.  Not its business: what is in the files.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

_SHARED = 0o660


def make(path: Path) -> None:
    """Make an empty file at *path*, as open as its directory is; one that is there already stays as it is.

    Raises OSError.
    """
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _SHARED)
        try:
            with suppress(PermissionError):  # a file system without modes
                os.fchmod(descriptor, path.parent.stat().st_mode & _SHARED)
        finally:
            os.close(descriptor)


def open_regular(path: Path, flags: int) -> int:
    """Open the regular file at *path* and return its descriptor.

    Others may put a link or a FIFO in its place: neither is followed or waited for.  Raises OSError.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file; remove it", str(path))
    return descriptor


def read_regular(path: Path, most: int) -> bytes | None:
    """Return what the regular file at *path* holds; None when there is none, or when it holds more than *most* bytes.

    Never follows a link, and never waits: others can write its directory, and a FIFO would hold up whoever opens it.
    """
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as stream:
            content = stream.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None


def read_json(path: Path, most: int) -> dict[str, Any]:
    """Return the JSON object in the regular file at *path*; an empty one when there is none (see ``read_regular``)."""
    try:
        found = json.loads(read_regular(path, most) or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _no_number(text: str) -> None:
    """Refuse NaN and Infinity, which Python's json takes for numbers."""
    raise ValueError(f"{text} is no JSON")


def replace(path: Path, content: bytes) -> None:
    """Replace the file at *path* with *content*, atomically.  Raises OSError.

    The new file is made by us alone (O_EXCL, with a name that nobody can guess); a link at *path* is replaced, and
    what it points to stays as it is.
    """
    fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _SHARED)
        with os.fdopen(descriptor, "wb") as stream:
            with suppress(PermissionError):  # a file system without modes
                os.fchmod(descriptor, path.parent.stat().st_mode & _SHARED)
            stream.write(content)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def who_may(path: Path, *, write: bool = True) -> str:
    """Return what somebody can do who may not *write* (else: read) *path*: become one of those who may."""
    place = next((one for one in (path, *path.parents) if os.path.exists(one)), Path("/"))  # noqa: PTH110 - never raises
    found = place.stat()
    ways = [f"as {_name('pwd', found.st_uid)}"] if found.st_uid else []
    theirs = found.st_mode & (stat.S_IWGRP if write else stat.S_IRGRP)
    if theirs and found.st_gid not in {0, os.getegid(), *os.getgroups()}:
        ways.append(f"as a member of the group {_name('grp', found.st_gid)}")
    if not _is_nobody():
        return f"run it {' or '.join((*ways, 'with sudo'))} (you are {me()})"
    # In a container: there is no sudo, and often nobody else to be.
    other_place = f"name a state_dir in the configuration (or $STATE_DIRECTORY) that {me()} may write"
    return f"run it {' or '.join(ways)} (you are {me()}), or {other_place}" if ways else other_place


def _is_nobody() -> bool:
    """Return whether this user is not in the user database, as in a container: it has no home, and no sudo."""
    import pwd  # noqa: PLC0415 - only for an error

    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return True
    return False


def me() -> str:
    """Return the name of the user that this process is."""
    return _name("pwd", os.geteuid())


def _name(database: str, number: int) -> str:
    """Return the name of a user (``pwd``) or a group (``grp``); its number where it has none."""
    import grp  # noqa: PLC0415 - only for an error
    import pwd  # noqa: PLC0415

    try:
        return pwd.getpwuid(number).pw_name if database == "pwd" else grp.getgrgid(number).gr_name
    except KeyError:
        return f"{'uid' if database == 'pwd' else 'gid'} {number}"
