"""Upgrades: from the last version without a system service, from one release to the next, and to one that is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import wheels
from container import Container
from service import CONFIGURATION, DATABASE, Service, configuration
from support_daemon import hook_url, posted
from support_frozen import thaw
from support_receivers import Reply, WebReceiver, web_receiver
from support_simulator import NOON, Clock
from test_endtoend_crashes import FAILED, MINUTES, check_nothing_is_lost, play_all
from test_install import OFFLINE

from watcher.simulator import Simulator

WAITING = {"p": {2, 6, 7, 8, 12, 13, 14, 15, 16}, "g": {12, 13}, "u": {3}}
"""The events of which the frozen database has messages to be sent, by channel; the test of a channel aside."""

AWAY = Reply(503, "away for lunch")


def build(container: Container, source: Path) -> None:
    """Put the wheel of *source* into the wheelhouse, in place of the one there."""
    for old in container.path("/wheelhouse").glob("bedrock_watch-*.whl"):
        old.unlink()
    wheels.wheel(source, container.path("/wheelhouse"))


def queue_up(service: Service, simulator: Simulator, clock: Clock, hook: WebReceiver) -> None:
    """Let all jobs come to their ends while the channel is away: its messages wait in the queue."""
    service.configure(play_all(simulator), {"hook": f'url = "{hook_url(hook)}"'})
    service.container.run("systemctl restart bedrock-watch")
    wait_for_the_queue(service, clock)


def wait_for_the_queue(service: Service, clock: Clock) -> None:
    for minutes in MINUTES:
        clock.now = NOON + minutes * 60 + 1
    service.container.wait_for(lambda: len({one["subject"] for one in service.deliveries()}) == 4)


def all_arrives(service: Service, hook: WebReceiver) -> None:
    """Let the channel come back: each message arrives, once or marked, and nothing is missing."""
    refused = len(hook.requests)
    hook.reply = Reply()
    service.container.run("bedrock-watch channel test hook")
    service.container.wait_for(service.all_sent)
    told = [alert for alert in posted(hook)[refused:] if "TEST" not in alert.title]
    check_nothing_is_lost(told, {one["event"] for one in service.deliveries() if one["subject"].startswith("job/")})
    assert FAILED in [alert.title for alert in told]


def by_hand(machine: Container, endpoint: str) -> Service:
    """Make the user and the directories that a service has which somebody has written by hand."""
    machine.run("useradd --system bedrock-watch && install -d -o bedrock-watch -g bedrock-watch /var/lib/bedrock-watch")
    machine.run("install -d /etc/bedrock-watch")
    return Service(machine, endpoint)


def test_the_database_of_the_first_version_is_taken_over_with_its_queue(machine: Container, endpoint: str) -> None:
    """As that version has left it: messages that wait, that failed, that are held back, and one of unknown outcome."""
    service = by_hand(machine, endpoint)
    thaw(1, machine.path(DATABASE))
    machine.run("chown -R bedrock-watch: /var/lib/bedrock-watch")
    with web_receiver() as hook:
        service.configure(channels={name: f'url = "{hook_url(hook)}{name}"' for name in WAITING})
        machine.run(OFFLINE)

        def sent() -> dict[str, set[int]]:
            done = [one for one in service.deliveries() if one["state"] == "sent"]
            return {name: {one["event"] for one in done if one["channel"] == name} for name in WAITING}

        service.container.wait_for(lambda: all(WAITING[name] <= events for name, events in sent().items()))
        assert {request.path.strip("/") for request in hook.requests} == set(WAITING)
        assert [alert.event for alert in posted(hook) if alert.marked] == [3]


def test_the_previous_version_hands_its_queue_over(
    machine: Container, simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    """It had no system service: somebody has written a unit of their own, with the service's user and directories."""
    source = wheels.previous(tmp_path)
    if source is None:
        pytest.skip(wheels.UNKNOWN)
    wheels.wheel(source, machine.path("/root"))
    machine.run("python3 -m venv /opt/old && /opt/old/bin/pip install -q /root/bedrock_watch-*.whl")
    service = by_hand(machine, endpoint)
    with web_receiver() as hook:
        hook.reply = AWAY
        service.configure(play_all(simulator), {"hook": f'url = "{hook_url(hook)}"'})
        run = f"/opt/old/bin/bedrock-watch --config {CONFIGURATION} run"
        machine.run(f"systemd-run --quiet --unit=old --uid=bedrock-watch {run}")
        machine.run("ln -s /opt/old/bin/bedrock-watch /usr/local/bin/bedrock-watch")
        wait_for_the_queue(service, clock)
        waiting = {one["event"] for one in service.deliveries()}
        machine.run("systemctl stop old && rm /usr/local/bin/bedrock-watch")
        machine.run(OFFLINE)
        assert waiting <= {one["event"] for one in service.deliveries()}
        all_arrives(service, hook)


def test_an_upgrade_in_place_keeps_the_queue(
    service: Service, simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    with web_receiver() as hook:
        hook.reply = AWAY
        queue_up(service, simulator, clock, hook)
        before = service.pid
        build(service.container, wheels.version(wheels.current(tmp_path), "77.0"))
        said = service.container.run(OFFLINE).stdout
        assert "upgraded to 77.0; it runs" in said
        assert service.ask("status")["program"] == "77.0"
        assert service.pid not in (0, before)
        all_arrives(service, hook)


def test_an_upgrade_that_does_not_start_is_undone_with_what_it_did_to_the_database(
    service: Service, simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    """The new version brings a new schema, and dies when it should say that it is ready."""
    with web_receiver() as hook:
        hook.reply = AWAY
        queue_up(service, simulator, clock, hook)
        version = service.ask("status")["program"]
        unit = service.container.run("systemctl cat bedrock-watch").stdout
        build(service.container, wheels.broken(wheels.version(wheels.current(tmp_path), "77.0")))
        done = service.container.run(OFFLINE, check=False)
        assert done.returncode == 1
        assert "broken on purpose" in done.stderr
        assert "the old one runs again" in done.stderr
        assert service.active
        assert service.ask("status")["program"] == version
        assert service.container.run("systemctl cat bedrock-watch").stdout == unit
        assert service.container.run("ls /opt/bedrock-watch/releases").stdout.count("\n") == 1
        all_arrives(service, hook)


def test_a_configuration_that_the_new_version_does_not_accept_stops_the_upgrade_before_anything(
    service: Service,
) -> None:
    before = service.pid
    service.container.write(CONFIGURATION, configuration(service.endpoint) + "[pool]\n")
    done = service.container.run(OFFLINE, check=False)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert "pool" in done.stderr
    assert (service.active, service.pid) == (True, before)
