"""What may be wrong with an installation, and what to do about it: one small file a family of checks.

The same checks are run by the daemon, with the identity and the secrets of the service, and by the command line when no
daemon runs.  Each returns findings; none raises for what it finds.  Not its business: who runs them (``daemon``), and
how findings are printed (``cli``).
"""
