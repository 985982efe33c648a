"""The table of kinds, by ARN resource type."""

from __future__ import annotations

from watcher.bedrock import (
    copying,
    customization,
    deployment,
    evaluation,
    imports,
    invocation,
    prompt,
    provisioned,
)
from watcher.bedrock.kind import Kind

_MODULES = (customization, imports, invocation, evaluation, copying, deployment, provisioned, prompt)

KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in _MODULES}
