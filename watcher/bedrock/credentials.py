"""Whose credentials AWS is asked with, as a value: what the configuration says, not yet what AWS does.

Cheap to import.  Not its business: finding them (``bedrock.keys``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

SESSION_NAME = "bedrock-watch"
"""What CloudTrail shows of a role that we assumed, unless the configuration has another name."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A profile (empty: the AWS SDK's usual search), and the role that is assumed with it, if any."""

    profile: str = ""
    role_arn: str = ""
    external_id: str = field(default="", repr=False)
    session_name: str = SESSION_NAME

    @property
    def who(self) -> str:
        """What people call them."""
        source = f"profile {self.profile!r}" if self.profile else "the default credentials"
        return f"the role {self.role_arn} (assumed with {source})" if self.role_arn else source
