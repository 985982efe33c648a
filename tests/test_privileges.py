"""Root becomes the owner of a state directory before it opens anything there, or does not work there at all."""

from __future__ import annotations

import os
import pwd
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from watcher import privileges
from watcher.errors import WatchError
from watcher.privileges import UnsafeDirectory

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; .ci/run is root")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a state directory of nobody's, below directories that only root changes."""
    made = tmp_path / "state"
    made.mkdir(mode=0o770)
    os.chown(made, NOBODY, -1)
    return made


def in_child(act: Callable[[], object]) -> int:
    """Do *act* in a child process and return its exit code: 0, or 1 with the traceback on stderr."""
    child = os.fork()
    if not child:
        try:
            act()
        except BaseException:  # noqa: BLE001 - the child must not return into pytest
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become(directory: Path) -> None:
    """Become the owner, also where that user could not read the program (root's own Python in the tests)."""
    try:
        privileges.become_owner(directory)
    except WatchError as error:
        if "cannot read this program" not in error.what:
            raise


def test_root_becomes_the_owner_for_good(directory: Path) -> None:
    account = pwd.getpwuid(NOBODY)

    def act() -> None:
        os.environ |= {"XDG_STATE_HOME": "/root/state", "HOME": "/root", "SUDO_USER": "ana"}
        become(directory)
        assert os.getresuid() == (NOBODY,) * 3
        assert os.getresgid() == (account.pw_gid,) * 3
        assert 0 not in os.getgroups()
        with pytest.raises(PermissionError):
            os.setuid(0)
        assert os.environ["HOME"] == account.pw_dir
        assert os.environ["USER"] == account.pw_name
        assert "XDG_STATE_HOME" not in os.environ
        assert os.environ["SUDO_USER"] == "ana"

    assert in_child(act) == 0


def test_root_s_own_directory_changes_nothing(tmp_path: Path) -> None:
    privileges.become_owner(tmp_path)
    privileges.become_owner(tmp_path / "missing" / "too")
    assert os.getresuid() == (0, 0, 0)


def test_run_refuses_the_directory_of_somebody_else(directory: Path) -> None:
    with pytest.raises(UnsafeDirectory, match="this is root") as refused:
        privileges.require_owner(directory)
    assert "sudo -u nobody" in refused.value.remedy
    assert refused.value.exit_code == 78


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_directory_of_root_s_where_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "state"
    place.mkdir()
    place.chmod(mode)
    with pytest.raises(UnsafeDirectory, match="others may write"):
        privileges.become_owner(place)


def test_a_directory_below_one_that_others_can_change_is_refused(tmp_path: Path) -> None:
    above = tmp_path / "above"
    (above / "state").mkdir(parents=True)
    above.chmod(0o777)
    with pytest.raises(UnsafeDirectory, match="above can be changed by others"):
        privileges.become_owner(above / "state")
    with pytest.raises(UnsafeDirectory, match="above can be changed by others"):
        privileges.become_owner(above / "missing")
    above.chmod(0o1777)  # sticky, like /tmp: nobody replaces what is another's
    privileges.become_owner(above / "state")


def test_a_directory_below_somebody_else_s_is_refused(tmp_path: Path) -> None:
    above = tmp_path / "above"
    (above / "state").mkdir(parents=True)
    os.chown(above, NOBODY, -1)
    with pytest.raises(UnsafeDirectory, match="can be changed by others"):
        privileges.become_owner(above / "state")


def test_a_link_is_judged_by_where_it_leads(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    assert privileges.owner_of(tmp_path / "link") == "nobody"


def test_an_owner_without_an_account_is_refused(directory: Path) -> None:
    os.chown(directory, 54321, -1)
    with pytest.raises(UnsafeDirectory, match="uid 54321, which no account has"):
        privileges.become_owner(directory)


def test_what_is_done_as_the_owner_leaves_root_as_it_is(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()

    def act() -> int:
        os.write(writing, repr(os.getresuid()).encode())
        return 7

    monkeypatch.setattr(os, "access", lambda *_: True)  # root's own Python, in the tests, is closed to nobody
    assert privileges.as_owner(directory, act) == 7
    assert os.read(reading, 100) == repr((NOBODY,) * 3).encode()
    assert os.getresuid() == (0, 0, 0)
