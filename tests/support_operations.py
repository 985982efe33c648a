"""Which operations of AWS a process really calls, written down by botocore itself (its event ``before-call``)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from watcher.bedrock.kinds import KINDS
from watcher.bedrock.permissions import READ_TAGS

ALLOWED = {
    "bedrock": {operation for kind in KINDS.values() for operation in kind.operations} | {READ_TAGS},
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"},
    "sso": {"GetRoleCredentials"},
    "sso-oidc": {"CreateToken"},  # the SDK's own refresh of a sign-in
    "sqs": {"ReceiveMessage", "DeleteMessage"},  # of a configured queue
}
"""Everything that may ever be asked of AWS, by service."""

_NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}

_HOOK = """
import os
from botocore import handlers

def record(model, **_):
    with open(os.environ["RECORDED_OPERATIONS"], "a") as file:
        file.write(f"{model.service_model.service_name}:{model.name}\\n")

# Every session, aiobotocore's too, registers these.
handlers.BUILTIN_HANDLERS.append(("before-call", record))
"""


@dataclass(frozen=True)
class Operations:
    """The record of the processes that have this *environment*."""

    environment: dict[str, str]
    file: Path

    def called(self) -> set[str]:
        """Return every ``service:Operation`` that was called so far."""
        return set(self.file.read_text().split()) if self.file.exists() else set()

    def difference(self, printed: str) -> set[str]:
        """Return what was called though the policy that ``iam-policy`` *printed* does not allow it, and the other way."""
        found = json.loads(printed)
        policies = [found] if "Statement" in found else found.values()
        allowed = {action for one in policies for statement in one["Statement"] for action in statement["Action"]}
        return (self.called() - _NEEDS_NO_PERMISSION) ^ allowed

    def check(self) -> None:
        """Fail when anything was called that may never be."""
        allowed = {f"{service}:{name}" for service, names in ALLOWED.items() for name in names}
        assert self.called() <= allowed


def recorded(directory: Path, hook_too: str = "") -> Operations:
    """Return a record in *directory*, which python's own start-up hook keeps; it runs *hook_too* as well."""
    hook, file = directory / "hook" / "sitecustomize.py", directory / "operations"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK + hook_too)
    path = os.pathsep.join(filter(None, (str(hook.parent), os.environ.get("PYTHONPATH", ""))))
    return Operations({"PYTHONPATH": path, "RECORDED_OPERATIONS": str(file)}, file)
