"""Let programs that a test starts be interrupted by Ctrl-C, however the suite itself was started.

A script that runs the suite in its background (``make test &``) leaves SIGINT ignored, and every child inherits that.
A handler of our own is reset to the default in a child.  Importing this module is enough.
"""

import signal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
