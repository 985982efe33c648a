"""The IAM policy that the program prints for what it watches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import support_simulator as support
from support_cli import Program, add, program, seen
from support_jobs import response

from watcher import clock
from watcher.bedrock.kinds import KINDS
from watcher.bedrock.permissions import Need, partition, policies
from watcher.store.jobs import Wanted

__all__ = ["program"]

BATCH = "arn:aws:bedrock:eu-west-1:123456789012:model-invocation-job/abcdefghij12"
JUDGE = "arn:aws:bedrock:us-east-1:210987654321:evaluation-job/abcdefghij12"


def write(program: Program, text: str) -> None:
    file = program.home / ".config/bedrock-watch/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_policy_allows_a_get_of_such_jobs_there_and_the_list(program: Program) -> None:
    """The job that was added, and nothing else: the README's policy."""
    with program.store() as store:
        add(store)
    assert program("iam-policy") == 0
    assert json.loads(program.out) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GetModelCustomizationJob",
                "Effect": "Allow",
                "Action": ["bedrock:GetModelCustomizationJob"],
                "Resource": ["arn:aws:bedrock:us-east-1:123456789012:model-customization-job/*"],
            },
            {
                "Sid": "ListJobs",
                "Effect": "Allow",
                "Action": ["bedrock:ListModelCustomizationJobs"],
                "Resource": ["*"],
            },
        ],
    }


def test_the_policy_of_the_readme_is_the_one_that_is_printed(program: Program) -> None:
    assert program("iam-policy", "--kind", "model-customization-job", "--account", "123456789012") == 0
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    shown = readme.partition("bedrock-watch iam-policy --kind")[2].partition("```json")[2].partition("```")[0]
    assert json.loads(shown) == json.loads(program.out)


def test_several_accounts_have_a_policy_each(program: Program) -> None:
    write(program, f'[[job]]\nid = "{BATCH}"\n[[job]]\nid = "{JUDGE}"\n')
    assert program("iam-policy") == 0
    found = json.loads(program.out)
    assert set(found) == {"123456789012", "210987654321"}
    assert "--account prints one alone" in program.err
    assert program("iam-policy", "--account", "210987654321") == 0
    (get,) = json.loads(program.out)["Statement"]  # each evaluation is got: its List is not asked
    assert get["Action"] == ["bedrock:GetEvaluationJob"]
    assert get["Resource"] == ["arn:aws:bedrock:us-east-1:210987654321:evaluation-job/*"]


def test_a_rule_needs_its_lists_and_the_tags_that_it_goes_by(program: Program) -> None:
    """And a role is assumed by the identity that the daemon has by itself."""
    role = "arn:aws:iam::210987654321:role/watch"
    rule = '[[discover]]\nregions = ["us-gov-west-1"]\nkinds = ["evaluation-job"]\n'
    write(program, f'[[account]]\nid = "210987654321"\nrole_arn = "{role}"\n{rule}tags = ["team=*"]\n')
    assert program("iam-policy") == 0
    found = json.loads(program.out)
    actions = {one["Sid"]: one["Action"] for one in found["210987654321"]["Statement"]}
    assert actions == {
        "GetEvaluationJob": ["bedrock:GetEvaluationJob"],
        "ListJobs": ["bedrock:ListEvaluationJobs"],
        "ReadTags": ["bedrock:ListTagsForResource"],
    }
    tags = found["210987654321"]["Statement"][-1]["Resource"]
    assert tags == ["arn:aws-us-gov:bedrock:us-gov-west-1:210987654321:evaluation-job/*"]
    (assume,) = found["daemon"]["Statement"]
    assert (assume["Action"], assume["Resource"]) == (["sts:AssumeRole"], [role])
    write(program, f'[[account]]\nid = "210987654321"\nprofile = "x"\n{rule}')
    assert program("iam-policy") == 0
    assert "ListTagsForResource" in program.out  # labels and tags come from them


def test_what_is_over_or_no_longer_watched_needs_nothing(program: Program) -> None:
    """With nothing left there is no policy, and the words say how to get one beforehand."""
    with program.store() as store:
        seen(store, 1, status="Completed", endTime=response(1)["creationTime"])
        store.jobs.remove(add(store, 2))
    assert program("iam-policy") == 2
    assert "nothing is watched, so nothing needs to be allowed" in program.err
    assert "--kind model-customization-job" in program.err
    assert program("iam-policy", "--kind", "provisioned-model", "--account", "123456789012") == 0
    get, listing = json.loads(program.out)["Statement"]
    assert get["Resource"] == ["arn:aws:bedrock:*:123456789012:provisioned-model/*"]
    assert listing["Action"] == ["bedrock:ListProvisionedModelThroughputs"]


def test_a_job_given_by_name_is_in_nobodys_account_until_it_is_seen(program: Program) -> None:
    wanted = Wanted("my-model", "us-east-1", kind="model-import-job")
    with program.store() as store:
        store.jobs.add(wanted, clock.now(), ask=False)
    assert program("iam-policy") == 0
    get, _ = json.loads(program.out)["Statement"]
    assert get["Resource"] == ["arn:aws:bedrock:us-east-1:*:model-import-job/*"]


@pytest.mark.parametrize(
    ("lines", "partition"),
    [
        ("", "aws"),
        ('[aws]\nregion = "us-gov-west-1"', "aws-us-gov"),
        ('[[queue]]\nurl = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs"', "aws-cn"),
        ('[[account]]\nid = "123456789012"\nprofile = "x"\nregions = ["us-gov-west-1", "us-gov-east-1"]', "aws-us-gov"),
        (
            '[aws]\nregion = "us-gov-west-1"\n[[account]]\nid = "123456789012"\nprofile = "x"\nregions = ["us-east-1"]',
            "aws",
        ),
    ],
)
def test_in_any_region_means_any_of_the_partition_that_all_others_are_in(
    program: Program, lines: str, partition: str
) -> None:
    """IAM refuses a policy that names resources of another partition."""
    write(program, lines)
    assert program("iam-policy", "--kind", "model-import-job", "--account", "123456789012") == 0
    (resource,) = json.loads(program.out)["Statement"][0]["Resource"]
    assert resource == f"arn:{partition}:bedrock:*:123456789012:model-import-job/*"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--account", "12"], "not an account: '12'"),
        (["--region", "us-east-1"], "--region says where --kind is meant"),
        (["--kind", "model-import-job", "--region", "here"], "not a region: 'here'"),
        (["--kind", "agent"], "'agent' is not one of 'model-customization-job'"),
    ],
)
def test_words_that_mean_nothing_are_refused(program: Program, words: list[str], said: str) -> None:
    assert program("iam-policy", *words) == 2
    assert said in program.err


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_action_of_every_kind_is_an_operation_of_bedrock(kind: object) -> None:
    """IAM's actions are called as the operations are."""
    names = support.EXTENDED.get_service_model("bedrock").operation_names
    found = policies(
        Need("123456789012", one, "us-east-1", found=True, tags=True) for one in KINDS if KINDS[one] is kind
    )
    actions = [action for one in found["123456789012"]["Statement"] for action in one["Action"]]
    assert len(actions) == 3
    assert all(action.removeprefix("bedrock:") in names for action in actions)


def test_every_region_that_the_sdk_knows_is_in_its_partition() -> None:
    known = support.SESSION.get_component("data_loader").load_data("partitions")["partitions"]
    assert len(known) > 5
    for one in known:
        regions = [region for region in one["regions"] if not region.endswith("-global")]
        assert {partition(region) for region in regions} == {one["id"]}
