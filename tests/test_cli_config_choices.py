"""``bedrock-watch config`` on who is told of what: jobs that nobody would hear of, templates, and how it is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support_cli import Program, program
from support_config import ARN, EXAMPLE, SECRET, as_nobody, open_dir, write

from watcher.config import load
from watcher.errors import ExitCode

__all__ = ["program"]

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

CHANNEL = "[[channel]]\nname = 'ops'\nurl = 'json://127.0.0.1'\n"
JOB = f"[[job]]\nid = '{ARN}'\nlabel = 'support bot'\ntags = ['team-a']\n"
NAMED = "[[job]]\nid = 'by-name'\n"
HIDDEN = "(hidden)"


@pytest.fixture(autouse=True)
def region(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment tell the region of a job that is given by name."""
    del program  # which empties the environment first
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")


def warnings(program: Program, text: str) -> list[str]:
    """Return what the check warns of in a right configuration of this text."""
    program.configure(text)
    assert program("config", "check", "-o", "json") == ExitCode.DONE, program.out
    found: list[str] = program.document()["warnings"]
    return found


def mistakes(program: Program, text: str) -> list[dict[str, str]]:
    """Return what the check finds wrong in a configuration of this text."""
    program.configure(text)
    assert program("config", "check", "-o", "json") == ExitCode.BAD_CONFIG
    found: list[dict[str, str]] = program.document()["mistakes"]
    return found


# What this machine and this user have to say


def test_check_warns_of_a_state_dir_that_this_user_cannot_make(program: Program) -> None:
    """It may be right for the user of the service, whom nobody can ask here."""
    with open_dir() as directory:
        path = write(directory, "state_dir = 'not/yet'")
        Path(path).chmod(0o644)
        directory.chmod(0o555)
        with as_nobody():
            assert program("--config", path, "config", "check") == ExitCode.DONE
        assert f"state_dir {directory}/not/yet: this user may not write in {directory};" in program.err
        directory.chmod(0o777)
        with as_nobody():
            assert program("--config", path, "config", "check") == ExitCode.DONE
        assert "state_dir" not in program.err


@pytest.mark.parametrize("profile", ["", "profile = 'far'"])
def test_check_asks_the_aws_profile_for_the_region_of_a_name(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    """As the daemon does when it starts; that nothing tells it is a mistake, and so is a profile that is not there."""
    aws = tmp_path / "aws"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    path = write(tmp_path, f"[[job]]\nid = 'by-name'\n{profile}")
    aws.write_text("[default]\nregion = eu-west-3\n[profile far]\nregion = ap-south-1\n")
    assert program("--config", path, "config", "check") == ExitCode.DONE
    aws.write_text("[profile far]\n")
    assert program("--config", path, "config", "check") == ExitCode.BAD_CONFIG
    assert '  job "by-name".region: the job is given by name, and nothing tells its region\n' in program.err
    if profile:
        aws.write_text("")
        assert program("--config", path, "config", "check") == ExitCode.BAD_CONFIG
        assert '  job "by-name".profile: ' in program.err


@pytest.mark.parametrize(("scheme", "better"), [("https", "jsons"), ("HTTP", "json")])
def test_check_knows_what_a_web_address_should_be(program: Program, tmp_path: Path, scheme: str, better: str) -> None:
    """People paste the address of their own webhook; Apprise has a word of its own for it."""
    path = write(tmp_path, f"[[channel]]\nname = 'a'\nurl = '{scheme}://example.com/{SECRET}'")
    assert program("--config", path, "config", "check") == ExitCode.BAD_CONFIG
    assert f"write {better}:// in the place of {scheme.lower()}://" in program.err
    assert SECRET not in program.err


# Jobs that nobody would hear of


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("tags = ['team-b']", "tags = team-b; the job has team-a"),
        ("accounts = ['210987654321']", "accounts = 210987654321; the job has 123456789012"),
        ("regions = ['eu-central-1', 'us-west-2']", "regions = eu-central-1, us-west-2; the job has us-east-1"),
        ("on = []", "its on names no event of a job"),
        ("on = ['delivery_dead']", "its on names no event of a job"),
    ],
)
def test_check_warns_of_a_job_that_no_channel_would_tell_of(program: Program, choice: str, reason: str) -> None:
    """It names the job as people do, and says for each channel why not."""
    found = warnings(program, JOB + CHANNEL + choice)
    assert f'job "support bot": no channel would tell of it: ops ({reason})' in found


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("names = ['prod-*', 'BY-*']", "names = BY-*, prod-*; the job has by-name"),
        ("tags = ['team-b']", "tags = team-b; the job has none"),
    ],
)
def test_check_warns_of_a_job_given_by_name_too(program: Program, choice: str, reason: str) -> None:
    """Its name is what a channel can choose it by."""
    assert warnings(program, NAMED + CHANNEL + choice) == [
        f'job "by-name": no channel would tell of it: ops ({reason})'
    ]


