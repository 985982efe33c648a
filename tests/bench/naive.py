"""Apprise as its manual has it: ``add`` once, ``notify`` for each message.  Run as ``python -m bench.naive URL COUNT``."""

from __future__ import annotations

import json
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise

if __name__ == "__main__":
    sender = apprise.Apprise()
    sender.add(sys.argv[1])
    sent = [bool(sender.notify(title=f"[bedrock] job-{n}", body="x" * 1000)) for n in range(int(sys.argv[2]))]
    print(json.dumps(sum(sent)))
