"""What systemd sees of the service: its start, its status, its reload, its deaths; and that no news is lost by any."""

from __future__ import annotations

import itertools
import random
import re
import time

import pytest
from service import CONFIGURATION, DATABASE, Service, configuration
from support_daemon import Held, hold, hook_url, posted
from support_receivers import web_receiver
from support_simulator import NOON, Clock
from test_endtoend_crashes import ENDINGS, FAILED, MINUTES, check_nothing_is_lost, play_all

from watcher.simulator import Simulator, failing

AT_ONCE = "RestartSec=100ms"
"""A drop-in for the tests that wait for restarts."""


def test_it_is_active_when_it_says_that_it_is_ready_and_not_before(service: Service) -> None:
    """It was enabled, so the machine has started it.  One that cannot say so is waited for in vain."""
    assert service.active
    start = re.search(r"^ExecStart=(.*)", service.container.run("systemctl cat bedrock-watch").stdout, re.MULTILINE)
    assert start
    service.drop_in("mute", f"ExecStart=\nExecStart=/usr/bin/env -u NOTIFY_SOCKET {start[1]}\nTimeoutStartSec=3s")
    done = service.container.run("systemctl restart bedrock-watch", check=False)
    assert (done.returncode, service.active) == (1, False)
    service.container.wait_for_words("start operation timed out")


def test_it_starts_although_aws_is_away(service: Service) -> None:
    """Nothing listens at port 9: that is told, and is no reason not to be there."""
    job = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
    service.container.write(CONFIGURATION, configuration("http://127.0.0.1:9", [job]))
    service.container.run("systemctl restart bedrock-watch")
    assert service.active


def test_systemctl_status_says_in_a_line_how_things_stand(service: Service, simulator: Simulator) -> None:
    service.configure(play_all(simulator))
    service.container.run("systemctl restart bedrock-watch")
    service.container.wait_for(lambda: "watching 4 jobs" in service.shown("StatusText"))
    shown = service.container.run("systemctl status bedrock-watch").stdout
    assert re.search(r'^ +Status: "watching 4 jobs, .*"$', shown, re.MULTILINE)


