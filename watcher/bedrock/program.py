"""A ``credential_process``: what it prints is bounded, and so is the time that it takes.

The SDK would read everything a program prints, and wait as long as anything holds its output open (AWS SDKs and Tools
Reference Guide, "Process credential provider": one JSON object on stdout, which is far below the limit).
Not its business: what the output means (the SDK), and who starts programs (``bedrock.leash``).
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Any

from botocore.exceptions import CredentialRetrievalError

MOST_PRINTED = 64 * 1024
"""Bytes that a program may print on stdout; as much of its stderr is kept."""

_CHUNK = 16 * 1024


class Program:
    """A running program, as far as botocore uses subprocess.Popen; it may take this many *seconds*.

    Starts it in a process group of its own, without anything on stdin.  Raises OSError when that fails.
    """

    def __init__(self, words: list[str], seconds: float, **how: Any) -> None:  # noqa: ANN401 - botocore's own options
        self._seconds, self._until = seconds, time.monotonic() + seconds
        self._popen = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **how)

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs."""
        return self._popen.returncode

    def communicate(self) -> tuple[bytes, bytes]:
        """Return what it printed on stdout and stderr, once it has ended; the latter is valid UTF-8.

        Raises CredentialRetrievalError when it prints more than MOST_PRINTED or takes too long; it is killed then.
        """
        try:
            printed, complained = self._read()
            self._popen.wait(max(0.0, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _failure(f"it did not end within {self._seconds:g} s") from None
        finally:
            self.end()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(1.0)
            for pipe in filter(None, (self._popen.stdout, self._popen.stderr)):
                pipe.close()
        # The SDK decodes it for its error, and would fail at any other encoding.
        return printed, complained.decode(errors="replace").encode()

    def end(self) -> None:
        """Kill it, with all that it began, if it still runs."""
        if self._popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self) -> tuple[bytes, bytes]:
        """Read both pipes to their ends; raises TimeoutExpired when a background program keeps them open."""
        stdout, stderr = bytearray(), bytearray()
        with selectors.DefaultSelector() as selector:
            for pipe, into in ((self._popen.stdout, stdout), (self._popen.stderr, stderr)):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ, into)
            while selector.get_map():
                left = self._until - time.monotonic()
                if left <= 0:
                    raise subprocess.TimeoutExpired("credential_process", self._seconds)
                for key, _ in selector.select(left):
                    if not _take(key.fileobj, key.data):
                        selector.unregister(key.fileobj)
                if len(stdout) > MOST_PRINTED:
                    raise _failure(f"it printed more than {MOST_PRINTED // 1024} KB")
                del stderr[MOST_PRINTED:]
        return bytes(stdout), bytes(stderr)


def _take(pipe: IO[bytes] | Any, into: bytearray) -> bool:  # noqa: ANN401 - a selector's file may be anything
    """Read what is there; return whether there may be more."""
    part = os.read(pipe.fileno(), _CHUNK)
    into += part
    return bool(part)


def _failure(problem: str) -> CredentialRetrievalError:
    return CredentialRetrievalError(provider="custom-process", error_msg=problem)
