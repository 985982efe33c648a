"""bedrock-watch: watch Amazon Bedrock jobs and tell people what changed.

The import package of the distribution ``bedrock-watch``.  Rooms, from the top: ``cli``, ``daemon``,
``sweep`` and ``deliver``, ``loop``, the edges (``bedrock``, ``store``, ``channels``, ``config``, ``logs``, ``systemd``,
``heartbeat``, ``presence``, ``simulator``), ``clock`` and ``files``, the pure parts (``diff``, ``policy``,
``render``), ``model`` and ``errors``.
Imports go downwards only; the contracts in ``pyproject.toml`` keep it so.
"""

__version__ = "0.1.0"
