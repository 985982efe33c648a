"""An SQS queue that EventBridge feeds (moto's, both) makes the installed daemon look at once; the simulator is Bedrock.

The daemon polls once an hour here, so that a look within the test is the queue's doing.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import support_simulator as support
from moto.server import ThreadedMotoServer
from support_config import only, read
from support_daemon import Home, hook_url, posted
from support_receivers import Reply, web_receiver
from support_simulator import SESSION, Clock

from watcher.bedrock.eventbridge import Named, job_of
from watcher.model import JobArn, parse_identifier
from watcher.simulator import Fault, Kind, Simulator, distillation, failing
from watcher.store import Store
from watcher.store.jobs import Wanted

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

MINUTE = 60.0
CUSTOMIZATION, BATCH = "Model Customization Job State Change", "Batch Inference Job State Change"


class Hourly(Home):
    """A home whose daemon looks by itself once an hour."""

    def _configuration(self) -> str:
        return (
            super()._configuration().replace('fastest = "100ms"\nslowest = "300ms"', 'fastest = "1h"\nslowest = "1h"')
        )


class Queue:
    """A queue with a dead-letter queue, where a message is seen again after a second, and given up the second time."""

    def __init__(self, url: str) -> None:
        self.endpoint = url
        self.sqs, self.events, self.sns = self._client("sqs"), self._client("events"), self._client("sns")
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": 2}
        attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
        self.url = self.sqs.create_queue(QueueName="bedrock-jobs", Attributes=attributes)["QueueUrl"]

    def _client(self, service: str) -> Any:
        return SESSION.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def _arn(self, url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def feed(self, pattern: str) -> None:
        """Let EventBridge send what matches *pattern* to the queue."""
        self.events.put_rule(Name="bedrock-jobs", EventPattern=pattern)
        self.events.put_targets(Rule="bedrock-jobs", Targets=[{"Id": "queue", "Arn": self._arn(self.url)}])

    def happen(self, kind: str, source: str = "aws.bedrock", **detail: str) -> None:
        """Let an event happen."""
        self.events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}])

    def publish(self, text: str) -> None:
        """Let a topic of SNS send a text to the queue, in its envelope."""
        topic = self.sns.create_topic(Name="bedrock-jobs")["TopicArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn(self.url))
        self.sns.publish(TopicArn=topic, Message=text)

    def count(self, url: str = "") -> int:
        """Return how many messages there are, those included that somebody is dealing with."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def close(self) -> None:
        """Close the connections."""
        for client in (self.sqs, self.events, self.sns):
            client.close()


@pytest.fixture
def queue() -> Iterator[Queue]:
    """A queue of moto's."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        # What earlier tests have left in this process is gone.
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10).raise_for_status()
        with closing(Queue(f"http://{host}:{port}")) as made:
            yield made
    finally:
        server.stop()


def table(queue: Queue) -> str:
    """Return the queue's table of the configuration."""
    return f'[[queue]]\nurl = "{queue.url}"\n'


