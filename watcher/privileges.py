"""Privilege drop: root becomes the owner of the state directory before it opens anything there.

Whoever may write in a directory decides what root would open in it: a link to a file of root's, a FIFO, a journal that
makes SQLite delete another file.  No check of ours can win that race; a process without root's powers need not.
``docs/security.md`` says who is trusted with what.  Standard library only.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from watcher.errors import BadConfig, WatchError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PERSONAL = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")


class UnsafeDirectory(BadConfig):
    """A state directory in which root must not work."""


def become_owner(state_dir: Path) -> None:
    """As root, switch permanently to the owner of *state_dir*; do nothing as another user, or if root owns it.

    Raises UnsafeDirectory where others could exchange what root opens, and WatchError when this process cannot become
    the owner.
    """
    owner = _owner(state_dir)
    if owner:
        _become(_account(owner, state_dir))


def owner_of(state_dir: Path) -> str:
    """Return the name of the user whom root becomes in *state_dir*; empty when nothing changes.

    Raises UnsafeDirectory.
    """
    owner = _owner(state_dir)
    return _account(owner, state_dir).pw_name if owner else ""


def as_owner(state_dir: Path, act: Callable[[], int]) -> int:
    """As root, do *act* in a child process that has become the owner of *state_dir*; return its exit code.

    Meanwhile and afterwards this process keeps root's powers, for files that root has named.  Raises UnsafeDirectory.
    """
    owner_of(state_dir)
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        become_owner(state_dir)
        code = act()
    finally:
        sys.stderr.flush()
        os._exit(code)


def require_owner(state_dir: Path) -> None:
    """As root, refuse to run in another user's *state_dir*: ``run`` reads root's configuration again at each reload.

    Raises UnsafeDirectory.
    """
    name = owner_of(state_dir)
    if name:
        raise UnsafeDirectory(
            f"{state_dir} belongs to {name}, and this is root",
            f"run it as its owner: sudo -u {name} bedrock-watch run, User={name} in a unit, or the user's own service",
        )


def _owner(state_dir: Path) -> int:
    """Return the uid of the owner of *state_dir*; 0 for everybody but root, and where the directory is missing.

    Raises UnsafeDirectory where root would work in a directory that others can change.
    """
    if os.geteuid() != 0:
        return 0
    place = Path(os.path.realpath(state_dir))
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        # It is missing, or no directory: whoever makes or opens it reports that.
        _check_ancestors(place, 0)
        return 0
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    _check_ancestors(place, found.st_uid)
    if found.st_uid == 0 and found.st_mode & _OTHERS_MAY_WRITE:
        raise UnsafeDirectory(
            f"root owns {place}, but others may write there (mode {stat.S_IMODE(found.st_mode):04o})",
            f"take that away: chmod go-w {place}; or give it to the user who runs bedrock-watch: chown -R USER {place}",
        )
    return found.st_uid


def _check_ancestors(place: Path, owner: int) -> None:
    """Raise UnsafeDirectory if another user could replace the directory *place*."""
    trusted = {0, owner, *_unmapped_root()}
    for above in place.parents:
        try:
            found = above.stat()
        except OSError:
            continue  # missing too
        writable = found.st_mode & _OTHERS_MAY_WRITE and not found.st_mode & stat.S_ISVTX
        if writable or found.st_uid not in trusted:
            raise UnsafeDirectory(
                f"{place} is not safe for root: {above} can be changed by others (mode"
                f" {stat.S_IMODE(found.st_mode):04o}, uid {found.st_uid})",
                f"choose another state_dir, or take that away: chmod go-w {above}",
            )


def _unmapped_root() -> frozenset[int]:
    """Return the uid that stands for the machine's root in a user namespace; nothing outside of one.

    There, every user without a mapping is the overflow uid.  Source: user_namespaces(7).
    """
    try:
        words = Path("/proc/self/uid_map").read_text().split()
        if words == ["0", "0", str(2**32 - 1)]:
            return frozenset()
        return frozenset({int(Path("/proc/sys/kernel/overflowuid").read_text())})
    except (OSError, ValueError):
        return frozenset()


def _account(uid: int, state_dir: Path) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise UnsafeDirectory(
            f"{state_dir} belongs to uid {uid}, which no account has",
            f"give it to an account: chown -R USER {state_dir}",
        ) from None


def _become(account: pwd.struct_passwd) -> None:
    try:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
        os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    except OSError as error:
        raise WatchError(
            f"root cannot become {account.pw_name}, who owns the state directory: {error.strerror}",
            f"run it as {account.pw_name}: sudo -u {account.pw_name} bedrock-watch ...",
        ) from error
    for name in _PERSONAL:
        os.environ.pop(name, None)
    os.environ |= {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
    program = Path(__file__)
    if not (os.access(program, os.R_OK) and os.access(os.__file__, os.R_OK)):
        raise WatchError(
            f"{account.pw_name}, who owns the state directory, cannot read this program ({program.parent})",
            f"install it where everybody can read it, or use {account.pw_name}'s own: see {sys.prefix}",
        )
