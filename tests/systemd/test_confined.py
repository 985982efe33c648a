"""That the service works within its limits: what its hardening forbids, it does not need."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from service import CONFIGURATION, Service, configuration
from support_daemon import hook_url, mailed, posted
from support_receivers import mail_receiver, server_tls, web_receiver
from support_simulator import Clock
from test_endtoend_crashes import FAILED

from watcher.simulator import Simulator, failing

KEY = '{"Version": 1, "AccessKeyId": "AKIA123456789012", "SecretAccessKey": "testing"}'
"""What the AWS SDK expects of a credential_process; the simulator takes the key for the account of its jobs."""


OPEN = {
    "RestrictAddressFamilies_AF_INET_INET6",  # AWS and the channels are on the network, ...
    "PrivateNetwork",
    "IPAddressDeny",  # ... wherever people have them
    "RestrictAddressFamilies_AF_UNIX",  # systemd, the journal, the resolver
    "RootDirectoryOrRootImage",  # Python is the machine's
    "DeviceAllow",  # the clock's, to read: ProtectClock opens it
    "UMask",  # the group writes the database
}
"""What ``systemd-analyze security`` would have otherwise, and cannot: in its own words for each."""

SETTINGS = {
    "Type": "notify",
    "Restart": "on-failure",
    "RestartUSec": "5s",
    "RestartPreventExitStatus": "78",
    "StartLimitIntervalUSec": "0",
    "WatchdogUSec": "3min",
    "TimeoutStopUSec": "20s",
    "TimeoutAbortUSec": "20s",
    "StateDirectory": "bedrock-watch",
    "StateDirectoryMode": "2770",
    "LimitNOFILE": "16384",
    "MemoryMax": "1073741824",
    "TasksMax": "2048",
    "UMask": "0007",
    "DevicePolicy": "closed",
    "PrivateMounts": "yes",
    "Group": "bedrock-watch",
    "SystemCallErrorNumber": "1",
    "LimitCORE": "0",
    "Documentation": '"man:bedrock-watch(1)"',
}
"""What of the unit no test sees at work: it would take minutes, a crash, or another machine."""


def test_its_exposure_is_at_most_one_and_a_half(service: Service) -> None:
    found = service.container.run("systemd-analyze security --no-pager bedrock-watch").stdout
    match = re.search(r"Overall exposure level for bedrock-watch.service: ([0-9.]+)", found)
    assert match, found
    assert float(match[1]) <= 1.5


def test_nothing_is_open_but_what_it_needs(service: Service) -> None:
    """By systemd's own list, which says of each setting whether it is as it should be (null: it does not apply)."""
    found = json.loads(service.container.run("systemd-analyze security --json=short bedrock-watch").stdout)
    assert len(found) > 70
    assert {one["json_field"] for one in found if one["set"] is False} == OPEN


def test_systemd_has_read_of_the_unit_what_is_written_in_it(service: Service) -> None:
    shown = service.container.run(f"systemctl show -p {','.join(SETTINGS)} bedrock-watch").stdout
    assert dict(line.split("=", 1) for line in shown.splitlines()) == SETTINGS
    for name in ("Wants", "After"):
        assert "network-online.target" in service.shown(name).split()


def test_it_runs_as_a_user_of_its_own_without_any_power(service: Service) -> None:
    run, own = service.container.run, {}
    for line in run(f"cat /proc/{service.pid}/status").stdout.splitlines():
        name, _, value = line.partition(":")
        own[name] = value.split()
    user, group = (run(f"getent {base} bedrock-watch | cut -d: -f3").stdout.split() for base in ("passwd", "group"))
    assert (own["Uid"], own["Gid"], own["Groups"]) == (user * 4, group * 4, group)
    assert {own[name][0].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
    assert own["NoNewPrivs"] == ["1"]


def test_systemd_finds_no_fault_with_the_unit_nor_an_unknown_word_in_it(service: Service) -> None:
    done = service.container.run("systemd-analyze verify bedrock-watch.service", check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_speaks_tls_to_webhooks_and_mail_servers(
    service: Service, simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    """By name, so that the resolver is asked; with an authority of the installation's own."""
    tls, bundle = server_tls(tmp_path)
    service.container.write("/etc/bedrock-watch/ca.pem", Path(bundle).read_text())
    with web_receiver(tls) as hook, mail_receiver(tls) as mail:
        port = hook.address.partition(":")[2]
        channels = {
            "hook": f'url = "jsons://localhost:{port}/"\nca_bundle = "ca.pem"',
            "mail": f'url = "mailtos://localhost:{mail.port}/?from=a@example.com&to=b@example.com"\nca_bundle = "ca.pem"',
        }
        service.configure([simulator.play(failing())], channels)
        service.container.run("systemctl restart bedrock-watch")
        clock.now += 91 * 60
        service.container.wait_for(lambda: hook.requests and mail.mails)
        assert [alert.title for alert in (*posted(hook), *mailed(mail))] == [FAILED, FAILED]


@pytest.mark.parametrize("way", ["credential_process", "EnvironmentFile"])
def test_aws_credentials_come_the_ways_that_are_documented(
    service: Service, simulator: Simulator, clock: Clock, way: str
) -> None:
    """The files have the owners and modes that ``aws.conf.example`` names."""
    run, write = service.container.run, service.container.write
    if way == "credential_process":
        write("/usr/local/bin/fetch-credentials", f"#!/bin/sh\necho '{KEY}'\n")
        write("/etc/bedrock-watch/aws-config", "[default]\ncredential_process = /usr/local/bin/fetch-credentials\n")
        run("chmod 755 /usr/local/bin/fetch-credentials")
        run("cd /etc/bedrock-watch && chown root:bedrock-watch aws-config && chmod 640 aws-config")
        service.drop_in("aws", "Environment=AWS_CONFIG_FILE=/etc/bedrock-watch/aws-config")
    else:
        file = "/etc/bedrock-watch/credentials/aws.env"
        write(file, "AWS_ACCESS_KEY_ID=AKIA123456789012\nAWS_SECRET_ACCESS_KEY=testing\n")
        run(f"chmod 600 {file}")
        service.drop_in("aws", f"EnvironmentFile={file}")
    with web_receiver() as hook:
        signed = configuration(
            service.endpoint, [simulator.play(failing())], {"hook": f'url = "{hook_url(hook)}"'}
        ).replace("sign = false\n", "")
        write(CONFIGURATION, signed)
        run("systemctl restart bedrock-watch")
        clock.now += 91 * 60
        service.container.wait_for(lambda: hook.requests)
        assert [alert.title for alert in posted(hook)] == [FAILED]


def test_what_it_is_not_for_is_out_of_its_reach(service: Service) -> None:
    """A process with the service's limits and identity: the lock is tried, not only described."""
    inside = f"nsenter --target={service.pid} --mount setpriv --reuid=bedrock-watch --regid=bedrock-watch --init-groups"
    for attempt in ("touch /etc/bedrock-watch/mine", "touch /usr/mine", "ls /home/alice", "cat /dev/console"):
        assert service.container.run(f"{inside} {attempt}", check=False).returncode != 0, attempt
    service.container.run(f"{inside} touch /var/lib/bedrock-watch/mine")
