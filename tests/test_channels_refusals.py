"""Services that refuse inside a 200: each is played, over HTTP on loopback, and its own words decide.

The addresses are the services' own; only their origin is exchanged, where a request leaves for the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from support_receivers import Reply, Request, WebReceiver, web_receiver

from watcher.channels import AppriseChannel, open_channel
from watcher.channels.refusals import SERVICES, Refusals, Said, refusals_of
from watcher.channels.services import module
from watcher.channels.wire import Wire
from watcher.channels.witness import Witness
from watcher.model import Failed, Message, Sent, Severity

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
KEY32 = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
UUID = "a1b2c3d4-e5f6-47a8-b9c0-d1e2f3a4b5c6"


@dataclass(frozen=True)
class Played:
    """A service: its URL, the *body* it accepts a message with, and those it refuses it with, by what they mean.

    *login* is what it answers to requests whose path does not hold *at*.
    """

    url: str
    body: object
    later: tuple[object, ...] = ()
    never: tuple[object, ...] = ()
    perhaps: tuple[object, ...] = ()
    login: object = None
    at: str = field(default="")


def error(code: object, words: str = "no") -> dict[str, object]:
    """Return a refusal as many services in China word it."""
    return {"errcode": code, "errmsg": words}


SERVICES_PLAYED = {
    "slack": Played(
        "slack://xoxb-123456-123456-abcdefghijkl/#jobs",
        {"ok": True, "channel": "C1", "ts": "1.2"},
        later=({"ok": False, "error": "ratelimited"}, {"ok": False, "error": "new_word"}, {"ok": False}),
        never=({"ok": False, "error": "channel_not_found"},),
        perhaps=({"ok": False, "error": "fatal_error"}, "ok", {"fine": True}, [1]),
    ),
    "feishu": Played(
        "feishu://a1b2c3d4-e5f6",
        {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success", "data": {}},
        later=({"code": 11232, "msg": "frequency limited"}, {"code": 9499, "msg": "Bad Request"}),
        never=({"code": 19024, "msg": "Key Words Not Found"}, {"code": 19001, "msg": "param invalid"}),
        perhaps=({}, "page"),
    ),
    "lark": Played(
        "lark://a1b2c3d4-e5f6",
        {"StatusCode": 0, "StatusMessage": "success"},
        later=({"code": 11232},),
        never=({"code": 19021, "msg": "sign match fail"},),
        perhaps=({},),
    ),
    "dingtalk": Played(
        f"dingtalk://{KEY32}/",
        error(0, "ok"),
        later=(error(130101, "send too fast"), error(-1, "system busy"), error(987654)),
        never=(error(310000, "keywords not in content"), error(300001, "token is not exist")),
        perhaps=({}, "page"),
    ),
    "wecombot": Played(
        f"wecombot://{UUID}",
        error(0, "ok"),
        later=(error(45009, "api freq out of limit"),),
        never=(error(93000, "invalid webhook url"),),
        perhaps=({},),
    ),
    "wechat": Played(
        "wechat://corpid:corpsecret@1000002/@someone",
        error(0, "ok"),
        later=(error(45009), error(42001)),
        never=(error(81013),),
        login={"errcode": 0, "access_token": "t", "expires_in": 7200},
        at="message/send",
    ),
    "telegram": Played(
        "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxYZ012345678/123456",
        {"ok": True, "result": {"message_id": 1}},
        later=({"ok": False, "error_code": 429, "description": "Too Many Requests"}, {"ok": False}),
        never=({"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},),
        perhaps=({}, "page"),
    ),
    "matrix": Played(
        "matrix://token@matrix.example/!room:matrix.example",
        {"event_id": "$1"},
        later=({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests"},),
        never=({"errcode": "M_FORBIDDEN", "error": "not in room"},),
        login={"room_id": "!room:matrix.example", "user_id": "@bot:matrix.example", "joined_rooms": []},
        at="/send/",
    ),
    "pagerduty": Played(
        f"pagerduty://{KEY32}@{KEY32}",
        {"status": "success", "message": "Event processed", "dedup_key": "k"},
        later=({"status": "throttle exceeded"},),
        never=({"status": "invalid event", "errors": ["x"]},),
        perhaps=({}, "page"),
    ),
    "opsgenie": Played(
        f"opsgenie://{UUID}",
        {"result": "Request will be processed", "took": 0.3, "requestId": UUID},
        later=({"message": "no", "errors": {"message": "too long"}},),
    ),
    "pushover": Played(
        f"pover://{KEY32[:30]}@{KEY32[:30]}",
        {"status": 1, "request": UUID},
        later=({"status": 0, "errors": ["application token is invalid"]},),
        perhaps=({}, "page"),
    ),
    "line": Played(
        "line://token/U1234", {"sentMessages": [{"id": "1"}]}, later=({"message": "The monthly limit was reached"},)
    ),
    "bark": Played(
        "bark://bark.example/devicekey",
        {"code": 200, "message": "success"},
        later=({"code": 500, "message": "push failed"},),
        never=({"code": 400, "message": "device key is empty"},),
        perhaps=({},),
    ),
    "serverchan": Played(
        "schan://SCT1234",
        {"code": 0, "message": "", "data": {"pushid": "1", "errno": 0}},
        later=({"code": 40010, "message": "too often"},),
        never=({"code": 40001, "message": "bad pushtoken"},),
        perhaps=({},),
    ),
    "pushplus": Played(
        f"pushplus://{KEY32}",
        {"code": 200, "msg": "ok", "data": "1"},
        later=({"code": 900, "msg": "too often"},),
        never=({"code": 903, "msg": "unknown token"},),
        perhaps=({},),
    ),
    "pushdeer": Played(
        "pushdeer://PDU1234",
        {"code": 0, "content": {"result": ["{}"]}},
        later=({"code": 1, "error": "busy"},),
        never=({"code": 80501, "error": "bad arguments"},),
        perhaps=({},),
    ),
    "pushme": Played("pushme://token", "success", later=({"code": 500},)),
    "wxpusher": Played(
        "wxpusher://AT_appid/UID_a",
        {"code": 1000, "msg": "ok", "data": [{"code": 1000}]},
        later=({"code": 1005, "msg": "busy"},),
        never=({"code": 1001, "msg": "bad argument"},),
    ),
    "wpush": Played(f"wpush://WPUSH{KEY32[:27]}", {"code": 0, "message": "ok"}, later=({"code": 1, "message": "no"},)),
    "spugpush": Played(f"spugpush://{KEY32}", {"code": 200, "msg": "ok"}, later=({"code": 204, "msg": "unknown"},)),
    "chanify": Played("chanify://token", {"request-uid": "1"}, later=({"res": 401, "msg": "invalid token"},)),
    "qq": Played(f"qq://{KEY32}", {"success": True, "code": 0}, later=({"success": False, "reason": "no", "code": 1},)),
    "onebot": Played(
        "onebot://bot.example/%23123456",
        {"status": "ok", "retcode": 0},
        later=({"status": "failed", "retcode": 100},),
        perhaps=({"status": "async", "retcode": 1}, {}),
    ),
    "kook": Played(
        "kook://token/123456",
        {"code": 0, "message": "ok", "data": {"msg_id": "1"}},
        later=({"code": 42900, "message": "slower"},),
        never=({"code": 40300, "message": "no permission"},),
    ),
    "zulip": Played(
        f"zulip://botname@apprise/{KEY32}/general",
        {"result": "success", "msg": "", "id": 1},
        later=({"result": "error", "msg": "slower", "code": "RATE_LIMIT_HIT"},),
        never=({"result": "error", "msg": "no stream", "code": "STREAM_DOES_NOT_EXIST"},),
        perhaps=({}, "page"),
    ),
    "rocketchat": Played(
        f"rocket://{KEY32[:24]}/{KEY32}@chat.example/#general",
        {"success": True},
        later=({"success": False, "error": "too fast"},),
    ),
    "synology": Played(
        "synology://nas.example/token",
        {"success": True},
        later=({"success": False, "error": {"code": 411, "errors": "create post too fast"}},),
        never=({"success": False, "error": {"code": 404}},),
        perhaps=({},),
    ),
    "kodi": Played(
        "kodi://kodi.example",
        {"id": 1, "jsonrpc": "2.0", "result": "OK"},
        later=({"error": {"code": -1, "message": "busy"}},),
        never=({"error": {"code": -32601, "message": "Method not found."}},),
    ),
    "one_signal": Played(
        f"onesignal://{UUID}@{UUID}/{UUID}",
        {"id": UUID, "recipients": 1},
        later=({"id": "", "recipients": 0, "errors": ["All included players are not subscribed"]},),
    ),
    "join": Played(f"join://{KEY32}/{KEY32}", {"success": True}, later=({"success": False, "errorMessage": "no"},)),
    "vonage": Played(
        "vonage://AbCd1234:abcdefgh12345678@15551234567/15551234568",
        {"message-count": "1", "messages": [{"status": "0"}]},
        later=({"messages": [{"status": "1", "error-text": "Throttled"}]},),
        never=({"messages": [{"status": "4", "error-text": "Invalid credentials"}]},),
    ),
    "seven": Played(
        "seven://apikey/15551234567",
        {"success": "100", "messages": [{"success": True}]},
        later=({"success": "500"},),
        never=({"success": "900"},),
    ),
    "clicksend": Played(
        "clicksend://user:key@15551234567",
        {"http_code": 200, "response_code": "SUCCESS"},
        later=({"response_code": "LOW_BALANCE"},),
        never=({"response_code": "UNAUTHORIZED"},),
    ),
    "msg91": Played(f"msg91://template@{KEY32}/15551234567", {"type": "success"}, later=({"type": "error"},)),
    "simplepush": Played("spush://HuxgBB", {"status": "OK"}, later=({"status": "BAD"},)),
    "techuluspush": Played(f"push://{UUID}", {"success": True}, later=({"success": False},)),
    "pushed": Played(
        f"pushed://{KEY32}/{KEY32}{KEY32}", {"response": {"type": "shipment"}}, later=({"error": {"m": 1}},)
    ),
    "pushjet": Played(f"pjet://pushjet.example/{KEY32}", {"status": "ok"}, later=({"error": {"id": 1}},)),
    "pushsafer": Played(
        f"psafer://{KEY32[:20]}",
        {"status": 1, "success": "message transmitted"},
        later=({"status": 250, "error": "key"},),
    ),
    "viber": Played("viber://token/receiver", {"status": 0}, later=({"status": 12},), never=({"status": 2},)),
    "burstsms": Played(
        f"burstsms://{KEY32}:{KEY32}@15551234567/15551234568",
        {"error": {"code": "SUCCESS"}},
        later=({"error": {"code": "OVER_LIMIT"}},),
        never=({"error": {"code": "AUTH_FAILED"}},),
    ),
    "voipms": Played(
        "voipms://password:user@example.com/15551234567/15551234568",
        {"status": "success"},
        later=({"status": "limit_reached"},),
        never=({"status": "invalid_credentials"},),
    ),
    "smsc": Played(
        "smsc://login:password@15551234567",
        {"id": 1, "cnt": 1},
        later=({"error": "not enough money", "error_code": 3},),
        never=({"error": "authorise error", "error_code": 2},),
    ),
    "sfr": Played("sfr://service:password@space/0612345678", {"success": True}, later=({"success": False},)),
    "serwersms": Played(
        "serwersms://user:password@INFO/15551234567",
        {"success": True, "queued": 1},
        later=({"success": False, "error": {"code": 1}},),
    ),
    "workflows": Played(
        "workflow://teams.example/workflowid/signature",
        "1",
        later=(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId",
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400 with ContextId",
        ),
    ),
}
BODIES = [
    pytest.param(name, played, body, said, id=f"{name}-{said}-{number}")
    for name, played in SERVICES_PLAYED.items()
    for said, bodies in (
        ("sent", (played.body,)),
        ("later", played.later),
        ("never", played.never),
        ("perhaps", played.perhaps),
    )
    for number, body in enumerate(bodies)
]


@pytest.fixture(scope="module")
def server() -> Iterator[WebReceiver]:
    """One server for all services."""
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def at_home(server: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every request to *server*, whatever its origin."""
    server.requests.clear()
    request = Wire.request

    def moved(wire: Wire, witness: Witness, method: str, url: str, **options: Any) -> requests.Response:
        parts = urlsplit(url)
        return request(wire, witness, method, f"{server.url}{parts.path}?{parts.query}", **options)

    monkeypatch.setattr(Wire, "request", moved)


