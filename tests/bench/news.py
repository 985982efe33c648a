"""How soon news is told, and how fast a queue is drained, beside Apprise as it comes."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trustme
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from bench.processes import Place, helper, line, wait_for, world
from bench.watching import BUILD, Home, home
from bench.world import PAGE, arn
from watcher.model import Outcome, Posting, StatusChanged
from watcher.store import Store
from watcher.store.news import write_event


def detection(changes: int) -> list[float]:
    """Return the milliseconds from the first response that carried a change to the hook's receipt, 1000 jobs watched.

    The changes come one after the other, at random moments.
    """
    luck = random.Random(1)
    with world(PAGE) as place:
        channels = {"hook": f"json://127.0.0.1:{place.ports['http']}/"}
        with home(place.url, PAGE, channels=channels) as made, made.daemon() as process:
            made.run("channel", "test")
            wait_for(partial(place.has, "told", 1), "the hook is told", process)
            place.ask("forget")
            for number in range(changes):
                time.sleep(luck.random() / 5)
                place.ask(f"change/{number}")
                wait_for(partial(place.has, "told", number + 1), "the change is told", process)
        carried = place.ask("counts")["carried"]
        told = {body["job"]["arn"]: at for at, body in place.ask("told")}
    return [(told[arn(number)] - carried[str(number)]) * 1000 for number in range(changes)]


@dataclass
class Drain:
    """Messages a second by one scheme: ours, and the naive call's; each item is one round."""

    scheme: str
    ours: list[float]
    naive: list[float]


def drain(scheme: str, messages: int, rounds: int) -> Drain:
    """Measure a queue of *messages* to one hook by *scheme* (http, https), and a tenth of them by the naive call."""
    result = Drain(scheme, [], [])
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as directory:
        bundle, certificate = Path(directory) / "ca.pem", Path(directory) / "server.pem"
        authority = trustme.CA()
        # The usual authorities, too: the naive call reads them anew for each message.
        bundle.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes() + authority.cert_pem.bytes())
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        with world(messages, str(certificate)) as place:
            url = f"{'jsons' if scheme == 'https' else 'json'}://127.0.0.1:{place.ports[scheme]}/"
            for _ in range(rounds):
                result.ours.append(_ours(place, url, str(bundle), messages))
                result.naive.append(_naive(place, url, str(bundle), messages // 10))
    return result


def _ours(place: Place, url: str, bundle: str, messages: int) -> float:
    place.ask("forget")
    with home(place.url, messages, channels={"hook": url}, ca_bundle=bundle, poll=" ") as made:
        fill(made)
        with made.daemon() as process:
            wait_for(partial(place.has, "told", messages), "the queue is drained", process)
    return _rate(place)


def fill(made: Home) -> None:
    """Queue one message for each job."""
    store = Store.open(made.database)
    try:
        jobs = store.jobs.listed(every=True)
        with store.database.transaction() as sql:
            for job in jobs:
                told = (StatusChanged("InProgress", "Stopping", Outcome.RUNNING),)
                write_event(sql, f"job/{job.id}", told, (Posting("hook"),), time.time(), job=job.id)
    finally:
        store.close()


def _naive(place: Place, url: str, bundle: str, messages: int) -> float:
    place.ask("forget")
    with helper("naive", url, str(messages), REQUESTS_CA_BUNDLE=bundle) as process:
        line(process)
    return _rate(place)


def _rate(place: Place) -> float:
    times = place.ask("times")
    return float((place.ask("counts")["told"] - 1) / (times["last"] - times["first"]))
