"""Jobs that a rule found: how far they are known, and which are new."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watcher.identifiers import JobArn
from watcher.store import damage
from watcher.store.database import Database

_NEXT_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM jobs)"
_SINCE, _FOUND = "rule/", "found/"


@dataclass(frozen=True, slots=True)
class Findings:
    """How far a scope's jobs are known: when the *newest* that was seen was created (epoch seconds; 0: none was).

    *scanned* are the marks of the rules for which the running jobs were asked for.
    """

    newest: float = 0.0
    scanned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A job that a rule wants watched."""

    arn: str
    name: str
    rule: str
    label: str
    tags: tuple[str, ...]
    created_at: float


class FindingsStore:
    """The verbs of discovery."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def since(self, marks: Sequence[str], now: float) -> dict[str, float]:
        """Return when each rule of these *marks* was first in use: *now* for a new one.  The others are forgotten."""
        with self._db.transaction() as sql:
            rows = sql.execute("SELECT key, value FROM notes WHERE key >= ? AND key < ?", (_SINCE, "rule0"))
            found = {row["key"]: _number(row["value"]) for row in rows}
            known = {key.removeprefix(_SINCE): damage.time(f"notes/{key}", "value", at) for key, at in found.items()}
            sql.executemany("DELETE FROM notes WHERE key = ?", [(_SINCE + mark,) for mark in known.keys() - marks])
            new = [mark for mark in dict.fromkeys(marks) if mark not in known]
            sql.executemany(
                "INSERT INTO notes (key, value) VALUES (?, ?)", [(_SINCE + mark, repr(now)) for mark in new]
            )
            return {mark: known.get(mark) or now for mark in marks}

    def findings(self, key: str) -> Findings:
        """Return how far the jobs of a scope are known."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (_FOUND + key,)).fetchone()
            if row is None:
                return Findings()
            name = f"notes/{_FOUND}{key}"
            noted = damage.record(name, "value", row["value"])
            scanned = damage.texts(name, "scanned", json.dumps(noted.get("scanned", ())))
            return Findings(damage.time(name, "newest", noted.get("newest")), scanned)

    def unknown(self, arns: Sequence[str]) -> set[str]:
        """Return which of these jobs a rule may take up: those that are not watched, not over and not dismissed."""
        with self._db.reading() as sql:
            rows = sql.execute(
                "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT arn FROM jobs WHERE arn IS NOT NULL AND"
                " (from_cli OR from_config OR from_rule != '' OR dismissed OR state = 'ended'))",
                (json.dumps(arns),),
            )
            return {row["value"] for row in rows}

    def find(self, key: str, state: Findings, found: Sequence[Finding], now: float) -> None:
        """Watch what was found, unless somebody was faster, and write how far the scope's jobs are known now."""
        with self._db.transaction() as sql:
            noted = json.dumps({"newest": state.newest, "scanned": state.scanned})
            sql.execute("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (_FOUND + key, noted))
            for finding in found:
                _take_up(sql, finding, now)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _take_up(sql: sqlite3.Connection, finding: Finding, now: float) -> None:
    arn = JobArn.parse(finding.arn)
    values: Mapping[str, object] = {
        "arn": finding.arn,
        "name": finding.name,
        "kind": arn.kind,
        "account": arn.account,
        "region": arn.region,
        "label": finding.label,
        "tags": json.dumps(finding.tags, ensure_ascii=False),
        "rule": finding.rule,
        "created": finding.created_at,
        "now": now,
    }
    sql.execute(
        "INSERT INTO jobs (identifier, arn, name, kind, account, region, label, tags, from_rule, created_at, added_at,"
        f" next_poll_at, revision) VALUES (:arn, :arn, :name, :kind, :account, :region, :label, :tags, :rule, :created,"
        f" :now, :now, {_NEXT_REVISION})"
        " ON CONFLICT (arn) DO UPDATE SET from_rule = excluded.from_rule, revision = excluded.revision"
        " WHERE NOT (from_cli OR from_config OR dismissed OR state = 'ended')",
        values,
    )
