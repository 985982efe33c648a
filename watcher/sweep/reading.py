"""Track the paging of one List, and detect one that never ends.

A token that comes again would have the same pages read without end (boto/botocore#3778), and so would a server that
makes up new ones.
Not its business: what the pages say (``sweep.pages``).
"""

from __future__ import annotations

from watcher.bedrock.answers import Page
from watcher.errors import LookError, LookFault

MOST_PAGES = 1000
"""Maximum pages of one List: a million jobs."""

MOST_EMPTY = 50
"""Maximum consecutive pages without a job; AWS may return some if a filter excludes all."""

_REMEDY = "bedrock-watch polls the jobs one by one meanwhile, and lists again. Check endpoint_url and any proxy"


class Reading:
    """The reading of one List.  *token* asks for the next page, *ended*: there is none."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.ended = False
        self._seen: set[str] = set()
        self._empty = 0

    def turn(self, page: Page) -> None:
        """Advance to the page after *page*; raises LookError if the paging would never end."""
        self.token, self.ended = page.token, not page.token
        if self.token is None or self.ended:
            return
        self._empty = 0 if page.summaries else self._empty + 1
        if self.token in self._seen:
            raise LookError(LookFault.MALFORMED, "RepeatedToken", "List sent the same nextToken twice", _REMEDY)
        self._seen.add(self.token)
        if len(self._seen) >= MOST_PAGES or self._empty >= MOST_EMPTY:
            what = f"List does not end: {len(self._seen)} pages, the last {self._empty} of them without a job"
            raise LookError(LookFault.MALFORMED, "EndlessList", what, _REMEDY)
