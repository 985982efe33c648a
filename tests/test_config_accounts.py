"""The [[account]] and [[discover]] tables, and whose credentials a job is looked at with."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_config import mistakes, only, read

from watcher.bedrock.credentials import Credentials
from watcher.config import AccountConfig, DiscoverConfig
from watcher.daemon.chosen import credentials_of

A, B = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{A}:role/readers/bedrock-watch"


def test_an_account_has_a_profile_or_a_role(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f'[[account]]\nid = "{A}"\nname = "lab"\nrole_arn = "{ROLE}"\nexternal_id = "x-1"\nsession_name = "watch"\n'
        f'source_profile = "hub"\n[[account]]\nid = "{B}"\nprofile = "b"\nregions = ["us-east-1", "eu-west-1"]\n',
    )
    assert found.accounts == (
        AccountConfig(A, "lab", None, ROLE, "x-1", "watch", "hub"),
        AccountConfig(B, profile="b", regions=("us-east-1", "eu-west-1")),
    )
    assert found.account(B) is found.accounts[1]
    assert found.account("333333333333") is None


def test_an_account_without_credentials_of_its_own_has_those_of_all(tmp_path: Path) -> None:
    """As where an instance role looks for the jobs of its own account: the rules have to know which that is."""
    found = read(
        tmp_path,
        f"[aws]\nprofile = 'p'\n[[account]]\nid = '{A}'\nregions = ['us-east-1']\n[[discover]]\nname = 'all'\n",
    )
    assert credentials_of(found, A, "") == Credentials("p")
    assert found.rules[0].places == {A: ("us-east-1",)}


@pytest.mark.parametrize(
    ("lines", "key", "what"),
    [
        ("profile = 'a'", "id", "is missing"),
        (f"id = {A}\nprofile = 'a'", "id", "is a number"),
        ("id = '123'\nprofile = 'a'", "id", "is not an AWS account"),
        (f"id = '{A}'\nprofile = 'a'\nrole_arn = '{ROLE}'", "", "has both profile and role_arn"),
        (f"id = '{A}'\nrole_arn = 'reader'", "role_arn", "is not a role's ARN"),
        (f"id = '{B}'\nrole_arn = '{ROLE}'", "role_arn", f"is a role of account {A}"),
        (f"id = '{A}'\nprofile = 'a'\nexternal_id = 'x-1'", "external_id", "is for a role"),
        (f"id = '{A}'\nprofile = 'a'\nsource_profile = 'x'", "source_profile", "is for a role"),
        (f"id = '{A}'\nrole_arn = '{ROLE}'\nsession_name = 'a b'", "session_name", "is not a session name"),
        (f"id = '{A}'\nrole_arn = '{ROLE}'\nexternal_id = '!'", "external_id", "is not an external ID"),
        (f"id = '{A}'\nprofile = 'a'\nregions = ['here']", "regions[1]", "is not a region"),
        (f"id = '{A}'\nprofile = 'a'\nprofil = 'b'", "profil", "unknown key"),
    ],
)
def test_what_is_wrong_with_an_account_is_said(tmp_path: Path, lines: str, key: str, what: str) -> None:
    mistake = only(tmp_path, f"[[account]]\n{lines}\n")
    assert mistake.key == (f"account[1].{key}" if key else "account[1]")
    assert what in mistake.what


def test_an_account_is_there_once(tmp_path: Path) -> None:
    one = f"[[account]]\nid = '{A}'\nprofile = 'a'\n"
    assert only(tmp_path, one + one).what == f"there are two accounts {A}"


def test_a_rule_is_read_and_has_a_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"[[discover]]\naccount = '{A}'\nregions = ['us-east-1']\nkinds = ['model-customization-job', 'evaluation-job']\n"
        "names = ['prod-*']\ncustomization_types = ['FINE_TUNING']\ntags = ['team=support', 'owner']\n"
        f"status = ['InProgress']\ncreated_within = '7d'\n[[discover]]\nname = 'all'\naccount = '{B}'\n[aws]\nregion = 'eu-west-1'",
    )
    assert found.rules == (
        DiscoverConfig(
            "rule 1",
            A,
            ("us-east-1",),
            {A: ("us-east-1",)},
            ("model-customization-job", "evaluation-job"),
            ("prod-*",),
            ("FINE_TUNING",),
            ("team=support", "owner"),
            ("InProgress",),
            604_800.0,
        ),
        DiscoverConfig("all", B, (), {B: ("eu-west-1",)}),
    )
    assert found.rules[1].kinds == ("model-customization-job",)


def test_a_rule_without_an_account_is_for_every_account_in_its_own_regions(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"[[account]]\nid = '{A}'\nprofile = 'a'\nregions = ['us-west-2']\n[[account]]\nid = '{B}'\nprofile = 'b'\n"
        "[[discover]]\n[aws]\nregion = 'us-east-1'\n",
    )
    assert found.rules[0].places == {A: ("us-west-2",), B: ("us-east-1",)}


@pytest.mark.parametrize(
    ("lines", "key", "what"),
    [
        ("regions = ['us-east-1']", "account", "is missing"),
        (f"account = '{A}'", "regions", "nothing says in which regions to look"),
        (
            f"account = '{A}'\nregions = ['us-east-1']\nkinds = ['customization']",
            "kinds",
            "no such kind: customization",
        ),
        (
            f"account = '{A}'\nregions = ['us-east-1']\nkinds = ['evaluation-job']\ncustomization_types = ['FINE_TUNING']",
            "customization_types",
            "are those of customization jobs",
        ),
        (f"account = '{A}'\nregions = ['us-east-1']\ncreated_within = '1s'", "created_within", "is too short"),
        (f"account = '{A}'\nregions = ['us-east-1']\nstatus = ['In Progress']", "status[1]", "is not AWS's own word"),
        (f"account = '{A}'\nregions = ['us-east-1']\nname = '<b>'", "name", "is not a name"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(tmp_path: Path, lines: str, key: str, what: str) -> None:
    mistake = next(one for one in mistakes(tmp_path, f"[[discover]]\n{lines}\n"))
    assert mistake.key == f"discover[1].{key}"
    assert what in mistake.what


def test_two_rules_have_two_names(tmp_path: Path) -> None:
    one = f"[[discover]]\nname = 'r'\naccount = '{A}'\nregions = ['us-east-1']\n"
    assert only(tmp_path, one + one).what == 'there are two rules named "r"'


@pytest.mark.parametrize(
    ("account", "profile", "whose"),
    [
        (A, "", Credentials("hub", ROLE, "x-1", "watch")),
        (A, "own", Credentials("own")),
        (B, "", Credentials("b")),
        ("333333333333", "", Credentials("all")),
        ("", "", Credentials("all")),
    ],
)
def test_a_jobs_own_profile_goes_before_its_accounts_and_that_before_everybodys(
    tmp_path: Path, account: str, profile: str, whose: Credentials
) -> None:
    found = read(
        tmp_path,
        f"[aws]\nprofile = 'all'\n[[account]]\nid = '{A}'\nrole_arn = '{ROLE}'\nexternal_id = 'x-1'\nsession_name = 'watch'\n"
        f"source_profile = 'hub'\n[[account]]\nid = '{B}'\nprofile = 'b'\n",
    )
    assert credentials_of(found, account, profile) == whose
