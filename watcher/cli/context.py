"""What every command is given: the global options, and what follows from them, worked out when first asked for.

Not its business: reading the configuration's keys (``config``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.errors import ExitCode

if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import TextIO

    from watcher.config import Config
    from watcher.store import Store
    from watcher.store.database import Database


class Context:
    """The global options of one invocation."""

    def __init__(self, config_path: str | None = None, verbose: int = 0, color: str = "auto") -> None:
        self.config_path = config_path
        self.verbose = verbose
        self.color = color
        self.failed = ExitCode.FAILED
        """The exit code where it is the machine that fails: a disk that is full, an output that is closed."""
        self.unread = ExitCode.DONE
        """The exit code where the reader of the output went away (`| head`): it has had all it wanted."""

    @cached_property
    def config(self) -> Config:
        """The configuration in force; raises BadConfig."""
        from watcher.config import load

        return load(self.config_path)

    @property
    def state_dir(self) -> Path:
        """Return the path of the database, next to the daemon's lock; raises BadConfig.

        Root switches to the directory's owner, so that nothing there is opened with root's privileges.
        """
        if os.geteuid() == 0:
            from watcher import privileges

            privileges.become_owner(self.config.state_dir)
        return self.config.state_dir

    @property
    def database(self) -> Path:
        """The database in use, whether it exists or not; raises BadConfig."""
        from watcher import presence

        return presence.database(self.state_dir)

    @property
    def zone(self) -> tzinfo | None:
        """The people's time zone; None is the machine's."""
        if self.config.timezone is None:
            return None
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.config.timezone)

    @property
    def colored(self) -> bool:
        """Whether stdout wants colour."""
        return self.colors(sys.stdout)

    def colors(self, stream: TextIO) -> bool:
        """Return whether *stream* wants colour: as told, else on a terminal.

        Source: https://no-color.org ("when present and not an empty string").
        """
        if self.color != "auto":
            return self.color == "always"
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @contextmanager
    def opened(self, *, create: bool = False) -> Iterator[Database]:
        """Open the database; without one, and without *create*, an empty one that is gone afterwards.

        Raises BadConfig, and StoreError for whatever is wrong with the file, now or later.
        """
        from watcher.store.database import IN_MEMORY, Database, explained

        path = self.database if create or _exists(self.database) else IN_MEMORY
        database = Database.open(path)
        try:
            with explained(path):
                yield database
            _say_what_is_damaged()
        finally:
            database.close()

    @contextmanager
    def store(self, *, create: bool = False) -> Iterator[Store]:
        """Open the database, as ``opened`` does, with all its verbs."""
        from watcher.store import Store

        with self.opened(create=create) as database:
            yield Store(database)


def _say_what_is_damaged() -> None:
    """Warn about rows that could not be read while the database was open."""
    damage = sys.modules.get("watcher.store.damage")
    noted = damage.drain() if damage else {}
    if noted:
        from watcher.cli.output import note
        from watcher.cli.words import counted, some

        rows = some([f"{row} ({why})" for row, why in sorted(noted.items())])
        what = f"warning: {counted(len(noted), 'row')} of the database cannot be read: {rows}"
        note(f"{what}\n  restore a backup, or mend them")


def _exists(path: Path) -> bool:
    """Return whether there is a file; what cannot be known is left to the opening, which says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
