"""Asking a simulator that runs for more jobs, through its control API."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

from watcher.errors import UsageError, WatchError

_ENDPOINT = r"http://(?P<host>127\.0\.0\.1|localhost|\[::1\]):(?P<port>[0-9]{1,5})/?"
_PATIENCE = 10.0
_LARGEST = 1_000_000
_CREATED = 201


def add_job(endpoint: str, order: dict[str, Any]) -> str:
    """Have the simulator at *endpoint* begin the job of *order* (see ``simulator.control``), and return its ARN.

    Raises UsageError for an address that is not of this machine and for an order that the simulator refuses, and
    WatchError when no simulator answers.
    """
    place = re.fullmatch(_ENDPOINT, endpoint)
    if not place or int(place["port"]) > 65_535:
        raise UsageError(f"--add-to {endpoint!r} is not a simulator's address", "give the one that simulate printed")
    connection = http.client.HTTPConnection(place["host"].strip("[]"), int(place["port"]), timeout=_PATIENCE)
    try:
        body, headers = json.dumps(order), {"Content-Type": "application/json"}
        connection.request("POST", "/_simulator/jobs", body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read(_LARGEST))
        if response.status == _CREATED:
            return str(answer["arn"])
        refused = str(answer["message"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WatchError(f"no simulator answers at {endpoint}", "start it: bedrock-watch simulate --port N") from error
    finally:
        connection.close()
    raise UsageError(f"the simulator at {endpoint} refuses the job: {refused}")