def test_an_event_makes_the_daemon_look_at_once_and_is_deleted_when_the_look_is_recorded(
    clock: Clock, simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """The pattern is what the program prints; what the event says of the job is not believed.

    One event comes as it is, another in the envelope of a topic, with the ARN as it is in AWS's own sample.
    """
    arn = simulator.play(failing())
    clock.now += 20 * MINUTE
    with web_receiver() as hook:
        home = Hourly(tmp_path, endpoint, [arn], {"hook": hook_url(hook)}, more=table(queue))
        queue.feed(home.run("eventbridge-pattern").stdout)
        policy = home.run("iam-policy").stdout
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
            queue.happen(CUSTOMIZATION, jobArn=arn, jobStatus="Completed")
            queue.happen("Foundation Model State Change", modelArn=arn)
            daemon.wait_for(lambda: home.logged("hint"))
            daemon.wait_for(lambda: queue.count() == 0)
            assert hook.requests == []  # nothing has changed, whatever the event says
            clock.now += 80 * MINUTE
            queue.publish(event(CUSTOMIZATION, jobArn=without_model(arn), jobStatus="Failed"))
            daemon.wait_for(lambda: hook.requests)
            daemon.wait_for(lambda: queue.count() == 0)
            assert daemon.terminate() == 0
        (alert,) = posted(hook)
    assert alert.title.startswith("[bedrock] FAILED nova-legal-v1")
    assert home.operations().difference(policy) <= {"bedrock:ListModelCustomizationJobs"}  # it is for more jobs
    assert home.logged("queue_failing") == home.logged("unknown_message") == home.logged("standing_still") == []
    assert queue.count(queue.dead) == 0


def test_a_message_stays_while_the_look_that_it_asks_for_fails(
    clock: Clock, simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    arn = simulator.play(distillation())
    clock.now += 6 * MINUTE
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
    home = Hourly(tmp_path, endpoint, [arn], more=table(queue))
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        simulator.inject(Fault(kind=Kind.DENIED))
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn))
        daemon.wait_for(lambda: len(home.logged("hint")) > 2)  # it came again, and again
        assert queue.count() == 1
        simulator.clear()
        daemon.wait_for(lambda: queue.count() == 0)
        assert home.query("SELECT failures, asked_at FROM jobs") == [(0, 0.0)]
        assert daemon.terminate() == 0


def test_a_job_that_was_never_seen_is_looked_at_for_the_name_that_it_was_added_by(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    script = distillation()
    arn = simulator.play(script)
    simulator.inject(Fault(kind=Kind.DENIED))
    named = f'[[job]]\nid = "{script.name}"\nregion = "us-east-1"\n'
    home = Hourly(tmp_path, endpoint, more=table(queue) + named)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE failures"))
        simulator.clear()
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn, jobName=script.name))
        daemon.wait_for(lambda: home.logged("hint"))
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        daemon.wait_for(lambda: queue.count() == 0)
        assert daemon.terminate() == 0
    assert queue.count(queue.dead) == 0


def test_a_job_that_nobody_watches_is_looked_for_by_the_rules(
    clock: Clock, simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """By their own List, as ever, of what began of late; where no rule looks, nothing is asked."""
    clock.now = time.time()
    simulator.play(failing())
    rule = '[[discover]]\nname = "all"\naccount = "123456789012"\nregions = ["us-east-1"]\n'
    home = Hourly(tmp_path, endpoint, more=table(queue) + rule, env={"AWS_ENDPOINT_URL_STS": queue.endpoint})
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE version > 0"))
        asked = simulator.counts["List"]
        clock.now += MINUTE
        arn = simulator.play(distillation())
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn.replace("east", "west")))
        daemon.wait_for(lambda: queue.count() == 0)
        assert simulator.counts["List"] == asked
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn))
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE version > 0 AND arn = ?", arn))
        daemon.wait_for(lambda: queue.count() == 0)
        assert daemon.terminate() == 0


def test_what_is_no_event_of_bedrocks_goes_to_the_dead_letter_queue_with_one_warning(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """One of a job that nobody watches here is understood, and deleted."""
    home = Hourly(tmp_path, endpoint, [simulator.play(distillation())], more=table(queue))
    bodies = ["not JSON", event(CUSTOMIZATION, "com.example", jobArn=simulator.play(failing())), "[]"]
    for body in (*bodies, event(BATCH, batchJobArn="arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/x")):
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=body)
    with home.running() as daemon:
        daemon.wait_for(lambda: queue.count() == 0 and queue.count(queue.dead) == 3)
        assert daemon.terminate() == 0
    (warning,) = home.logged("unknown_message")
    assert warning["queue"] == "bedrock-jobs"
    assert home.logged("hint") == []