def opened(name: str, played: Played) -> AppriseChannel:
    """Return an open channel of a service; its plugin is the one that the table names."""
    channel = open_channel(name, played.url)
    assert module(channel._plugin) == name
    return channel


def spelled(body: object) -> str:
    """Return *body* as it is sent: a text as it is, all else as JSON."""
    return body if isinstance(body, str) else json.dumps(body)


@pytest.mark.parametrize(("name", "played", "body", "said"), BODIES)
def test_a_services_own_words_decide(server: WebReceiver, name: str, played: Played, body: object, said: str) -> None:
    def answer(request: Request) -> Reply:
        asked_for = played.at in request.path
        return Reply(200, spelled(body if asked_for else played.login))

    server.answer = answer
    channel = opened(name, played)
    verdict = channel.send(NEWS)
    channel.close()
    assert server.requests
    if said == "sent":
        assert isinstance(verdict, Sent)
    else:
        assert isinstance(verdict, Failed)
        assert (verdict.permanent, verdict.uncertain) == (said == "never", said == "perhaps")
        assert verdict.reason.startswith("HTTP 200 OK")


def test_every_service_of_the_table_is_played_here() -> None:
    """But Firebase, whose every request needs a signed token of Google's first; its entry is read below."""
    assert set(SERVICES) - set(SERVICES_PLAYED) == {"fcm"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"multicast_id": 1, "success": 0, "failure": 1, "results": [{"error": "NotRegistered"}]}', Said.LATER),
        ('{"multicast_id": 1, "success": 1, "failure": 0}', Said.UNKNOWN),
        ('{"name": "projects/p/messages/1"}', Said.UNKNOWN),
    ],
)
def test_firebase_counts_failures_inside_a_200(body: str, said: Said) -> None:
    rules = refusals_of("fcm")
    assert rules is not None
    assert rules.read(body) is said


NOTHING = [
    "",
    "null",
    "1",
    "[]",
    '"ok"',
    "{",
    '{"code": null}',
    '{"code": {"a": 1}}',
    '{"code": [0]}',
    "\x00",
    "[" * 9999,
]


@pytest.mark.parametrize("body", NOTHING)
@pytest.mark.parametrize("rules", SERVICES.values(), ids=SERVICES.keys())
def test_an_answer_that_says_nothing_is_no_success_of_its_own(rules: Refusals, body: str) -> None:
    """Of any type and depth: nothing is raised, and nothing is final."""
    assert rules.read(body) in (Said.UNKNOWN, Said.LATER)
