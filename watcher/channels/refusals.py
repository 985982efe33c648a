"""Services that are known to refuse a message inside a successful HTTP status, and how their answers are read.

Each entry is keyed by the module of Apprise's plugin.  Which codes are final is taken from the service's own reference,
which is named beside it; a code that is in no list is temporary, since what is tried again is not lost.
Not its business: services that answer by the status alone (most); what a refusal leads to (``verdict``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from watcher.channels.words import members


class Said(Enum):
    """What the body of a 2xx says about the message."""

    ACCEPTED = auto()
    LATER = auto()
    NEVER = auto()
    PERHAPS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Refusals:
    """How one service tells success from failure in the body of a 2xx.

    *keys*: members that decide, by dotted path; the first one present counts.  *good*: their values that mean success
    (compared as lower-case text).  *code*: the member that holds the error code, if it is another one.  *never* and
    *perhaps*: the codes that another try cannot help, and those after which the message may have arrived.  *bad*:
    members whose mere presence is a failure, *proof*: those whose presence is success.  *text*: a pattern of a body
    that is not JSON and means success; *bad_text*: one that means failure.  *affirms*: a body that says neither is no
    success.
    """

    keys: tuple[str, ...] = ()
    good: frozenset[str] = frozenset()
    code: str = ""
    never: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    bad: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()
    text: str = ""
    bad_text: str = ""
    affirms: bool = True

    def read(self, body: str) -> Said:
        """Return what *body* says; total."""
        answer = members(body)
        if not answer:
            return self._plain(body)
        if any(_at(answer, key) for key in self.bad):
            return self._refused(answer, "")
        for key in self.keys:
            value = _at(answer, key)
            if value is not None:
                return Said.ACCEPTED if _plain(value) in self.good else self._refused(answer, _plain(value))
        return Said.ACCEPTED if any(_at(answer, key) for key in self.proof) else Said.UNKNOWN

    def _plain(self, body: str) -> Said:
        text = body[:_LONGEST_TEXT].strip()
        if self.bad_text and re.match(self.bad_text, text):
            return Said.LATER
        return Said.ACCEPTED if self.text and re.fullmatch(self.text, text) else Said.UNKNOWN

    def _refused(self, answer: Mapping[str, Any], value: str) -> Said:
        code = _plain(_at(answer, self.code)) if self.code else value
        if code in self.never:
            return Said.NEVER
        return Said.PERHAPS if code in self.perhaps else Said.LATER


_LONGEST_TEXT = 1000


def _plain(value: object) -> str:
    """Return a member as it is compared: ``0``, ``"0"`` and ``False``, ``"false"`` are each the same."""
    return str(value).lower()[:100] if isinstance(value, str | int | float | bool) else ""


def _at(answer: Mapping[str, Any], path: str) -> object:
    """Return the member at a dotted *path*; a number is a place in a list."""
    found: object = answer
    for name in path.split("."):
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OK = _set("0")
_TRUE = _set("true")

# Slack: the references of chat.postMessage and of incoming webhooks, and the errors that all methods share.
_SLACK = Refusals(
    ("ok",),
    _TRUE,
    code="error",
    never=_set(
        "access_denied account_inactive action_prohibited as_user_not_supported attachment_payload_limit_exceeded "
        "cannot_reply_to_message channel_is_archived channel_not_found channel_type_not_supported deprecated_endpoint "
        "duplicate_channel_not_found ekm_access_denied enterprise_is_restricted invalid_arg_name invalid_arguments "
        "invalid_array_arg invalid_attachments invalid_auth invalid_blocks invalid_blocks_format invalid_charset "
        "invalid_form_data invalid_json invalid_payload invalid_post_type invalid_token is_archived json_not_object "
        "message_limit_exceeded message_not_found messages_tab_disabled method_deprecated missing_charset "
        "missing_post_type missing_scope msg_blocks_too_long msg_too_long no_active_hooks no_permission no_service "
        "no_service_id no_team no_text not_allowed_token_type not_authed not_in_channel org_login_required "
        "posting_to_general_channel_denied restricted_action restricted_action_non_threadable_channel "
        "restricted_action_read_only_channel restricted_action_thread_locked restricted_action_thread_only_channel "
        "slack_connect_blocked_file_type slack_connect_file_link_sharing_blocked team_access_not_granted "
        "team_disabled team_not_found thread_not_found token_expired token_revoked too_many_attachments "
        "two_factor_setup_required unknown_method user_is_bot user_not_found"
    ),
    perhaps=_set("fatal_error internal_error"),  # "some aspect of the operation may have succeeded"
    text="ok",
)

# Lark Suite and Feishu: "Custom bot usage guide"; an old form of the answer has StatusCode.  19001 the hook does not
# exist, 19021 wrong signature, 19022 wrong address, 19024 none of the bot's keywords.
_LARK = Refusals(("code", "StatusCode"), _OK, never=_set("19001 19002 19021 19022 19024"))

# Teams' connectors (learn.microsoft.com; MicrosoftDocs/msteams-docs#400, #7425) say 200 and put the failure in words.
_TEAMS = Refusals(
    bad_text=r"(?i)webhook message delivery failed|webhook bad request|system\.net\.http\.httprequestexception",
    affirms=False,
)

SERVICES: Mapping[str, Refusals] = {
    "slack": _SLACK,
    "feishu": _LARK,
    "lark": _LARK,
    "workflows": _TEAMS,
    # DingTalk, "Custom bot access": 310000 none of the keywords, wrong signature or address; 300001, 400101 and 400106
    # an unknown robot, 400013 a dissolved group, 400102 a stopped robot, 400105 and 430101 to 430104 the contents;
    # 130101 and 410100 (too fast) and -1 pass, and so does 460101, of which no two sources say the same.
    "dingtalk": Refusals(
        ("errcode",),
        _OK,
        never=_set("40035 43004 300001 300005 310000 400013 400101 400102 400105 400106 430101 430102 430103 430104"),
    ),
    # WeCom, "Group robot" and its list of global errors: 93000 an unknown hook, 93004 a stopped robot, 400xx and 44004
    # the message; 45009 (too fast) and -1 pass.
    "wecombot": Refusals(("errcode",), _OK, never=_set("40001 40008 40014 40035 40058 44004 93000 93004 93008 93017")),
    "wechat": Refusals(("errcode",), _OK, never=_set("40003 40013 40056 60020 81013")),
    # Telegram, "Making requests": error_code is an HTTP status.
    "telegram": Refusals(("ok",), _TRUE, code="error_code", never=_set("400 401 403 404 413")),
    # Matrix, client-server API, "Standard error response"; an accepted message has an event_id.
    "matrix": Refusals(
        bad=("errcode",),
        code="errcode",
        never=_set(
            "m_forbidden m_unknown_token m_missing_token m_not_found m_too_large m_bad_json m_not_json "
            "m_invalid_param m_missing_param m_user_deactivated m_unrecognized m_guest_access_forbidden"
        ),
        proof=("event_id",),
        affirms=False,
    ),
    # PagerDuty, Events API v2, "Response Codes & Retry Logic": 202 with status success; 400 is final, 429 and 5xx pass.
    "pagerduty": Refusals(("status",), _set("success"), never=frozenset({"invalid event", "invalid key"})),
    # Opsgenie, Alert API: 202 with a requestId; Jira Service Management has the same.
    "opsgenie": Refusals(bad=("errors",), proof=("requestId",), affirms=False),
    # Pushover, "Message API": status 1, any other value is a failure; bad input comes with a 4xx.
    "pushover": Refusals(("status",), _set("1")),
    # LINE, Messaging API: an accepted message has sentMessages, or an empty object; a failure a message.
    "line": Refusals(bad=("message",), proof=("sentMessages",), affirms=False),
    # Bark server: the status again, as code.
    "bark": Refusals(("code",), _set("200"), never=_set("400 401 404")),
    # ServerChan (sct.ftqq.com): code 0; 40001 an unknown key.
    "serverchan": Refusals(("code", "errno"), _OK, never=_set("40001")),
    # PushPlus: code 200; 903 an unknown token, 905 and 999 the account; 900 (too often) passes.
    "pushplus": Refusals(("code",), _set("200"), never=_set("401 403 903 905")),
    # PushDeer: code 0; 80403 an unknown key, 80501 bad arguments.
    "pushdeer": Refusals(("code",), _OK, never=_set("80403 80501")),
    "pushme": Refusals(("code",), _set("0 200"), text="success", affirms=False),
    "wxpusher": Refusals(("code",), _set("1000"), never=_set("1001 1002 1003")),
    "wpush": Refusals(("code",), _OK, affirms=False),
    "spugpush": Refusals(("code",), _set("200"), affirms=False),
    "chanify": Refusals(bad=("res", "error"), affirms=False),
    # Qmsg (QQ): success, beside a code.
    "qq": Refusals(("success", "code"), _set("true 0"), affirms=False),
    # OneBot 11: ok, failed, or async, of which "success or failure cannot be known".
    "onebot": Refusals(("status",), _set("ok"), perhaps=_set("async")),
    "kook": Refusals(("code",), _OK, never=_set("400 401 403 404 40000 40001 40300")),
    # Zulip: result success or error, beside a code (REST reference, "Error handling").
    "zulip": Refusals(
        ("result",),
        _set("success"),
        code="code",
        never=_set("bad_request stream_does_not_exist unauthorized invalid_api_key user_deactivated realm_deactivated"),
    ),
    # Rocket.Chat: success true; chat.postMessage's errorType.
    "rocketchat": Refusals(
        ("success",),
        _TRUE,
        code="errorType",
        never=_set("error-invalid-room error-not-allowed error-room-not-found error-invalid-user"),
        affirms=False,
    ),
    # Synology Chat: 404 and 407 an unknown bot or token, 411 (too fast) passes.
    "synology": Refusals(("success",), _TRUE, code="error.code", never=_set("101 102 103 105 120 404 405 407")),
    # Kodi, JSON-RPC 2.0, section 5: an error in place of a result; -326xx are the request's fault.
    "kodi": Refusals(bad=("error",), code="error.code", never=_set("-32700 -32600 -32601 -32602"), affirms=False),
    # OneSignal, "Create message": errors beside an empty id when nobody is subscribed (a 200).
    "one_signal": Refusals(bad=("errors",), affirms=False),
    # Join: success, errorMessage.
    "join": Refusals(("success",), _TRUE, affirms=False),
    # Vonage, SMS API: a status of each message; 1 (throttled), 5 (internal) and 10 (too many) pass.
    "vonage": Refusals(("messages.0.status",), _OK, never=_set("2 3 4 6 7 8 9 15 29"), affirms=False),
    # seven.io: success 100, 101 when some were sent; 900 the key, 500 no credit (may be topped up).
    "seven": Refusals(
        ("success",), _set("100"), never=_set("201 202 301 305 401 403 900 902 903"), text="100", affirms=False
    ),
    # ClickSend: response_code.
    "clicksend": Refusals(
        ("response_code",), _set("success"), never=_set("bad_request unauthorized forbidden"), affirms=False
    ),
    # MSG91: type.
    "msg91": Refusals(("type",), _set("success"), affirms=False),
    # Simplepush, Techulus, Pushed, Pushjet, Pushsafer: their own words for success.
    "simplepush": Refusals(("status",), _set("ok"), affirms=False),
    "techuluspush": Refusals(("success",), _TRUE, affirms=False),
    "pushed": Refusals(bad=("error",), affirms=False),
    "pushjet": Refusals(("status",), _set("ok"), bad=("error",), affirms=False),
    "pushsafer": Refusals(("status",), _set("1"), affirms=False),
    # Firebase: the old API counts failures inside a 200; the new one answers by the status.
    "fcm": Refusals(bad=("failure", "error"), affirms=False),
    # Viber: status 0; 1 to 9 are the token's and the receiver's, 12 (too many requests) passes.
    "viber": Refusals(("status",), _OK, never=_set("1 2 3 4 5 6 7 8 9 10 11 13"), affirms=False),
    # Burst SMS: error.code SUCCESS.
    "burstsms": Refusals(
        ("error.code",), _set("success"), never=_set("auth_failed bad_caller_id field_invalid"), affirms=False
    ),
    # VoIP.ms: a word as status.
    "voipms": Refusals(
        ("status",), _set("success"), never=_set("invalid_credentials invalid_did invalid_dst"), affirms=False
    ),
    "smsc": Refusals(bad=("error", "error_code"), code="error_code", never=_set("1 2 6 7 8"), affirms=False),
    "sfr": Refusals(("success",), _TRUE, affirms=False),
    "serwersms": Refusals(("success",), _TRUE, affirms=False),
}


def refusals_of(module: str, mode: str = "") -> Refusals | None:
    """Return how the service of Apprise's plugin *module* refuses inside a 2xx; None when it is not known to.

    *mode* is the plugin's own, where it has several: only Slack's web hooks answer with a bare "ok".
    """
    if (module, mode) == ("slack", "bot"):
        return replace(_SLACK, text="")
    return SERVICES.get(module)