def test_check_gives_the_reason_of_each_channel(program: Program) -> None:
    """In the order of the file."""
    other = CHANNEL.replace("ops", "mail")
    (found,) = warnings(program, JOB + CHANNEL + "tags = ['b']\n" + other + "regions = ['us-west-2']")
    assert re.search(r": ops \(tags = b; .*\), mail \(regions = us-west-2; .*\)$", found)


def test_one_channel_that_tells_of_a_job_is_enough(program: Program) -> None:
    """The others may be for other jobs."""
    assert warnings(program, JOB + CHANNEL + "tags = ['b']\n" + CHANNEL.replace("ops", "mail")) == []


@pytest.mark.parametrize(
    ("job", "choice"),
    [
        (JOB, "names = ['prod-*']"),  # AWS knows the name of a job that is given by its ARN
        (NAMED, "accounts = ['210987654321']"),  # and the account of one given by its name
        (NAMED, "regions = ['us-west-2']"),  # which the AWS profile may put into any region
        (JOB, "tags = ['team-a']\naccounts = ['123456789012']\nregions = ['us-east-1']"),
        (NAMED, "names = ['by-*']"),
        (NAMED + "label = 'support bot'\n", "names = ['support*']"),
        (JOB, "on = ['failed']"),
    ],
)
def test_check_does_not_warn_of_what_may_well_fit(program: Program, job: str, choice: str) -> None:
    """What only AWS can say is not held against a channel: a false alarm at each check would be noise."""
    assert warnings(program, job + CHANNEL + choice) == []


def test_check_does_not_call_a_job_unheard_while_a_channel_is_mistaken(program: Program) -> None:
    """The mistaken one may be the one that tells of it."""
    program.configure(JOB + CHANNEL + "tags = ['b']\n[[channel]]\nname = 'mail'")
    assert program("config", "check", "-o", "json") == ExitCode.BAD_CONFIG
    assert program.document()["warnings"] == []


def test_a_job_that_nobody_would_hear_of_is_a_warning_for_people_too(program: Program) -> None:
    """On standard error; the configuration is right all the same."""
    file = program.configure(JOB + CHANNEL + "tags = ['b']")
    assert program("config", "check") == ExitCode.DONE
    assert program.err.startswith('bedrock-watch: warning: job "support bot": no channel would tell of it: ops (')
    assert program.out == f"ok: {file}: 1 job, 1 channel\n"


# Templates


@pytest.mark.parametrize("key", ["title", "body"])
@pytest.mark.parametrize(
    ("template", "what"), [("{{ nope }}", "nope"), ("{{ job", "line 1"), ("{% for %}", "line 1"), ("{% if job %}", "")]
)
def test_check_finds_a_mistake_in_a_template(program: Program, key: str, template: str, what: str) -> None:
    """With the channel, the key, and a remedy."""
    (mistake,) = mistakes(program, f"{CHANNEL}{key} = '{template}'")
    assert mistake["key"] == f'channel "ops".{key}'
    assert what in mistake["what"]
    assert not mistake["what"].startswith("template")
    assert mistake["remedy"]
    assert program.document()["channels"][0]["state"] == "mistaken"


def test_check_finds_the_mistakes_of_url_title_and_body_at_once(program: Program) -> None:
    """Nobody should have to run the check once for each."""
    found = mistakes(program, "[[channel]]\nname = 'a'\nurl = 'nosuchservice://h'\ntitle = '{{'\nbody = '{{ nope }}'")
    assert [mistake["key"] for mistake in found] == ['channel "a"', 'channel "a".title', 'channel "a".body']


def test_check_has_nothing_to_say_about_a_right_template(program: Program) -> None:
    """Over several lines, too."""
    assert (
        warnings(program, f'{CHANNEL}title = "{{{{ outcome }}}}"\nbody = """\n{{{{ gist }}}}\n{{{{ arn }}}}"""') == []
    )


def test_the_examples_templates_are_right(program: Program) -> None:
    """Whoever takes away the comment sign gets something that works."""
    lines = re.findall(r"(?m)^#((?:title|body) = .*)$", EXAMPLE.read_text())
    assert len(lines) == 2
    assert warnings(program, CHANNEL + "\n".join(lines)) == []