def test_a_queue_that_cannot_be_read_is_logged_once_and_again_when_it_works(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    queue.sqs.delete_queue(QueueUrl=queue.url)
    home = Hourly(tmp_path, endpoint, [simulator.play(distillation())], more=table(queue))
    with home.running() as daemon:
        daemon.wait_for(lambda: home.logged("queue_failing"))
        daemon.wait_for(lambda: home.status().get("queues"))
        shown, told = home.run("status"), json.loads(home.run("status", "-o", "json").stdout)
        queue.url = queue.sqs.create_queue(QueueName="bedrock-jobs")["QueueUrl"]
        daemon.wait_for(lambda: home.logged("queue_works_again"))
        assert daemon.terminate() == 0
    (failing_line,) = home.logged("queue_failing")
    assert failing_line["queue"] == "bedrock-jobs"
    assert "check the queue's url" in failing_line["remedy"]
    assert re.search(r"^cannot read    queue bedrock-jobs: .*\n +check the queue's url", shown.stdout, re.MULTILINE)
    assert told["queues"]["bedrock-jobs"]["remedy"] == failing_line["remedy"]


def test_a_reload_takes_a_queue_in_and_lets_it_go(
    clock: Clock, simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    arn = simulator.play(distillation())
    home = Hourly(tmp_path, endpoint, [arn])
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn))
        home.configure(table(queue))
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.logged("hint"))
        daemon.wait_for(lambda: queue.count() == 0)
        home.configure()
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: len(home.logged("reloaded")) == 2)
        assert daemon.terminate() == 0


def test_a_reload_gives_a_queue_the_credentials_that_its_account_has_now(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """The account is the one in the queue's URL."""
    arn = simulator.play(distillation())
    home = Hourly(tmp_path, endpoint, [arn], more=table(queue))
    wrong = f'[[account]]\nid = "{queue.url.split("/")[-2]}"\nprofile = "gone"\n'
    home.configure(wrong)
    home.more += wrong
    with home.running() as daemon:
        daemon.wait_for(lambda: home.status().get("queues"))
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn))
        home.more = table(queue)
        home.configure()
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.logged("hint"))
        daemon.wait_for(lambda: queue.count() == 0 and not home.status()["queues"])
        assert daemon.terminate() == 0
    (failing_line,) = home.logged("queue_failing")
    assert "gone" in failing_line["error"]


def of_queue(home: Home) -> dict[str, str]:
    """Return what the doctor finds of the queue."""
    found = json.loads(home.run("doctor", "-o", "json").stdout)["findings"]
    (one,) = (finding for finding in found if finding["check"] == "queue")
    return dict(one)


def test_the_doctor_says_whether_a_queue_can_be_read_and_takes_nothing_from_it(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    arn, sts = simulator.play(distillation()), {"AWS_ENDPOINT_URL_STS": queue.endpoint}
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "3600"})
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    home = Hourly(tmp_path, endpoint, [arn], more=table(queue), env=sts)
    found = of_queue(home)
    assert (found["subject"], found["severity"]) == ("bedrock-jobs", "ok")
    assert found["finding"].startswith("allowed: ReceiveMessage, DeleteMessage, with ")
    assert len(queue.sqs.receive_message(QueueUrl=queue.url)["Messages"]) == 1
    queue.sqs.delete_queue(QueueUrl=queue.url)
    found = of_queue(home)
    assert found["severity"] == "fail"
    assert found["finding"].endswith("; its jobs are looked at by polling alone")
    assert found["remedy"].startswith("check the queue's url")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDeniedException", "allow sqs:DeleteMessage on http://"),
        ("KmsAccessDenied", "allow kms:Decrypt on the key that the queue is encrypted with to "),
    ],
)
def test_what_is_missing_to_read_a_queue_is_named(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path, code: str, remedy: str
) -> None:
    """Source: Amazon SQS API Reference, the errors of ReceiveMessage and DeleteMessage."""
    arn, sts = simulator.play(distillation()), {"AWS_ENDPOINT_URL_STS": queue.endpoint}
    refusal = Reply(400, json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "not you"}))
    with web_receiver() as sqs:
        sqs.replies += [Reply(200, "{}")] * code.startswith("Access")
        sqs.reply = refusal
        mine = f'[[queue]]\nurl = "{sqs.url}/123456789012/mine"\n'
        found = of_queue(Hourly(tmp_path, endpoint, [arn], more=mine, env=sts))
    assert (found["severity"], found["subject"]) == ("fail", "mine")
    assert found["remedy"].startswith(remedy)


def event(kind: str, source: str = "aws.bedrock", **detail: str) -> str:
    """Return an event as EventBridge writes it."""
    return json.dumps({"version": "0", "source": source, "detail-type": kind, "detail": detail})


ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"


