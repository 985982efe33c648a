"""The composition root: opens everything, one task group, signals, last words.

``watch`` holds the poll groups, ``lanes`` the channels, ``process`` runs them all, ``reload`` has them go by another
configuration.  ``parts`` is what they share: there everybody waits for a database that cannot be used.  ``pulses`` are
their signs of life, ``report`` and ``heart`` tell others of them, ``clockwork`` notices a clock that was set.
The daemon itself is ``process.Daemon``: commands that import single modules do not load all of it.
Not its business: any turn (``sweep``, ``deliver``).
"""
