from __future__ import annotations

import pytest

from bot.comments.answers.status import StatusRow, StatusView, status_comment
from bot.comments.pulls.closeout import CloseoutRow, CloseoutView, closeout_comment
from bot.comments.runs.apply import apply_comment
from bot.comments.runs.plan import PlanView, plan_comment
from bot.comments.runs.report import RunView
from bot.comments.runs.revert import RevertView
from bot.domain.core.model import OperationKind, PlanId, PlanStatus, RunId, StateOperation
from bot.domain.plans.plan import Action, Counts, ResourceChange
from bot.domain.releases.revert import Revert
from tests.fakes.records.builders import HEAD, NOON, plan, run, stack, summary

IMPORT = StateOperation(kind=OperationKind.IMPORT, address='terraform_data.a["x"]', object_id="a`1 @all")
FORGET = StateOperation(kind=OperationKind.FORGET, address="module.legacy")


def test_plan_of_an_import_says_what_belongs_into_the_code() -> None:
    planned = plan(operation=IMPORT, summary=summary(counts=Counts(import_=1)))

    body = plan_comment(PlanView(plan=planned, run_url=None))

    assert '📋 staging: import of `terraform_data.a["x"]`, 1 to import (planned)' in body
    assert "Nothing else of this pull request is applied with it." in body
    assert 'to = terraform_data.a["x"]' in body
    assert "must stay in the code" in body
    assert "it is changed to what the code says" not in body
    assert f"```\n/apply staging {planned.id}\n```\n" in body
    assert f"```\n/cancel {planned.id}\n```\n" in body


def test_plan_of_an_import_warns_that_it_changes_the_object() -> None:
    planned = plan(operation=IMPORT, summary=summary(counts=Counts(change=1)))

    assert "it is changed to what the code says" in plan_comment(PlanView(plan=planned, run_url=None))


def test_the_plan_of_letting_go_says_that_nothing_is_destroyed() -> None:
    planned = plan(operation=FORGET, summary=summary(counts=Counts(forget=2)))

    body = plan_comment(PlanView(plan=planned, run_url=None))

    assert "staging: `module.legacy` leaves the state, 2 to forget (planned)" in body
    assert "destroys nothing" in body
    assert "destroy = false" in body
    assert "must stay out of the code" in body


def test_plan_of_a_forgotten_instance_explains_its_other_name() -> None:
    one = StateOperation(kind=OperationKind.FORGET, address='aws_vpc.a["x"]')

    body = plan_comment(PlanView(plan=plan(operation=one), run_url=None))

    assert 'from = aws_vpc.a["x"]' in body
    assert "gets a name of its own first" in body


@pytest.mark.parametrize(
    ("status", "said", "step"),
    [
        (PlanStatus.NO_CHANGES, "is not in the state, so there is nothing to let go of", "/plan staging"),
        (PlanStatus.STALE, "cannot be applied", "/state rm staging module.legacy"),
        (PlanStatus.FAILED, "failed", "/state rm staging module.legacy"),
        (PlanStatus.APPLIED, "applied", "/plan staging"),
    ],
)
def test_each_end_of_its_plan_offers_what_comes_next(status: PlanStatus, said: str, step: str) -> None:
    body = plan_comment(PlanView(plan=plan(operation=FORGET, status=status), run_url=None))

    assert said in body
    assert f"```\n{step}\n```\n" in body


def test_its_report_says_that_it_is_no_release() -> None:
    done = plan(operation=FORGET, status=PlanStatus.APPLIED, summary=summary(counts=Counts(forget=1)))

    body = apply_comment(RunView(run=run(operation=FORGET), run_url=None, plan=done))

    assert "1 forgotten." in body
    assert "knows nothing of `module.legacy` any more" in body
    assert "It is no release" in body


def test_the_status_names_it_and_how_it_is_applied() -> None:
    waiting = plan(operation=FORGET)
    view = StatusView(pull=7, head_sha=HEAD, now=NOON, rows=[StatusRow(stack=stack(), plan=waiting)])

    body = status_comment(view)

    assert "`module.legacy` leaves the state" in body
    assert f"`/apply staging {waiting.id}`" in body


def test_the_closeout_tells_of_it() -> None:
    row = CloseoutRow(stack=stack(), plan=plan(status=PlanStatus.NO_CHANGES), operations=[FORGET, IMPORT])

    body = closeout_comment(CloseoutView(base_ref="main", merge_commit=None, rows=[row]))

    assert "🔧 `module.legacy` leaves the state" in body
    assert "🔧 import of" in body


def test_revert_warns_of_what_it_would_undo_the_wrong_way() -> None:
    rows = (
        ResourceChange(address="terraform_data.a", type="terraform_data", action=Action.DESTROY),
        ResourceChange(address="module.legacy.terraform_data.b", type="terraform_data", action=Action.ADD),
        ResourceChange(address="terraform_data.c", type="terraform_data", action=Action.CHANGE),
    )
    operations = [["import", "terraform_data.a"], ["forget", "module.legacy"], ["import", "terraform_data.c"]]
    revert = Revert(
        run_id=RunId("r123456789abcdef"),
        stack=stack(),
        pull=7,
        target=PlanId("pbefore1"),
        undone=(),
        asked_by=run().actor,
        asked_at=NOON,
        notes={"commits": [], "more": 0, "provisioners": [], "operations": operations},
    )
    view = PlanView(
        plan=plan(reverts_to=PlanId("pbefore1"), summary=summary(resources=rows)),
        run_url=None,
        revert=RevertView(revert=revert, target=None, undone=()),
    )

    body = plan_comment(view)

    assert "destroys what was imported since that release**: `terraform_data.a`." in body
    assert "taken out of the state since that release**: `module.legacy`." in body
