"""The table of kinds, by ARN resource type."""

from __future__ import annotations

from watcher.bedrock import customization
from watcher.bedrock.kind import Kind

KINDS: dict[str, Kind] = {customization.KIND.name: customization.KIND}