def test_check_pays_for_the_template_engine_only_where_there_is_a_template(program: Program) -> None:
    """Most configurations have none; and show never does."""
    code = (
        "import sys, atexit; atexit.register(lambda: print('jinja2' in sys.modules)); from watcher.cli import main;"
        "main(sys.argv[1:])"
    )

    def pays(*words: str) -> bool:
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1] == "True"

    program.configure(CHANNEL + "title = '{{ job }}'")
    assert pays("config", "check")
    assert not pays("config", "show")
    program.configure(CHANNEL)
    assert not pays("config", "check")


# show


def test_show_prints_the_choices_so_that_they_load_again(program: Program, tmp_path: Path) -> None:
    """Texts of several lines, times of day and what is off, too."""
    text = r"""
        [remind]
        overdue_factor = 0
        stall_after = "off"
        stopping_after = "1h30m"
        [[job]]
        id = "n"
        expect = "90m"
        [[channel]]
        name = "a"
        url_file = "/srv/hook"
        accounts = ["210987654321", "123456789012"]
        regions = ["us-east-1"]
        names = ["z*", "a[\"\\]"]
        burst = 0
        digest = "7:05"
        title = "{{ outcome }}: \"{{ job }}\" \\ \u00e4"
        body = "{{ gist }}\n\t{{ arn }}\n"
        """
    program.configure(text)
    assert program("config", "show") == ExitCode.DONE, program.err
    lines = program.out.splitlines()
    assert 'overdue_factor = "off"  # this file' in lines
    assert 'stall_after = "off"  # this file' in lines
    assert 'stopping_after = "1h30m"  # this file' in lines
    assert 'queued_after = "4h"  # default' in lines
    assert 'expect = "1h30m"' in lines
    assert 'digest = "07:05"' in lines
    assert "burst = 0" in lines
    assert 'names = ["z*", "a[\\"\\\\]"]' in lines
    assert load(write(tmp_path, program.out)) == load(write(tmp_path, text))


def test_show_gives_programs_numbers_lists_and_null(program: Program) -> None:
    """Lengths of time in seconds; 0 is off."""
    program.configure(f"[remind]\nstall_after = 'off'\n{NAMED}{CHANNEL}digest = '00:00'\nnames = ['b', 'a']")
    assert program("config", "show", "-o", "json") == ExitCode.DONE
    document = program.document()
    assert document["remind"] == {
        "overdue_factor": 2.0,
        "stall_after": 0.0,
        "stopping_after": 1800.0,
        "queued_after": 14400.0,
    }
    assert document["job"][0]["expect"] is None
    (channel,) = document["channel"]
    assert (channel["digest"], channel["names"], channel["accounts"]) == ("00:00", ["b", "a"], [])
    assert (channel["burst"], channel["title"], channel["body"], channel["url"]) == (20, None, None, HIDDEN)


def test_check_counts_accounts_and_rules_and_warns_of_a_profile_that_is_not_here(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The user of the service may have it: that is no mistake."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    account = '[[account]]\nid = "111111111111"\nprofile = "lab"\nregions = ["us-east-1"]\n'
    program.configure(f"{account}[[discover]]\n[[channel]]\nname = 'a'\nurl = 'json://h'\n")
    assert program("config", "check") == 0
    assert "0 jobs, 1 channel, 1 account, 1 rule" in program.out
    assert 'not checkable here: account 111111111111: you have no AWS profile "lab"' in program.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "status = ['Inprogress']",
            'is known to have the status "Inprogress": did you mean InProgress?',
        ),
        ("status = ['Submitted']", 'rule "rule 1": no job of these kinds is known to have the status "Submitted"'),
        ("customization_types = ['FINETUNING']", 'is known to have the customization type "FINETUNING"'),
        ("status = ['InProgress', 'Failed']\ncustomization_types = ['DISTILLATION']", ""),
        ("status = ['Submitted']\nkinds = ['model-invocation-job']", ""),
    ],
)
def test_check_warns_of_a_rule_that_names_what_no_job_has(program: Program, words: str, said: str) -> None:
    """It would find nothing.  Not a mistake: AWS may know words that are newer than this program."""
    rule = f"[[discover]]\naccount = '111111111111'\nregions = ['us-east-1']\n{words}\n"
    found = "\n".join(warnings(program, f"{rule}[[channel]]\nname = 'a'\nurl = 'json://h'\n"))
    assert said in found
    assert ("is known to have" in found) is bool(said)
