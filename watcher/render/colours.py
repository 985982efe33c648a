"""The colour of a severity, readable beside a light and a dark background.  Not its business: where it is shown."""

from __future__ import annotations

from watcher.model import Severity

COLOURS = {
    Severity.INFO: "#0969da",
    Severity.SUCCESS: "#1a7f37",
    Severity.WARNING: "#bf8700",
    Severity.FAILURE: "#d1242f",
}
