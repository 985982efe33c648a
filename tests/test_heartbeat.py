"""The dead-man's switch, as the installed program feeds it over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import support_simulator as support
from support_cli import Program, program
from support_daemon import Home, hook_url
from support_receivers import DROP, HANG, Reply, WebReceiver, server_tls, web_receiver

from watcher import heartbeat
from watcher.simulator import Fault, Kind, Simulator, failing

__all__ = ["program"]

simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
clock = pytest.fixture(support.clock)

SECRET = "5ecret-0f-the-switch"


@pytest.fixture
def switch() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def lines(switch: WebReceiver) -> str:
    """Return the lines of a configuration that is fed to *switch* every second."""
    return f'[heartbeat]\nurl = "{switch.url}/{SECRET}"\nevery = "1s"\n'


def asked(switch: WebReceiver) -> list[tuple[str, str]]:
    """Return how the switch was asked, and for what."""
    return [(request.method, request.path) for request in tuple(switch.requests)]


def test_it_is_fed_while_all_is_well_and_told_why_when_it_is_not(
    tmp_path: Path, simulator: Simulator, endpoint: str, switch: WebReceiver
) -> None:
    """In the manner of healthchecks.io: the URL, the URL with /fail and a reason, and the URL again."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], poll='blind_after = "500ms"', more=lines(switch))
    with home.running() as daemon:
        daemon.wait_for(lambda: ("GET", f"/{SECRET}") in asked(switch))
        simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
        daemon.wait_for(lambda: ("POST", f"/{SECRET}/fail") in asked(switch))
        simulator.clear()
        daemon.wait_for(lambda: asked(switch)[-1] == ("GET", f"/{SECRET}"))
        assert daemon.terminate() == 0
    (reason, *_) = (request.body for request in switch.requests if request.method == "POST")
    assert reason.startswith("cannot look: ")
    assert SECRET not in home.words() + json.dumps(home.status())


def test_a_rule_that_cannot_look_is_a_reason_though_no_job_is_watched(
    tmp_path: Path, simulator: Simulator, endpoint: str, switch: WebReceiver
) -> None:
    """The jobs that others start meanwhile would go by unseen."""
    rule = '[[discover]]\nname = "all"\naccount = "123456789012"\nregions = ["us-east-1"]\n'
    home = Home(tmp_path, endpoint, [], poll='blind_after = "500ms"', more=lines(switch) + rule)
    with home.running() as daemon:
        daemon.wait_for(lambda: ("GET", f"/{SECRET}") in asked(switch))
        simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
        daemon.wait_for(lambda: ("POST", f"/{SECRET}/fail") in asked(switch))
        assert daemon.terminate() == 0
    assert switch.requests[-1].body.startswith("cannot look: ")


def test_a_channel_that_fails_is_a_reason_when_it_is_the_only_one(
    tmp_path: Path, simulator: Simulator, clock: support.Clock, endpoint: str, switch: WebReceiver
) -> None:
    """Nobody else would learn of it."""
    channels = {"ops": "json://127.0.0.1:9/"}
    home = Home(tmp_path, endpoint, [simulator.play(failing())], channels, more=lines(switch))
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(1,)])
        clock.now = support.NOON + 5 * 60
        daemon.wait_for(lambda: ("POST", f"/{SECRET}/fail") in asked(switch))
        assert daemon.terminate() == 0
    assert "no alert can be delivered: ops failing" in switch.requests[-1].body


