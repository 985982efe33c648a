"""One channel: Apprise's plugin for one URL with one target, sent to by one thread at a time.

``NotifyBase.notify`` is called directly rather than ``Apprise.notify``: the latter adds retries, escalation by tags,
optional services that succeed by failing, and a thread pool of its own, which are all ours to decide.
Not its business: how it is opened (``opening``), the wire (``wire``, ``mail``), what goes over it (``content``), the
words of a failure (``verdict``), what a message says (``render``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from watcher.channels import slack
from watcher.channels.apart import Abandoned
from watcher.channels.content import editor
from watcher.channels.decisive import marks
from watcher.channels.measure import fits
from watcher.channels.services import SLOWEST, limit_key, module, service
from watcher.channels.witness import Witness, witnessed
from watcher.model import Failed, Family, Message, Sent, Severity, Verdict

if TYPE_CHECKING:
    from apprise import NotifyBase

    from watcher.channels.verdict import Judge
    from watcher.channels.wire import Wire


_CODE = re.compile("<code>.*?</code>", re.DOTALL)
"""Inline code of HTML, in which a browser, and so Matrix's clients, would join the lines."""

_PROBE = Message("bedrock-watch", "This message is never sent.", Severity.INFO)


class AppriseChannel:
    """An open channel.

    *service* is its name for people ("Slack"), *body_limit* about how many characters of a body the service takes;
    ``fits`` tells exactly.  *min_interval* are the seconds to leave between two messages of all channels of one
    *limit_key*: these use one account (a bot's token, a mailbox, a web hook), and its service counts them together.
    *confirmed*: the service says of each message whether it took it; else Sent means no more than that it left.
    """

    def __init__(self, name: str, plugin: NotifyBase, wire: Wire, judge: Judge, *, confirmed: bool = True) -> None:
        known = service(plugin)
        self.name = name
        self.family = known.family
        self.service = str(plugin.service_name)
        self.min_interval = min(plugin.request_rate_per_sec, SLOWEST) if known.interval is None else known.interval
        self.limit_key = limit_key(plugin)
        self.body_limit: int = known.longest or plugin.body_maxlen
        self._slack = known.family is Family.SLACK
        self._posts_to = slack.target(plugin) if self._slack else ""
        self._is_matrix = module(plugin) == "matrix"
        self._edit = editor(plugin)
        self._plugin = plugin
        self._wire = wire
        self._judge = judge
        self.confirmed = confirmed
        self._witness: Witness | None = None

    def send(self, message: Message) -> Verdict:
        """Send *message* and return the outcome; blocks, for Limits.total seconds at most.

        What a server, a network or a bug of Apprise's or ours does is answered by Failed, never raised.  A Slack bot's
        Sent holds the thread that the next message of the same conversation belongs to: ``Message.thread`` is the
        newest of these.
        """
        self._witness = witness = Witness(self._wire)
        try:
            with witnessed(witness, self._wire.limits.total):  # the plainer message that may follow included
                failure = self._try(message, witness)
                while failure is not None and self._slack and (other := slack.instead(witness.answer, message)):
                    message = other
                    failure = self._try(message, witness)
            if failure is not None:
                return failure
            thread = slack.thread_of(witness.answer, message.thread, self._posts_to) if self._posts_to else {}
            return Sent(thread, confirmed=self.confirmed)
        except Exception as error:  # noqa: BLE001 - whatever a receiver says, the daemon goes on
            # It is unknown how far it got. Report the type only, because an error's text may hold a secret.
            return Failed(f"a bug in bedrock-watch or Apprise: {type(error).__name__}", uncertain=True)
        finally:
            self._witness = None

    def _try(self, message: Message, witness: Witness) -> Failed | None:
        """Return why *message* was not accepted; None when it was."""
        witness.restart()
        accepted = self._quietly(witness, lambda: self._hand_over(message, witness))
        return self._judge.failure(witness, accepted=bool(accepted))

    def fits(self, message: Message) -> bool:
        """Return whether the service takes all of *message*, as it is posted, in one piece; sends nothing."""
        given = {"notify_type": message.severity.value, **self._converted(message)}
        try:
            return fits(self._plugin, given)
        except Exception:  # noqa: BLE001 - foreign code; what it cannot convert, it may still send
            return len(message.title) + 2 + len(message.body) <= self.body_limit

    def probe(self) -> str | Failed | None:
        """Return, having sent no message, whom this channel reaches; or why it does not; None: only a send could tell.

        It is a send that stops before the message: the connection, its encryption and, for a mail server, the login.
        A bot of Slack's asks in addition whether its token is good, by a method that posts nothing (``auth.test``).
        """
        if not self._judge.seen:
            return None
        witness = Witness(self._wire, probing=True)
        with witnessed(witness, self._wire.limits.total):
            self._quietly(witness, lambda: self._hand_over(_PROBE, witness))
        if not witness.reached:
            return self._why(witness)
        reached = self._judge.scrub(witness.reached)
        if not self._posts_to:
            return reached
        asked = Witness(self._wire)
        with witnessed(asked, self._wire.limits.total):
            self._quietly(asked, lambda: slack.sign_in(self._plugin, self._wire, asked))
        return f"{reached}, which knows its token" if slack.accepted(asked.answer) else self._why(asked)

    def _quietly(self, witness: Witness, act: Callable[[], bool | None]) -> bool | None:
        """Do something of Apprise's or to the network, and keep what comes of it in the notes of *witness*."""
        try:
            if self._judge.seen:
                return act()
            # Such a service has its own network code and timeouts.
            return self._wire.apart.run(witness, act)
        except OSError as error:
            if witness.answer is None and witness.error is None:
                witness.error = error
                witness.began = isinstance(error, Abandoned)
        except Exception as error:  # noqa: BLE001 - some of Apprise's 190 plugins trip over answers they do not expect
            witness.words.append(f"{type(error).__name__}: {error}")
        return False

    def _why(self, witness: Witness) -> Failed:
        return self._judge.failure(witness, accepted=False) or Failed("Apprise gave no reason")

    def _hand_over(self, message: Message, witness: Witness) -> bool:
        """Return whether Apprise reports *message* as accepted."""
        witness.marks = marks(message)
        witness.edit = lambda content: self._edit(content, message)
        return bool(self._plugin.notify(notify_type=message.severity.value, **self._converted(message)))

    def _converted(self, message: Message) -> dict[str, Any]:
        """Return *message* in the format that the plugin sends, as Apprise.notify would give it to the plugin.

        Left to the plugin, Telegram's would take plain text for HTML, and drop what looks like a tag.
        """
        from apprise import NotifyFormat  # noqa: PLC0415 - imported when the channel was opened
        from apprise.conversion import convert_between  # noqa: PLC0415

        markup = self.family in (Family.SLACK, Family.CHAT)
        source = NotifyFormat.MARKDOWN if markup else NotifyFormat.TEXT
        # Matrix: Apprise measures Markdown before it becomes HTML and truncates it after, and it joins its lines.
        target = NotifyFormat.HTML if self._is_matrix else self._plugin.resolve_format(source)
        title = message.title
        if self._plugin.title_maxlen <= 0:  # it becomes the body's first line
            title = convert_between(source, target, title)  # type: ignore[no-untyped-call]
        elif len(title) > self._plugin.title_maxlen:  # Apprise would cut it without a mark
            title = title[: self._plugin.title_maxlen - 1] + "…"
        # Apprise refuses a message without a body, and says nothing.
        body = message.body if message.body.strip() else message.title
        body = convert_between(source, target, body)  # type: ignore[no-untyped-call]
        if self._is_matrix:
            body = _CODE.sub(lambda code: code.group().replace("\n", "<br />"), body)
        return {"body": body, "title": title, "body_format": target, "body_passthrough": False}

    def hang_up(self, why: str) -> None:
        """End the send that another thread is in, if any: it answers Failed, with *why*, as soon as it wakes."""
        witness = self._witness
        if witness is not None:
            witness.hang_up(why)

    def close(self) -> None:
        """Close the kept connection; nothing is sent any more."""
        self._wire.close()
