"""``bedrock-watch wait``: until jobs are where somebody wants them, for scripts and pipelines.

It writes nothing and tells no channel: it reads what a daemon writes, or looks for itself as a daemon does.
"""
