"""An SQS queue that EventBridge feeds (moto's, both) makes the installed daemon look at once; the simulator is Bedrock.

The daemon polls once an hour here, so that a look within the test is the queue's doing.
"""

from __future__ import annotations

import json
import signal
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
from support_receivers import web_receiver
from support_simulator import SESSION, Clock

from watcher.bedrock.eventbridge import job_of
from watcher.simulator import Fault, Kind, Simulator, distillation, failing

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
        self.sqs, self.events = self._client("sqs"), self._client("events")
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

    def count(self, url: str = "") -> int:
        """Return how many messages there are, those included that somebody is dealing with."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def close(self) -> None:
        """Close the connections."""
        self.sqs.close()
        self.events.close()


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
    """The pattern is what the program prints; what the event says of the job is not believed."""
    arn = simulator.play(failing())
    clock.now += 20 * MINUTE
    with web_receiver() as hook:
        home = Hourly(tmp_path, endpoint, [arn], {"hook": hook_url(hook)}, more=table(queue))
        queue.feed(home.run("eventbridge-pattern").stdout)
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
            queue.happen(CUSTOMIZATION, jobArn=arn, jobStatus="Completed")
            queue.happen("Foundation Model State Change", modelArn=arn)
            daemon.wait_for(lambda: home.logged("hint"))
            daemon.wait_for(lambda: queue.count() == 0)
            assert hook.requests == []  # nothing has changed, whatever the event says
            clock.now += 80 * MINUTE
            queue.happen(CUSTOMIZATION, jobArn=arn, jobStatus="Failed")
            daemon.wait_for(lambda: hook.requests)
            daemon.wait_for(lambda: queue.count() == 0)
            assert daemon.terminate() == 0
        (alert,) = posted(hook)
    assert alert.title.startswith("[bedrock] FAILED nova-legal-v1")
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


def test_what_is_no_event_of_bedrocks_goes_to_the_dead_letter_queue_with_one_warning(
    simulator: Simulator, endpoint: str, queue: Queue, tmp_path: Path
) -> None:
    """One of a job that nobody watches here is understood, and deleted."""
    home = Hourly(tmp_path, endpoint, [simulator.play(distillation())], more=table(queue))
    bodies = ["not JSON", event(CUSTOMIZATION, "com.example", jobArn=simulator.play(failing())), "[]"]
    for body in (*bodies, event(BATCH, batchJobArn="arn:aws:bedrock:us-east-1:1:model-invocation-job/x")):
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
        shown = home.run("status")
        queue.url = queue.sqs.create_queue(QueueName="bedrock-jobs")["QueueUrl"]
        daemon.wait_for(lambda: home.logged("queue_works_again"))
        assert daemon.terminate() == 0
    (failing_line,) = home.logged("queue_failing")
    assert failing_line["queue"] == "bedrock-jobs"
    assert "check the queue's url" in failing_line["remedy"]
    assert "queue bedrock-jobs" in shown.stdout + shown.stderr


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


def event(kind: str, source: str = "aws.bedrock", **detail: str) -> str:
    """Return an event as EventBridge writes it."""
    return json.dumps({"version": "0", "source": source, "detail-type": kind, "detail": detail})


ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"


def test_each_event_names_its_job_by_a_member_of_its_own() -> None:
    assert job_of(event(CUSTOMIZATION, jobArn=ARN)) == ARN
    assert job_of(event(BATCH, batchJobArn=ARN)) == ARN


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[" * 100_000,
        "3",
        event(CUSTOMIZATION, batchJobArn=ARN),
        event(CUSTOMIZATION, jobArn="job"),
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
