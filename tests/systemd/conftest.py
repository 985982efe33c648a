"""The machines that the tests share: a Debian with some people and a wheelhouse, and the same with the service on it.

Each test has a container of its own, on an overlay of one of these.  Not its business: what is claimed.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import pytest
import support_simulator as support
import wheels
from container import Container, Layers, boot, power_off
from image import image
from machine import CANNOT, banner
from service import Service

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


class Boot(Protocol):
    """Boots a container on layers of files; what it writes is thrown away with it, or, with *keep*, with the session."""

    def __call__(self, layers: Layers, *, keep: bool = False) -> AbstractContextManager[Container]:
        """Return the container, for a with statement."""


PEOPLE = """
useradd --create-home --shell /bin/bash admin && echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
useradd --create-home --shell /bin/bash alice
useradd --create-home --shell /bin/bash bob
echo watchtower >/etc/hostname && echo '127.0.0.1 localhost watchtower' >/etc/hosts
printf '[global]\\nno-index = true\\nfind-links = /wheelhouse\\n' >/etc/pip.conf
"""
"""An administrator; two others; and, for want of a network, wheels in a directory as the package index."""

INSTALL = "/home/admin/bedrock-watch/deploy/systemd/install.sh"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped so that nobody overlooks it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        reasons = [f"{report.nodeid}: {report.longrepr[2]}" for report in skipped]
        terminalreporter.write_line(banner("a part of the systemd service.", *reasons), red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a run that left anything out not end as if all had passed.

    Of a version that a shallow clone does not have, what matters was tested by another test, and it was said.
    """
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if session.exitstatus == pytest.ExitCode.OK and any(wheels.UNKNOWN not in one.longrepr[2] for one in skipped):
        session.exitstatus = CANNOT


@pytest.fixture(scope="session")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Boot:
    numbers = itertools.count()

    def begin(layers: Layers, *, keep: bool = False) -> AbstractContextManager[Container]:
        return boot(layers, tmp_path_factory.mktemp(f"container-{next(numbers)}"), keep=keep)

    return begin


@pytest.fixture(scope="session")
def debian(booted: Boot, tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """A Debian with people, wheels and a checkout: what a machine is before anything is installed."""
    with booted(Layers((image(),)), keep=True) as container:
        container.run(PEOPLE)
        shutil.copytree(wheels.wheelhouse(), container.path("/wheelhouse"))
        checkout = wheels.current(container.path("/home/admin/bedrock-watch"))
        wheels.wheel(checkout, container.path("/wheelhouse"))
        container.run("chown -R admin: /home/admin")
        power_off(container)
    return Layers((container.upper, image()))


@pytest.fixture(scope="session")
def installed(booted: Boot, debian: Layers) -> Layers:
    """That Debian after ``install.sh --wheelhouse``; alice is in the service's group, bob is not."""
    with booted(debian, keep=True) as container:
        container.run(f"{INSTALL} --wheelhouse /wheelhouse")
        container.run("usermod -aG bedrock-watch alice")
        power_off(container)
    return Layers((container.upper, *debian.directories))


@pytest.fixture
def machine(booted: Boot, debian: Layers) -> Iterator[Container]:
    """A machine with nothing installed."""
    with booted(debian) as container:
        yield container


@pytest.fixture
def service(booted: Boot, installed: Layers, endpoint: str) -> Iterator[Service]:
    """A machine with the service on it; what its journal says is printed for a test that fails."""
    with booted(installed) as container:
        yield Service(container, endpoint)
        print(container.journal())
