"""The configuration: every mistake in it, and what is unwise."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.config import Config, Mistake
from watcher.config.files import EXPOSED
from watcher.config.values import BUILT_IN
from watcher.doctor.choices import check_channel, check_heartbeat, nowhere, shared_key
from watcher.doctor.finding import Finding, Grade
from watcher.errors import ExitCode

CHECK = "configuration"


def check_configuration(config: Config, mistakes: tuple[Mistake, ...]) -> Iterator[Finding]:
    """Look at a configuration as it was read, with its *mistakes*; reads channels' secrets, and shows none."""
    file = str(config.path or BUILT_IN)
    checked = [*(check_channel(channel) for channel in config.channels), check_heartbeat(config)]
    # A region that is mistaken, and so not there, is not said to be missing as well.
    found = (*mistakes, *(() if mistakes else nowhere(config)), *(one for each in checked for one in each.mistakes))
    for mistake in found:
        what = f"{mistake.key}: {mistake.what}" if mistake.key else mistake.what
        yield Finding(CHECK, file, Grade.FAIL, what, mistake.remedy or "correct the file", ExitCode.BAD_CONFIG)
    # Who may read the file is looked at with the modes of the others (``files``).
    for warning in (one for one in config.warnings if EXPOSED not in one):
        yield Finding(CHECK, file, Grade.WARN, warning.removeprefix(f"{file} "), "see bedrock-watch config check")
    for warning in shared_key(config):
        yield Finding(CHECK, file, Grade.WARN, warning, "see bedrock-watch config check")
    # With a mistake, it may be in the channels; or the file could not be read at all.
    if not config.channels and not mistakes:
        how = (
            "add a [[channel]] to it"
            if config.path
            else "bedrock-watch config init writes a configuration: add a [[channel]] to it"
        )
        yield Finding(CHECK, file, Grade.WARN, "no channel is configured: nobody is told", how)
    if not found:
        jobs, channels = len(config.jobs), len(config.channels)
        yield Finding(CHECK, file, Grade.OK, f"no mistake: jobs: {jobs}, channels: {channels}")