def without_model(arn: str) -> str:
    """Return the ARN as AWS's own sample of an event has it."""
    return re.sub(r"job/.*/", "job/", arn)


def wrapped(text: object, kind: str = "Notification") -> str:
    """Return a message of SNS."""
    return json.dumps({"Type": kind, "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:x", "Message": text})


def test_each_event_names_its_job_by_members_of_its_own() -> None:
    job = JobArn.parse(ARN)
    assert job_of(event(CUSTOMIZATION, jobArn=ARN, jobName="one")) == Named(job, "one")
    assert job_of(event(BATCH, batchJobArn=ARN)) == Named(job)
    assert job_of(event(BATCH, batchJobArn=ARN, batchJobName=[])) == Named(job)  # type: ignore[arg-type]
    assert job_of(wrapped(event(CUSTOMIZATION, jobArn=ARN))) == Named(job)


def add(store: Store, word: str, region: str = "us-east-1") -> int:
    """Watch a job by its ARN or its name, and return its number."""
    job, _ = store.jobs.add(Wanted(parse_identifier(word), region), 1.0, ask=False)
    return job.id


def test_a_job_is_hinted_at_by_its_id_its_account_its_region_and_its_kind(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "watch.db")) as store:
        long, short = add(store, ARN), add(store, without_model(ARN).replace("ghij12", "ghij13"))
        for arn, number in {
            ARN: long,
            without_model(ARN): long,
            ARN.replace("ghij12", "ghij13"): short,
            ARN.replace("us-east-1", "us-west-2"): None,
            ARN.replace("123456789012", "123456789013"): None,
            ARN.replace("abcdefghij12", "bcdefghij12"): None,
            ARN.replace("model-customization-job", "model-invocation-job"): None,
        }.items():
            assert store.jobs.hint(JobArn.parse(arn), "", 2.0) == number, arn
        store.jobs.remove(store.jobs.get(long))
        assert store.jobs.hint(JobArn.parse(ARN), "", 2.0) is None


def test_a_name_is_that_of_a_job_of_its_region_that_was_never_seen(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "watch.db")) as store:
        named = add(store, "nova-support-v3")
        add(store, "nova-support-v3", "us-west-2")
        other = JobArn.parse(ARN.replace("us-east-1", "eu-west-1"))
        assert store.jobs.hint(JobArn.parse(ARN), "nova-support-v3", 2.0) == named
        assert store.jobs.hint(JobArn.parse(ARN), "nova", 2.0) is None
        assert store.jobs.hint(other, "nova-support-v3", 2.0) is None
        seen = add(store, ARN)
        assert store.jobs.hint(JobArn.parse(ARN), "nova-support-v3", 2.0) == seen


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[" * 100_000,
        "3",
        event(CUSTOMIZATION, batchJobArn=ARN),
        event(CUSTOMIZATION, jobArn="job"),
        event(CUSTOMIZATION, jobArn="arn:aws:bedrock:us-east-1:123456789012:agent/x"),
        wrapped("[]"),
        wrapped({}),
        wrapped(event(CUSTOMIZATION, jobArn=ARN), "SubscriptionConfirmation"),
        wrapped(wrapped(event(CUSTOMIZATION, jobArn=ARN))),
        event("Other", jobArn=ARN),
        event(CUSTOMIZATION, "aws.sagemaker", jobArn=ARN),
        '{"source": "aws.bedrock", "detail-type": ["x"], "detail": {}}',
        '{"source": "aws.bedrock", "detail-type": "Batch Inference Job State Change", "detail": 1}',
    ],
)
def test_anything_else_names_no_job(body: str) -> None:
    assert job_of(body) is None


def test_a_queues_region_and_account_are_those_of_its_url(tmp_path: Path) -> None:
    aws, partition, own = (
        "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
        "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs",
        "http://127.0.0.1:4566/queue/jobs",
    )
    tables = "".join(f'[[queue]]\nurl = "{url}"\n' for url in (aws, partition, own))
    queues = read(tmp_path, f'[aws]\nregion = "us-west-2"\n{tables}').queues
    assert [(one.region, one.account, one.name) for one in queues] == [
        ("eu-west-1", "123456789012", "jobs"),
        ("cn-north-1", "123456789012", "jobs"),
        ("us-west-2", None, "jobs"),
    ]


