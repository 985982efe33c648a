"""What answers is not AWS: ``discover`` ends with the reason, ``wait`` says it and waits on until its --timeout."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_drill import command
from support_receivers import Reply, web_receiver

from watcher.errors import ExitCode

HTML = {"Content-Type": "text/html"}
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
RULE = '[[discover]]\naccount = "123456789012"\nregions = ["us-east-1"]\n'
ANSWERS = [
    Reply(200, "null"),
    Reply(200, "[]"),
    Reply(200, "<html>sign in</html>", HTML),
    Reply(403, "<html>forbidden</html>", HTML),
    Reply(404, "<html>not found</html>", HTML),
    Reply(503, "<html>unavailable</html>", HTML),
    Reply(302, "", {"Location": "http://127.0.0.1:9/sign-in"}),
]


@pytest.mark.parametrize(
    ("words", "code"),
    [(("discover",), ExitCode.AWS_REFUSED), (("wait", ARN, "--timeout", "3s"), ExitCode.TIMED_OUT)],
    ids=["discover", "wait"],
)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: f"{one.status} {one.body[:8]}")
def test_what_is_not_aws_is_reported_with_the_reason_and_no_crash(
    tmp_path: Path, answer: Reply, words: tuple[str, ...], code: int
) -> None:
    with web_receiver() as other:
        other.reply = answer
        file = tmp_path / "config.toml"
        file.write_text(f'state_dir = "state"\n[aws]\nendpoint_url = "{other.url}"\nsign = false\n{RULE}')
        done = command("--config", str(file), *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "redirects to" in done.stderr if answer.status == 302 else f"it begins '{answer.body}" in done.stderr
