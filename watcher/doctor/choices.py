"""What is wrong with the choices of a configuration beyond its file: URLs, templates, AWS profiles, directories.

``config check`` finds it, and the doctor.  What costs much to import is imported where it is needed: most
configurations are checked without it.  Not its business: the file's keys (``watcher.config``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from watcher.config import ChannelConfig, Config, Mistake, SecretUnreadable
from watcher.config.files import EXPOSED
from watcher.errors import LookError, WatchError

_POSTING = {"https": "jsons", "http": "json"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What looking at one channel's URL and templates gave: its service in words, or why it could not be said."""

    name: str
    service: str | None = None
    confirmed: bool | None = None
    has_text: bool = True
    warning: str | None = None
    mistakes: tuple[Mistake, ...] = ()


def check_channel(channel: ChannelConfig) -> Checked:
    """Return what is to be said of a channel's URL and templates; nothing is sent."""
    checked = _check_url(channel)
    return replace(checked, mistakes=(*checked.mistakes, *_check_templates(channel)))


def _check_url(channel: ChannelConfig) -> Checked:
    # The one place of the configuration's commands that pays for Apprise.
    from watcher.channels import check_url, confirms, has_text  # noqa: PLC0415

    url = ""
    try:
        url = channel.secret()
        service = check_url(channel.name, url)
        return Checked(channel.name, service=service, confirmed=confirms(url), has_text=has_text(url))
    except SecretUnreadable as error:
        if error.not_checkable:
            return Checked(channel.name, warning=f"not checkable here: {error.what}")
        problem: WatchError = error
    except WatchError as error:
        problem = error
    # Both errors begin with the channel's name, which is the mistake's key here.
    what = problem.what.removeprefix(f'channel "{channel.name}": ').removeprefix(f"channel {channel.name!r}: ")
    return Checked(
        channel.name, mistakes=(Mistake(f'channel "{channel.name}"', what, _webhook(url) or problem.remedy),)
    )


def exposed(settings: Config) -> Iterator[str]:
    """Yield a warning for each file of a URL that everybody on this machine may read."""
    for file in (*(one.url_file for one in settings.channels), settings.heartbeat.url_file):
        if file is not None and _everybody_may_read(file):
            yield f"{file} {EXPOSED}: chmod go-rwx it"


def _everybody_may_read(file: Path) -> bool:
    try:
        reachable = all(one.stat().st_mode & stat.S_IXOTH for one in file.parents)
        return reachable and bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False  # told of with the URL that is to be read from it


def check_heartbeat(settings: Config) -> Checked:
    """Return what is to be said of the heartbeat's URL; nothing is requested."""
    nothing = Checked("heartbeat")
    if not settings.heartbeat:
        return nothing
    try:
        url = settings.heartbeat.secret()
    except SecretUnreadable as error:
        if error.not_checkable:
            return replace(nothing, warning=f"not checkable here: {error.what}")
        return replace(nothing, mistakes=(Mistake("heartbeat", error.what.removeprefix("heartbeat: "), error.remedy),))
    if url.startswith(("https://", "http://")):
        return nothing
    return replace(nothing, mistakes=(Mistake("heartbeat", "its URL is not an http or https URL"),))


def _webhook(url: str) -> str:
    """Return the remedy for a web address in the place of an Apprise URL; empty for any other text."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _POSTING:
        return ""
    return f"for an HTTP POST of JSON, write {_POSTING[scheme]}:// in the place of {scheme}://"


def _check_templates(channel: ChannelConfig) -> Iterator[Mistake]:
    for key, text in (("title", channel.title), ("body", channel.body)):
        if text is None:
            continue
        # Here, not above: only a channel with words of its own pays for the template engine.
        from watcher.render import check_template  # noqa: PLC0415

        try:
            check_template(text)
        except WatchError as error:
            what = error.what.removeprefix("template").lstrip(":, ")  # the key says so already
            yield Mistake(f'channel "{channel.name}".{key}', what, error.remedy)


def nowhere(settings: Config) -> Iterator[Mistake]:
    """Yield a mistake for each job given by name whose region nothing tells, not even the AWS profile."""
    profiles: dict[str | None, Mistake | None] = {}
    for job in settings.jobs:
        if job.region is not None:  # it is in each ARN
            continue
        profile = job.profile or settings.aws.profile
        if profile not in profiles:
            profiles[profile] = _without_region(profile)
        if mistake := profiles[profile]:
            yield mistake._replace(key=f'job "{job.id}"{mistake.key}')


def _without_region(profile: str | None) -> Mistake | None:
    """Return what keeps an AWS profile from telling a region, or None when it tells one."""
    # As the daemon asks when it starts; it is the one question that needs AWS's SDK.
    from watcher.bedrock.client import profile_region  # noqa: PLC0415

    try:
        region = profile_region(profile or "")
    except LookError as error:
        return Mistake(".profile", error.what, error.remedy)
    what = "the job is given by name, and nothing tells its region"
    return None if region else Mistake(".region", what, 'add region = "..." to its table, or to [aws]')


def closed(settings: Config) -> Iterator[str]:
    """Yield a warning when this user could not make the database; the user of a service may be able to."""
    state_dir = settings.state_dir
    # os.path.exists, unlike Path.exists, is False where this user may not look.
    place = next((one for one in (state_dir, *state_dir.parents) if os.path.exists(one)), state_dir)  # noqa: PTH110
    if not os.access(place, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        yield (
            f"not checkable here: state_dir {state_dir}: this user may not write in {place};"
            " the daemon has to run as one who may"
        )


def shared_key(settings: Config) -> Iterator[str]:
    """Yield a warning when one Bedrock API key would have to answer for every account of the configuration."""
    if settings.aws.profile or not settings.aws.sign:
        return
    own = [one.id for one in settings.accounts if not (one.profile or one.role_arn)]
    roles = [one.id for one in settings.accounts if one.role_arn and not one.source_profile]
    if not (own or roles):
        return
    # Here, not above: only a configuration with such accounts pays for AWS's SDK.
    from watcher.bedrock.apikey import API_KEY, is_only_credential  # noqa: PLC0415

    if not is_only_credential():
        return
    parts = [f"answers for {_accounts(own)}"] if own else []
    parts += [f"cannot assume the role of {_accounts(roles)}"] if roles else []
    yield (
        f"{API_KEY} is the only credential here. An API key belongs to one account, but this one "
        f"{' and '.join(parts)}. Give each [[account]] a profile"
    )


def _accounts(ids: list[str]) -> str:
    return f"account{'s' if ids[1:] else ''} {', '.join(ids)}"