def test_a_switch_that_fails_is_logged_once_and_is_in_nobody_s_way(
    tmp_path: Path, simulator: Simulator, clock: support.Clock, endpoint: str, switch: WebReceiver
) -> None:
    """It refuses, then hangs; news goes out meanwhile; then it works again."""
    switch.reply = Reply(500)
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)}, more=lines(switch))
        with home.running() as daemon:
            daemon.wait_for(lambda: len(switch.requests) >= 3)
            switch.reply = Reply(instead=HANG)
            waiting = len(switch.requests)
            daemon.wait_for(lambda: len(switch.requests) > waiting)
            clock.now = support.NOON + 5 * 60
            daemon.wait_for(lambda: hook.requests)
            switch.reply = Reply(200)
            daemon.wait_for(lambda: home.logged("heartbeat_works_again"))
            assert daemon.terminate() == 0
    assert [line["error"] for line in home.logged("heartbeat_failing")] == ["it was answered with 500"]
    assert SECRET not in home.words()


def test_a_reload_changes_it_and_a_file_that_is_missing_is_refused(
    tmp_path: Path, simulator: Simulator, endpoint: str, switch: WebReceiver
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    with home.running() as daemon:
        for more, event in (('url_file = "nowhere"', "reload_refused"), (f'url = "{switch.url}/x"', "reloaded")):
            home.configure(f'[heartbeat]\n{more}\nevery = "1s"\n')
            daemon.popen.send_signal(1)
            daemon.wait_for(lambda event=event: home.logged(event))  # type: ignore[misc]
        daemon.wait_for(lambda: ("GET", "/x") in asked(switch))
        assert daemon.terminate() == 0
    assert "heartbeat: its URL in" in home.logged("reload_refused")[0]["error"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/fail"),
        ("https://hc-ping.com/uuid/", "https://hc-ping.com/uuid/fail"),
        ("https://u:p@h:1/a%2Fb/slug?create=1", "https://u:p@h:1/a%2Fb/slug/fail?create=1"),
    ],
)
def test_a_failure_goes_to_a_path_below(url: str, expected: str) -> None:
    assert heartbeat.failing(url) == expected


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(404), "it was answered with 404"),
        (Reply(302, headers={"Location": "http://127.0.0.1:9/"}), "it was answered with 302"),
        (Reply(instead=DROP), "ServerDisconnectedError"),
    ],
)
def test_what_goes_wrong_is_said_without_the_url(switch: WebReceiver, reply: Reply, said: str) -> None:
    switch.reply = reply
    with pytest.raises(heartbeat.Unanswered) as caught:
        anyio.run(heartbeat.tell, f"{switch.url}/{SECRET}")
    assert str(caught.value) == said


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/5ecret-0f-the-switch", "http://[5ecret-0f-the-switch", "nonsense"])
def test_a_url_that_cannot_be_reached_is_not_repeated(url: str) -> None:
    with pytest.raises(heartbeat.Unanswered) as caught:
        anyio.run(heartbeat.tell, url)
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_certificate_of_one_s_own_is_trusted_when_told_so(tmp_path: Path) -> None:
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as switch:
        anyio.run(heartbeat.tell, f"{switch.url}/x", "", Path(bundle))
        with pytest.raises(heartbeat.Unanswered):
            anyio.run(heartbeat.tell, f"{switch.url}/x")
        assert asked(switch) == [("GET", "/x")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[heartbeat]\nurl = "hc-ping.com/x"\n', "heartbeat.url: is not an http or https URL"),
        ('[heartbeat]\nurl = "https://h/x"\nurl_file = "y"\n', "heartbeat: has url and url_file"),
        ('[heartbeat]\nurl_file = "nowhere"\n', "cannot be read: No such file"),
        ('[heartbeat]\nurl = "https://h/x"\nevery = "10ms"\n', "heartbeat.every: is too short"),
    ],
)
def test_config_check_knows_it(program: Program, text: str, said: str) -> None:
    program.configure(text)
    assert program("config", "check") == 78
    assert said in program.err


def test_config_show_hides_it(program: Program) -> None:
    program.configure(f'[heartbeat]\nurl = "https://h/{SECRET}"\nevery = "5m"\n')
    assert program("config", "show") == 0
    assert SECRET not in program.out
    assert 'url = "(hidden)"  # this file' in program.out
    assert 'every = "5m"  # this file' in program.out
