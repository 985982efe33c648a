"""``make bench``: what bedrock-watch costs, beside what people use today, measured side by side in one run.

Everything is on loopback: ``world`` is a lean Bedrock and a web hook in a process of its own, ``rivals`` are the other
clients, ``watching`` is the installed daemon, ``costs``, ``news`` and ``starts`` measure, ``goals`` compares and
``report`` prints.  CPU is the operating system's own account of a process (``processes``).  Nothing here judges:
the run fails only when something could not be measured.
"""
