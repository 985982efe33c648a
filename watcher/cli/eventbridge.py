"""``bedrock-watch eventbridge-pattern``: what a rule must match that feeds a ``[[queue]]``.

Not its business: reading the queue (``daemon.queues``).
"""

from __future__ import annotations

import click

from watcher.cli.output import write


@click.command("eventbridge-pattern")
def eventbridge_pattern() -> None:
    """Print the event pattern of the EventBridge rule that sends Bedrock's job events to a [[queue]].

    Give it to the rule as it is; a pattern with a mistake matches nothing, and nobody says so:

    aws events put-rule --name bedrock-jobs --event-pattern "$(bedrock-watch eventbridge-pattern)"
    """
    import json

    from watcher.bedrock.eventbridge import pattern

    write(json.dumps(pattern(), indent=2))
