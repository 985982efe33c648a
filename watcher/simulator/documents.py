"""The documents of each kind of job: what a Get and a List say of a run during one of its phases.

Members that AWS has nothing to say of yet are left out, as AWS does.  Source of names and types: botocore's service
model (bedrock, 2023-04-20), that of 1.44.8 where the pinned one lacks them: advanced prompt optimization.

Not its business: when a job is in which phase (``timeline``), paths and filters (``plays``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watcher.simulator.timeline import Run

Document = dict[str, Any]


def customization(run: Run, index: int) -> Document:
    """Return the body of a GetModelCustomizationJob."""
    script, status, bucket = run.script, run.phases[index].status, _bucket(run)
    document: Document = {
        "jobArn": run.arn,
        "jobName": script.name,
        "outputModelName": f"{script.name}-model",
        "clientRequestToken": f"token-{run.job_id}",
        "roleArn": _role(run, "customization"),
        "status": status,
        **_times(run, index),
        **_steps(run, index),
        "baseModelArn": _base_model(run),
        "hyperParameters": dict(script.hyper_parameters),
        "trainingDataConfig": {"s3Uri": f"{bucket}/train.jsonl"},
        "validationDataConfig": {"validators": [{"s3Uri": f"{bucket}/validation.jsonl"}]},
        "outputDataConfig": {"s3Uri": f"{bucket}/output"},
        "customizationType": script.customization,
    }
    if script.teacher_model:
        teacher = {"teacherModelIdentifier": script.teacher_model, "maxResponseLengthForInference": 1000}
        document["customizationConfig"] = {"distillationConfig": {"teacherModelConfig": teacher}}
    if status == "Completed":
        document["outputModelArn"] = _output_model(run)
        document["trainingMetrics"] = {"trainingLoss": script.training_loss}
        document["validationMetrics"] = [{"validationLoss": script.validation_loss}]
    return document | _reason(run, index)


def customization_row(run: Run, index: int) -> Document:
    """Return a summary: it tells no failure and no metrics."""
    script, status = run.script, run.phases[index].status
    document = {
        "jobArn": run.arn,
        "baseModelArn": _base_model(run),
        "jobName": script.name,
        "status": status,
        **_times(run, index),
        **_steps(run, index),
        "customModelName": f"{script.name}-model",
        "customizationType": script.customization,
    }
    if status == "Completed":
        document["customModelArn"] = _output_model(run)
    return document


def import_row(run: Run, index: int) -> Document:
    """Return a summary."""
    document = {
        "jobArn": run.arn,
        "jobName": run.name,
        "importedModelName": f"{run.name}-model",
        "status": run.phases[index].status,
        **_times(run, index),
    }
    if run.phases[index].status == "Completed":
        document["importedModelArn"] = run.script.arn(f"imported-model/{run.job_id[::-1]}")
    return document


def importing(run: Run, index: int) -> Document:
    """Return the body of a GetModelImportJob."""
    source = {"s3DataSource": {"s3Uri": f"{_bucket(run)}/weights/"}}
    more = {"roleArn": _role(run, "import"), "modelDataSource": source}
    return import_row(run, index) | more | _reason(run, index)


def invocation(run: Run, index: int) -> Document:
    """Return a Get's answer and a List's row: they are alike."""
    bucket = _bucket(run)
    return {
        "jobArn": run.arn,
        "jobName": run.name,
        "modelId": _base_model(run),
        "clientRequestToken": f"token{run.job_id}",
        "roleArn": _role(run, "batch"),
        "status": run.phases[index].status,
        **_times(run, index, created="submitTime"),
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"{bucket}/prompts.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"{bucket}/output/"}},
        "timeoutDurationInHours": 24,
        "jobExpirationTime": run.moment(run.created + 24 * 3600),
    } | _reason(run, index, "message")


def evaluation_row(run: Run, index: int) -> Document:
    """Return a summary."""
    return {
        "jobArn": run.arn,
        "jobName": run.name,
        "status": run.phases[index].status,
        "creationTime": run.moment(run.created),
        "jobType": "Automated",
        "evaluationTaskTypes": ["Summarization"],
        "modelIdentifiers": [run.script.base_model],
        "applicationType": "ModelEvaluation",
    }


def evaluation(run: Run, index: int) -> Document:
    """Return the body of a GetEvaluationJob."""
    script = run.script
    metrics = {
        "taskType": "Summarization",
        "dataset": {"name": "Builtin.Gigaword"},
        "metricNames": ["Builtin.Accuracy", "Builtin.Robustness"],
    }
    document: Document = {
        "jobName": run.name,
        "status": run.phases[index].status,
        "jobArn": run.arn,
        "jobDescription": "Is the new model as good as the old one?",
        "roleArn": _role(run, "evaluation"),
        "jobType": "Automated",
        "applicationType": "ModelEvaluation",
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [metrics]}},
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": script.base_model}}]},
        "outputDataConfig": {"s3Uri": f"{_bucket(run)}/output"},
        "creationTime": run.moment(run.created),
        "lastModifiedTime": run.moment(run.starts[index]),
    }
    if run.phases[index].status == "Failed" and script.failure_message:
        document["failureMessages"] = script.failure_message.split("\n")
    return document


def copying(run: Run, index: int) -> Document:
    """Return a Get's answer and a List's row: they are alike, and know one time."""
    script, model = run.script, f"custom-model/{run.script.base_model}/{run.job_id[::-1]}"
    source = f"arn:{script.partition}:bedrock:us-west-2:{script.account}:{model}"
    return {
        "jobArn": run.arn,
        "status": run.phases[index].status,
        "creationTime": run.moment(run.created),
        "targetModelArn": script.arn(model),
        "targetModelName": run.name,
        "sourceAccountId": script.account,
        "sourceModelArn": source,
        "sourceModelName": f"{run.name}-source",
    } | _reason(run, index)


def deployment_row(run: Run, index: int) -> Document:
    """Return a summary."""
    return {
        "customModelDeploymentArn": run.arn,
        "customModelDeploymentName": run.name,
        "modelArn": _output_model(run),
        "createdAt": run.moment(run.created),
        "status": run.phases[index].status,
        "lastUpdatedAt": run.moment(run.starts[index]),
    } | _reason(run, index)


def deployment(run: Run, index: int) -> Document:
    """Return the body of a GetCustomModelDeployment."""
    document = deployment_row(run, index)
    document["modelDeploymentName"] = document.pop("customModelDeploymentName")
    return document | {"description": "For the support desk."}


def provisioned_row(run: Run, index: int) -> Document:
    """Return a summary."""
    model = _output_model(run)
    return {
        "provisionedModelName": run.name,
        "provisionedModelArn": run.arn,
        "modelArn": model,
        "desiredModelArn": model,
        "foundationModelArn": _base_model(run),
        "modelUnits": 1,
        "desiredModelUnits": 1,
        "status": run.phases[index].status,
        "commitmentDuration": "OneMonth",
        "commitmentExpirationTime": run.moment(run.created + 30 * 86_400),
        "creationTime": run.moment(run.created),
        "lastModifiedTime": run.moment(run.starts[index]),
    }


def provisioned(run: Run, index: int) -> Document:
    """Return the body of a GetProvisionedModelThroughput."""
    return provisioned_row(run, index) | _reason(run, index)


def prompt_row(run: Run, index: int) -> Document:
    """Return a summary."""
    return {
        "jobArn": run.arn,
        "jobName": run.name,
        "jobStatus": run.phases[index].status,
        "creationTime": run.moment(run.created),
        "lastModifiedTime": run.moment(run.starts[index]),
    }


def prompt(run: Run, index: int) -> Document:
    """Return the body of a GetAdvancedPromptOptimizationJob."""
    bucket = _bucket(run)
    more = {
        "inputConfig": {"s3Uri": f"{bucket}/templates.jsonl"},
        "outputConfig": {"s3Uri": f"{bucket}/optimized/"},
        "modelConfigurations": [{"modelId": run.script.base_model}],
    }
    return prompt_row(run, index) | more | _reason(run, index)


def _times(run: Run, index: int, *, created: str = "creationTime") -> Document:
    """Return the members that say when."""
    times = {created: run.moment(run.created), "lastModifiedTime": run.moment(run.starts[index])}
    if run.phases[index].status in run.play.terminal:
        times["endTime"] = run.moment(run.starts[index])
    return times


def _steps(run: Run, index: int) -> Document:
    steps = run.phases[index].steps
    return {"statusDetails": {step: run.step(step, index) for step in steps}} if steps else {}


def _reason(run: Run, index: int, member: str = "failureMessage") -> Document:
    """Return why the job failed, once it has, in whole or in part."""
    failed = run.phases[index].status in ("Failed", "PartiallyCompleted")
    return {member: run.script.failure_message} if failed and run.script.failure_message else {}


def _bucket(run: Run) -> str:
    return f"s3://{run.name.lower()}-data"


def _role(run: Run, what: str) -> str:
    script = run.script
    return f"arn:{script.partition}:iam::{script.account}:role/service-role/bedrock-{what}"


def _base_model(run: Run) -> str:
    return run.script.arn(f"foundation-model/{run.script.base_model}", account="")


def _output_model(run: Run) -> str:
    return run.script.arn(f"custom-model/{run.script.base_model}/{run.job_id[::-1]}")