def test_a_reload_brings_a_channel_and_a_job_into_use_without_a_restart(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    with web_receiver() as hook:
        before = service.pid
        service.configure([simulator.play(failing())], {"hook": f'url = "{hook_url(hook)}"'})
        service.container.run("systemctl reload bedrock-watch")
        clock.now += 91 * 60
        service.container.wait_for(lambda: hook.requests)
        assert [alert.title for alert in posted(hook)] == [FAILED]
        assert (service.active, service.pid) == (True, before)


def test_a_reload_of_a_bad_configuration_is_refused_and_the_old_one_stays(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    """That is said by systemctl itself, by the status line and ``bedrock-watch status``."""
    with web_receiver() as hook:
        service.configure([simulator.play(failing())], {"hook": f'url = "{hook_url(hook)}"'})
        service.container.run("systemctl restart bedrock-watch")
        before = service.pid
        good = service.container.path(CONFIGURATION).read_text()
        service.container.write(CONFIGURATION, good.replace("[poll]", "[pool]"))
        assert service.container.run("systemctl reload bedrock-watch", check=False).returncode != 0
        service.container.wait_for(lambda: "refused" in service.shown("StatusText"))
        assert "pool" in service.ask("status", user="alice")["reload_error"]
        clock.now += 91 * 60
        service.container.wait_for(lambda: hook.requests)
        assert (service.active, service.pid) == (True, before)
        service.container.wait_for_words("pool")
        service.container.write(CONFIGURATION, good)
        service.container.run("systemctl reload bedrock-watch")
        service.container.wait_for(lambda: "refused" not in service.shown("StatusText"))


def kill(service: Service) -> int:
    """Kill the service, and return the pid that it had."""
    pid = service.pid
    service.container.run(f"kill -KILL {pid}")
    return pid


def wait_for_the_next(service: Service, pid: int) -> None:
    """Wait until systemd has begun a process in place of *pid*, and that is ready."""
    service.container.wait_for(lambda: service.active and service.pid not in (0, pid))


def test_restarts_and_kill_9_while_alerts_are_in_flight_lose_nothing(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    """Eight times the jobs move on, in front of a slow receiver, and the service is restarted, or killed.

    What the receiver had not accepted when the service was killed, it does not have.
    """
    luck, pauses, kills = random.Random(20251125), itertools.cycle((0.05, 0.3, 0.1, 0.6)), 0
    with web_receiver() as hook:

        def accept() -> None:
            request, before = hook.requests[-1], kills
            time.sleep(next(pauses))
            if kills != before:
                hook.requests.remove(request)

        hook.replies = Held(accept)
        service.configure(play_all(simulator), {"hook": f'url = "{hook_url(hook)}"'})
        service.drop_in("at-once", AT_ONCE)
        service.container.run("systemctl restart bedrock-watch")
        for number, minutes in enumerate(MINUTES):
            clock.now = NOON + minutes * 60 + 1
            time.sleep(luck.uniform(0.0, 0.9))
            if number % 2:
                service.container.run("systemctl restart bedrock-watch")
                continue
            killed = kill(service)
            kills += 1
            wait_for_the_next(service, killed)
        service.container.wait_for(lambda: [one.title for one in posted(hook) if one.title in ENDINGS.values()][3:])
        service.container.wait_for(service.all_sent)
        check_nothing_is_lost(posted(hook), {delivery["event"] for delivery in service.deliveries()})


def test_an_alert_in_flight_at_a_restart_is_finished_first(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    with web_receiver() as hook:
        released = hold(hook)
        service.configure([simulator.play(failing())], {"hook": f'url = "{hook_url(hook)}"'})
        service.container.run("systemctl restart bedrock-watch")
        clock.now += 91 * 60
        service.container.wait_for(lambda: hook.requests)
        service.container.run("systemctl restart --no-block bedrock-watch")
        service.container.wait_for(lambda: service.shown("ActiveState") == "deactivating")
        released.set()
        service.container.wait_for(lambda: service.active)
        service.container.wait_for(service.all_sent)
        assert [(alert.title, alert.marked) for alert in posted(hook)] == [(FAILED, False)]


def test_a_main_loop_that_stands_still_is_ended_by_the_watchdog_and_begins_anew(service: Service) -> None:
    # So long that a busy machine does not hold it up: by itself it is never ended.
    service.drop_in("watchdog", f"WatchdogSec=15s\nTimeoutAbortSec=2s\n{AT_ONCE}")
    service.container.run("systemctl restart bedrock-watch")
    pid = service.pid
    service.container.run(f"kill -STOP {pid}")
    service.container.wait_for(lambda: service.active and service.pid not in (0, pid))
    assert service.shown("NRestarts") == "1"
    service.container.wait_for_words("Watchdog timeout")


def test_a_bad_configuration_ends_it_with_78_and_it_does_not_flap(service: Service) -> None:
    service.drop_in("at-once", AT_ONCE)
    service.container.write(CONFIGURATION, "[pool]\n")
    assert service.container.run("systemctl restart bedrock-watch", check=False).returncode == 1
    assert (service.shown("ExecMainStatus"), service.shown("SubState")) == ("78", "failed")
    assert service.shown("NRestarts") == "0"
    service.container.wait_for_words("pool")


def test_a_process_that_dies_again_and_again_is_begun_again_each_time(service: Service) -> None:
    """More often than systemd's own start limit would have it (five times in ten seconds)."""
    service.drop_in("at-once", AT_ONCE)
    service.container.run("systemctl restart bedrock-watch")
    for _ in range(7):
        wait_for_the_next(service, kill(service))
    assert service.shown("NRestarts") == "7"


SECRET = "hush-4711"

NEED_NO_SECRET = (
    *("status", "health", "doctor", "list", "events", "deliveries", "db check", "channel list", "config check"),
    *("config show", "channel explain nova-legal-v1", "channel preview hook", "channel test hook"),
)
"""What a member of the group asks, who may not read the URL of the channel."""


def tell(service: Service, line: str, simulator: Simulator, clock: Clock) -> None:
    """Watch a job that fails, with a channel of which *line* says where it is, and start the service with it."""
    service.configure([simulator.play(failing())], {"hook": line})
    service.container.run("systemctl restart bedrock-watch")
    clock.now += 91 * 60


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_credential_reaches_the_channel_and_nobody_else(
    service: Service, simulator: Simulator, clock: Clock, *, encrypted: bool
) -> None:
    with web_receiver() as hook:
        file = "/etc/bedrock-watch/credentials/hook"
        service.container.run(f"umask 077; echo {hook_url(hook)}{SECRET} >{file}")
        setting = f"LoadCredential=hook:{file}"
        if encrypted:
            service.container.run(f"systemd-creds encrypt --with-key=host --name=hook {file} {file}.cred && rm {file}")
            setting = f"LoadCredentialEncrypted=hook:{file}.cred"
        service.drop_in("credentials", setting)
        tell(service, 'url_credential = "hook"', simulator, clock)
        service.container.wait_for(lambda: hook.requests)
        assert hook.requests[0].path == f"/{SECRET}"
        assert service.container.run(f"cat {file}*", user="alice", check=False).returncode != 0
        for words in NEED_NO_SECRET:
            done = service.container.run(f"bedrock-watch {words}", user="alice")
            assert SECRET not in done.stdout + done.stderr
        assert SECRET not in service.container.journal()


def test_a_changed_credential_is_used_after_a_restart_and_a_reload_says_so(service: Service) -> None:
    """Some versions of systemd hand it out for a reload too (252 does, for the processes of ExecReload=)."""
    with web_receiver() as old, web_receiver() as new:
        file = "/etc/bedrock-watch/credentials/hook"
        service.container.run(f"umask 077; echo {hook_url(old)} >{file}")
        service.drop_in("credentials", f"LoadCredential=hook:{file}")
        service.configure([], {"hook": 'url_credential = "hook"'})
        service.container.run("systemctl restart bedrock-watch; bedrock-watch channel test")
        assert (len(old.requests), len(new.requests)) == (1, 0)
        service.container.run(f"echo {hook_url(new)} >{file}; systemctl reload bedrock-watch")
        service.container.wait_for_words("systemd hands out changed credentials by a restart")
        service.container.run("systemctl restart bedrock-watch; bedrock-watch channel test")
        assert (len(old.requests), len(new.requests)) == (1, 1)


def test_a_secret_file_of_the_services_own_reaches_the_channel_and_no_member_of_the_group(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    with web_receiver() as hook:
        file = "/etc/bedrock-watch/secrets/hook"
        service.container.run(
            f"umask 077; echo {hook_url(hook)}{SECRET} >{file}; chown bedrock-watch: {file}",
        )
        tell(service, 'url_file = "secrets/hook"', simulator, clock)
        service.container.wait_for(lambda: hook.requests)
        assert service.container.run(f"cat {file}", user="alice", check=False).returncode != 0
        assert "hook" in service.container.run("bedrock-watch channel list", user="alice").stdout


def test_a_member_of_the_group_uses_the_program_without_sudo(
    service: Service, simulator: Simulator, clock: Clock
) -> None:
    """What she adds, the service watches; what belongs to her, the service can still write."""
    with web_receiver() as hook:
        service.configure([], {"hook": f'url = "{hook_url(hook)}"'})
        service.container.run("systemctl restart bedrock-watch")
        arn = simulator.play(failing())
        service.container.run(f"bedrock-watch add {arn}", user="alice")
        for words in (
            "list",
            "status",
            "health",
            "db check",
            f"show {arn}",
            f"mute {arn} --for 1h",
            "unmute --all",
            "channel test hook",
            "doctor",
        ):
            service.container.run(f"bedrock-watch {words}", user="alice")
        clock.now += 91 * 60
        service.container.wait_for(lambda: FAILED in [alert.title for alert in posted(hook) if alert.body][-1:])
        service.container.run("systemctl stop bedrock-watch")
        service.container.run(f"bedrock-watch remove {arn}", user="alice")
        service.container.run("systemctl start bedrock-watch")
        assert service.ask("list --all")["jobs"] == []


def test_another_user_is_refused_and_told_what_to_do(service: Service) -> None:
    for words in ("list", "status", "add nova --region us-east-1"):
        done = service.container.run(f"bedrock-watch {words}", user="bob", check=False)
        assert done.returncode == 78
        assert "this user may not read it" in done.stderr
        assert "Traceback" not in done.stderr
    assert service.container.run(f"cat {DATABASE}", user="bob", check=False).returncode != 0
