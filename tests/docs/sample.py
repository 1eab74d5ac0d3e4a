"""Make the plan comment of `docs/commands.md` with the code that writes the bot's comments."""

from __future__ import annotations

from bot.comments.pulls.plans import PullPlansView, StackView, pull_plans_comment
from bot.domain.plans.plan import Action, Counts, OutputChange, PlanRecord, ResourceChange, Risk, RiskLevel
from tests.fakes.records import builders

RUN_URL = "https://gatewright.example/runs/r123456789abcdef"

_PAGE = """\
  # terraform_data.file["index.html"] must be replaced
-/+ resource "terraform_data" "file" {
      ~ input            = {
          ~ message   = "Hello from staging" -> "Hello from a pull request"
            # (2 unchanged attributes hidden)
        }
      ~ triggers_replace = [
          - "4be1f0",
          + "c27a93",
        ]
    }
"""


def plan_comment_sample() -> str:
    """Return the comment on a small plan of staging."""
    plan = _plan()
    stack = StackView(stack=plan.stack, plan=plan, run_url=RUN_URL)
    return pull_plans_comment(PullPlansView(pull=7, head=plan.head_sha, stacks=[stack]))


def _plan() -> PlanRecord:
    page = ResourceChange(
        address='terraform_data.file["index.html"]',
        type="terraform_data",
        action=Action.REPLACE,
        replace_paths=("triggers_replace",),
        reason="It cannot be updated in place.",
        risk=RiskLevel.MEDIUM,
        diff=_PAGE,
    )
    instance = ResourceChange(
        address='terraform_data.instance["web-3"]',
        type="terraform_data",
        action=Action.ADD,
    )
    summary = builders.summary(
        counts=Counts(add=1, replace=1),
        resources=(page, instance),
        outputs=(OutputChange(name="release", action=Action.CHANGE, sensitive=False),),
        risk=Risk(
            level=RiskLevel.MEDIUM, score=25, reasons=("Replaces 1 resource.",), replaces=(page.address,)
        ),
    )
    return builders.plan(summary=summary)
