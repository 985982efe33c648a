"""A Bedrock endpoint on loopback with scripted jobs and faults on demand: for ``demo``, tests and fire drills.

Not its business: watching anything.  The other rooms do not know whether they talk to AWS or to this.
"""

from watcher.simulator.drill import Drill
from watcher.simulator.faults import Fault, Kind
from watcher.simulator.refusals import Refusal
from watcher.simulator.scripts import SCENARIOS, distillation, failing, fine_tuning, queued, stopped
from watcher.simulator.server import Request, Simulator
from watcher.simulator.timeline import Phase, Script

__all__ = [
    "SCENARIOS",
    "Drill",
    "Fault",
    "Kind",
    "Phase",
    "Refusal",
    "Request",
    "Script",
    "Simulator",
    "distillation",
    "failing",
    "fine_tuning",
    "queued",
    "stopped",
]
