"""What stands in AWS's place in ``make chaos`` is what it says, and who believes it is found out."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import pytest
from chaos.front import WRONG_NAME, Front, port_of
from chaos.services import QUEUE, ROLE, SERVICES, STRANGERS, Services
from support_receivers import Request, web_receiver
from support_tls import Authority


@pytest.fixture
def front(tmp_path: Path) -> Iterator[tuple[Front, Authority]]:
    authority = Authority(tmp_path)
    with web_receiver() as behind:
        made = Front(authority.good(), authority.wrong_name(), port_of(behind.url))
        with made.running() as url:
            made.url = url
            yield made, authority


def fetch(url: str, context: ssl.SSLContext) -> bytes:
    with closing(HTTPSConnection("127.0.0.1", port_of(url), context=context, timeout=20)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read()


def test_a_client_that_checks_the_name_is_not_counted_as_a_believer(front: tuple[Front, Authority]) -> None:
    server, authority = front
    careful = ssl.create_default_context(cafile=authority.bundle)
    assert fetch(server.url, careful) == b"ok"
    server.show(bad=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        fetch(server.url, careful)
    assert (server.believed, [look.fault for look in server.asked]) == (0, [WRONG_NAME])
    server.show(bad=False)
    assert fetch(server.url, careful) == b"ok"


def test_a_client_that_does_not_check_the_name_is_found_out(front: tuple[Front, Authority]) -> None:
    server, authority = front
    careless = ssl.create_default_context(cafile=authority.bundle)
    careless.check_hostname = False
    server.show(bad=True)
    with pytest.raises((OSError, HTTPException)):
        fetch(server.url, careless)
    assert server.believed == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_stranger_answers_in_the_place_of_one_service_and_no_other(service: str) -> None:
    requests = {
        "STS": Request("POST", "/", {}, f"Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=x"),
        "SQS": Request("POST", f"/{QUEUE}", {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}, "{}"),
        "metadata": Request("GET", "/role", {}, ""),
    }
    served = Services(random.Random(1))
    served.obstruct(service, STRANGERS[0], 3600)
    for one, request in requests.items():
        reply = served.answer(request)
        assert (reply.status != 200 or bool(reply.instead)) == (one == service)
    assert [look.fault for look in served.asked] == [f"{service}: {STRANGERS[0]}"]
    served.clear()
    assert served.answer(requests[service]).status == 200
