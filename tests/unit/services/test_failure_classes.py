"""Each class of failure, from what sets it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.workspace.git import GitError
from bot.domain.core import errors
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import FailureClass, RunStatus
from bot.domain.core.outcome import Outcome
from bot.ports import ApplyOutput
from bot.services.recovery.dead_letters import class_of
from bot.services.runs.run_execution import failure_of
from bot.services.runs.terraform_results import ended
from bot.services.verification.verifying import failure_of_checks
from tests.fakes.records.builders import run


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (errors.TerraformStoppedError("over", timed_out=True), RunStatus.TIMED_OUT, FailureClass.TIMEOUT),
        (errors.TerraformStoppedError("stop", timed_out=False), RunStatus.CANCELED, FailureClass.CANCELED),
        (errors.WorkspaceError("disk full"), RunStatus.FAILED, FailureClass.EXECUTOR),
        (errors.TerraformError("exit 1"), RunStatus.FAILED, FailureClass.TERRAFORM),
        (errors.UnsafeTreeError(("a backend",)), RunStatus.FAILED, FailureClass.POLICY),
        (errors.StateOwnerError("another's"), RunStatus.FAILED, FailureClass.POLICY),
        (errors.PolicyError(("line 1",)), RunStatus.FAILED, FailureClass.CONFIG),
        (errors.MergeConflictError(("a.tf",)), RunStatus.FAILED, FailureClass.CONFIG),
        (errors.GitHubNotFoundError("gone"), RunStatus.FAILED, FailureClass.GITHUB),
        (errors.CommitMissingError("not served"), RunStatus.FAILED, FailureClass.GITHUB),
        (errors.IntegrityError("other bytes"), RunStatus.FAILED, FailureClass.STATE),
        (
            GitError("timed out", exit_code=-1, stderr="", timed_out=True),
            RunStatus.FAILED,
            FailureClass.TIMEOUT,
        ),
        (GitError("exit 128", exit_code=128, stderr=""), RunStatus.FAILED, FailureClass.EXECUTOR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_error_sets_the_class_of_its_run(
    error: GatewrightError, status: RunStatus, failure: FailureClass
) -> None:
    ending = failure_of(run(), error)

    assert (ending.status, ending.failure) == (status, failure)


@pytest.mark.parametrize(
    ("output", "status", "failure"),
    [
        ({"exit_code": 0}, RunStatus.SUCCEEDED, None),
        ({"exit_code": 1}, RunStatus.FAILED, FailureClass.TERRAFORM),
        ({"exit_code": 1, "timed_out": True}, RunStatus.TIMED_OUT, FailureClass.TIMEOUT),
        ({"exit_code": 1, "stopped_by": "dana"}, RunStatus.CANCELED, FailureClass.CANCELED),
        ({"exit_code": 1, "errored_state": True}, RunStatus.FAILED, FailureClass.STATE),
        (
            {"exit_code": 1, "errored_state": True, "timed_out": True},
            RunStatus.TIMED_OUT,
            FailureClass.TIMEOUT,
        ),
    ],
    ids=str,
)
def test_apply_sets_the_class_of_its_end(
    output: dict[str, Any], status: RunStatus, failure: FailureClass | None
) -> None:
    nothing = {"stopped_by": None, "timed_out": False, "log_tail": "", "errored_state": False}

    assert ended(ApplyOutput(**nothing | output)) == (status, failure)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ("GitHubUnavailableError: reading acme/infra: 502", FailureClass.GITHUB),
        ("StoreError: the bucket does not answer", FailureClass.STATE),
        ("TakenOverError: another worker", FailureClass.EXECUTOR),
        ("KeyError: 'secret'", FailureClass.EXECUTOR),
        ("Any: nonsense", FailureClass.EXECUTOR),
        ("", FailureClass.EXECUTOR),
    ],
)
def test_last_error_of_many_tries_sets_the_class(error: str, failure: FailureClass) -> None:
    assert class_of(error) is failure


@pytest.mark.parametrize(
    ("outcome", "is_late", "failure"),
    [
        (Outcome.PASS, False, None),
        (Outcome.FAIL, False, FailureClass.POLICY),
        (Outcome.FAIL, True, FailureClass.TIMEOUT),
        (Outcome.ERROR, False, FailureClass.EXECUTOR),
        (Outcome.INCONCLUSIVE, False, FailureClass.POLICY),
    ],
)
def test_verification_sets_the_class_of_its_checks(
    outcome: Outcome,
    is_late: bool,  # noqa: FBT001 - a value of the table
    failure: FailureClass | None,
) -> None:
    assert failure_of_checks(outcome, is_late=is_late) is failure
