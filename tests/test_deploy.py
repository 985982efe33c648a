"""The files of the service, as far as they can be read without a systemd; ``make test-systemd`` has the rest."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.markers import Marker  # which pytest needs
from packaging.requirements import Requirement

TOP = Path(__file__).parents[1]
DEPLOY = TOP / "deploy/systemd"


def pins(lock: Path) -> dict[str, set[str]]:
    """Return what *lock* pins, ``name==version``, with the hashes that it allows."""
    entries = re.findall(r"^(\S+==\S+).*?\\\n((?: +--hash=\S+(?: \\)?\n)+)", lock.read_text(), re.MULTILINE)
    return {pin: set(re.findall(r"--hash=(\S+)", hashes)) for pin, hashes in entries}


def needed(name: str, found: set[str]) -> set[str]:
    """Return *name* and everything that it needs here, without any extra; *found* is known already."""
    if name not in found:
        found.add(name)
        for line in distribution(name).requires or ():
            requirement, _, marker = line.partition(";")
            match = re.match(r"[\w.-]+", requirement)
            if match and "extra ==" not in marker and applies(marker):
                needed(re.sub(r"[-_.]+", "-", match[0]).lower(), found)
    return found


def applies(marker: str) -> bool:
    """Return whether an environment marker holds here."""
    return not marker.strip() or Marker(marker).evaluate()


def test_the_services_lock_is_the_lock_without_the_extras() -> None:
    """After a change of the dependencies: make service-lock."""
    whole, services = pins(TOP / "requirements.lock"), pins(DEPLOY / "requirements.lock")
    assert services
    assert services.items() <= whole.items()
    names = {pin.partition("==")[0] for pin in services}
    assert needed("bedrock-watch", set()) - {"bedrock-watch"} <= names
    assert not names & {"pytest", "moto", "mypy"}


def test_the_second_lock_is_the_lock_with_a_newer_apprise() -> None:
    """``make test-apprise-newest`` runs on it.  After a change of the dependencies: make newest-lock."""
    locked, newest = pins(TOP / "requirements.lock"), pins(TOP / "requirements-newest.lock")
    (oldest_apprise,) = (pin for pin in locked if pin.startswith("apprise=="))
    (newest_apprise,) = (pin for pin in newest if pin.startswith("apprise=="))
    assert Requirement(newest_apprise).specifier != Requirement(oldest_apprise).specifier
    del locked[oldest_apprise], newest[newest_apprise]
    assert newest == locked


def requirements(name: str) -> dict[str, Requirement]:
    """Return what the installed distribution *name* requires, by name, extras included."""
    found = map(Requirement, distribution(name).requires or ())
    return {requirement.name: requirement for requirement in found}


@pytest.mark.parametrize("sdk", ["boto3", "botocore"])
def test_the_bounds_of_the_sdk_are_those_that_aiobotocore_sets(sdk: str) -> None:
    """Old releases of pip need them in our own metadata, to resolve in seconds; after a new aioboto3 they move."""
    assert requirements("bedrock-watch")[sdk].specifier == requirements("aiobotocore")[sdk].specifier


@pytest.mark.parametrize("script", [DEPLOY / "install.sh", TOP / ".ci/run"], ids=lambda script: script.name)
def test_a_shell_script_has_none_of_the_usual_mistakes(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_line_of_the_hardening_says_what_it_buys() -> None:
    hardening = (DEPLOY / "bedrock-watch.service").read_text().partition("# Hardening")[2].partition("\n\n")[0]
    lines = hardening.splitlines()[1:]
    assert len(lines) > 50
    for comment, setting in zip(lines[::2], lines[1::2], strict=True):
        assert comment.startswith("# ")
        assert re.match(r"[A-Z]\w+=", setting)


def settings(unit: Path) -> dict[str, list[str]]:
    """Return what a unit sets, the places where the program and its configuration are left out."""
    text = unit.read_text().replace("/opt/bedrock-watch/current/bin/", "").replace("%h/.local/bin/", "")
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value.replace(" --config /etc/bedrock-watch/config.toml", ""))
    return found


def test_the_units_of_a_user_and_of_the_machine_say_the_same_of_a_life() -> None:
    """How it starts, reloads, ends and begins again; what differs is who it is, and what it could do otherwise."""
    machines, users = settings(DEPLOY / "bedrock-watch.service"), settings(DEPLOY / "user/bedrock-watch.service")
    own = {"Documentation", "WantedBy"}
    assert {key: value for key, value in users.items() if key not in own} == {
        key: machines[key]
        for key in (
            *("Description", "StartLimitIntervalSec", "Type", "ExecStart", "ExecReload", "WatchdogSec", "Restart"),
            *("RestartSec", "RestartPreventExitStatus", "TimeoutStopSec", "TimeoutAbortSec"),
            *("NoNewPrivileges", "LimitCORE"),
        )
    }
    assert users["WantedBy"] == ["default.target"]


def test_a_machine_that_cannot_boot_a_container_says_so_and_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As for somebody who is not root; 77 is "skipped" among test harnesses, and no success to make."""
    monkeypatch.syspath_prepend(str(TOP / "tests/systemd"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    run = importlib.import_module("run")
    assert run.main([]) == 77
    assert "!!! NOT TESTED: the systemd service" in capfd.readouterr().err