def test_queues_of_one_name_are_told_apart_by_their_urls(tmp_path: Path) -> None:
    """Rules of EventBridge are regional, and so one queue in each region may well have the same name."""
    urls = [f"https://sqs.{region}.amazonaws.com/123456789012/jobs" for region in ("eu-west-1", "us-east-1")]
    alone = "https://sqs.us-east-1.amazonaws.com/123456789012/others"
    queues = read(tmp_path, "".join(f'[[queue]]\nurl = "{url}"\n' for url in (*urls, alone))).queues
    assert [one.title for one in queues] == [*urls, "others"]


@pytest.mark.parametrize(
    ("lines", "key", "what"),
    [
        ("", "queue[1].url", "is missing"),
        ('url = "arn:aws:sqs:us-east-1:123456789012:jobs"', "queue[1].url", "is not a queue's URL"),
        ('url = "https://user:pass@sqs.us-east-1.amazonaws.com/1/jobs"', "queue[1].url", "is not a queue's URL"),
        ('url = "http://127.0.0.1:4566/123456789012/jobs"', "queue[1].region", "is missing, and the url does not"),
        ('url = "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"\nwait = 3', "queue[1].wait", "unknown key"),
    ],
)
def test_a_mistake_in_a_queue_is_named(tmp_path: Path, lines: str, key: str, what: str) -> None:
    mistake = only(tmp_path, f"[[queue]]\n{lines}\n")
    assert mistake.key == key
    assert mistake.what.startswith(what)


def test_the_policy_names_the_queue_only_where_there_is_one(tmp_path: Path) -> None:
    url = "https://sqs.us-gov-west-1.amazonaws.com/210987654321/jobs"
    with_queue = Home(tmp_path, "http://127.0.0.1:9", [ARN], more=f'[[queue]]\nurl = "{url}"\n')
    policies = json.loads(with_queue.run("iam-policy").stdout)
    assert policies["210987654321"]["Statement"] == [
        {
            "Sid": "ReadQueues",
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": ["arn:aws-us-gov:sqs:us-gov-west-1:210987654321:jobs"],
        }
    ]
    assert "sqs:" not in Home(tmp_path, "http://127.0.0.1:9", [ARN]).run("iam-policy").stdout


POISONED_MESSAGE = """
import watcher.hints as hints
whole = hints.job_of
def job_of(body):
    if "poison" in body:
        raise KeyError("planted")
    return whole(body)
hints.job_of = job_of
"""


def test_a_message_that_crashes_the_daemon_is_left_to_its_queue_and_the_others_are_read(
    clock: Clock, simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """A planted bug ends the daemon three times; the fourth process goes on without that message."""
    arn = simulator.play(failing())
    with web_receiver() as hook:
        home = Hourly(tmp_path, endpoint, [arn], {"hook": hook_url(hook)}, more=table(queue), hook=POISONED_MESSAGE)
        queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": "", "VisibilityTimeout": "0"})
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody="poison")
        for _ in range(3):
            environment = home.environment() | home.operations().environment
            ended = subprocess.run(home.command("run"), capture_output=True, env=environment, timeout=60, check=False)
            assert ended.returncode == 70, ended.stderr
        with home.running() as daemon:
            daemon.wait_for(lambda: any("CRASHED" in alert.title for alert in posted(hook)))
            clock.now += 110 * MINUTE
            queue.sqs.send_message(
                QueueUrl=queue.url, MessageBody=event(CUSTOMIZATION, jobArn=arn, jobStatus="Completed")
            )
            daemon.wait_for(lambda: any("FAILED nova-legal-v1" in alert.title for alert in posted(hook)))
            daemon.wait_for(lambda: queue.count() == 1)  # the event is deleted after its look is recorded
            assert daemon.terminate() == 0
        assert "message/" in home.run("quarantine").stdout
    assert queue.count() == 1
