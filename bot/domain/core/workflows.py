"""The table of durable workflows: purpose, queue, callers and function of each.

Names and queues are stored in databases: a changed one needs a new version of the engine
(`bot.engine.config.VERSION`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INBOX: Final = "inbox"
CHECKS: Final = "checks"
PLANS: Final = "plans"
CHANGES: Final = "changes"
OUTBOX: Final = "outbox"
"""Reports to write on GitHub, in order per pull request, however long GitHub is unreachable."""
STATUSES: Final = "statuses"
"""Checks, deployments and folded comments on GitHub, in order per pull request; nobody waits for them."""
PATIENT: Final = frozenset({OUTBOX, STATUSES})
"""Queues whose workflows wait for GitHub for days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One durable workflow; it has a single step, which has its name."""

    name: str
    queue: str
    purpose: str
    argument: str
    """The argument, in words."""
    enqueued_by: str
    """The module that makes its jobs."""
    calls: str
    """What its step calls, as `module:attribute`."""


HANDLE_DELIVERY: Final = Workflow(
    name="handle_delivery",
    queue=INBOX,
    purpose="Handle a webhook delivery, in order per pull request.",
    argument="delivery id",
    enqueued_by="bot/services/runs/intake.py",
    calls="handlers.inbox:Inbox.handle",
)
HANDLE_CHECK: Final = Workflow(
    name="handle_check",
    queue=CHECKS,
    purpose="Handle a delivery that reports another program's check, in order per repository.",
    argument="delivery id",
    enqueued_by="bot/services/runs/intake.py",
    calls="handlers.inbox:Inbox.handle",
)
EXECUTE_PLAN: Final = Workflow(
    name="execute_plan",
    queue=PLANS,
    purpose="Execute a run of kind `plan`; plans have no order.",
    argument="run id",
    enqueued_by="bot/services/runs/new_runs.py",
    calls="bot.services.dispatch.run_dispatch:RunDispatch.execute",
)
EXECUTE_CHANGE: Final = Workflow(
    name="execute_change",
    queue=CHANGES,
    purpose="Execute a run of any other kind, one at a time per state.",
    argument="run id",
    enqueued_by="bot/services/runs/new_runs.py",
    calls="bot.services.dispatch.run_dispatch:RunDispatch.execute",
)
ANNOUNCE_CHANGE: Final = Workflow(
    name="announce_change",
    queue=OUTBOX,
    purpose="Show that Terraform has started to change a state.",
    argument="run id",
    enqueued_by="bot/services/runs/outbox.py",
    calls="bot.services.dispatch.run_dispatch:RunDispatch.announce",
)
REPORT_PLAN: Final = Workflow(
    name="report_plan",
    queue=OUTBOX,
    purpose="Report how a run of kind `plan` ended.",
    argument="run id",
    enqueued_by="bot/services/runs/outbox.py",
    calls="bot.services.dispatch.run_dispatch:RunDispatch.report",
)
REPORT_CHANGE: Final = Workflow(
    name="report_change",
    queue=OUTBOX,
    purpose="Report how a run of any other kind ended.",
    argument="run id",
    enqueued_by="bot/services/runs/outbox.py",
    calls="bot.services.dispatch.run_dispatch:RunDispatch.report",
)
REPORT_LOSS: Final = Workflow(
    name="report_loss",
    queue=OUTBOX,
    purpose="Report that a delivery could not be handled.",
    argument="delivery id",
    enqueued_by="bot/services/runs/outbox.py",
    calls="handlers.failed_deliveries:FailedDeliveries.report",
)
SHOW_CHECKS: Final = Workflow(
    name="show_checks",
    queue=STATUSES,
    purpose="Write the check runs of a pull request's head.",
    argument="the head, as JSON",
    enqueued_by="bot/services/reporting/statuses.py",
    calls="bot.services.reporting.statuses:Statuses.show_checks",
)
SHOW_DEPLOYMENT: Final = Workflow(
    name="show_deployment",
    queue=STATUSES,
    purpose="Write the deployment of a change.",
    argument="the run and its status, as JSON",
    enqueued_by="bot/services/reporting/statuses.py",
    calls="bot.services.reporting.statuses:Statuses.show_deployment",
)
FOLD_COMMENT: Final = Workflow(
    name="fold_comment",
    queue=STATUSES,
    purpose="Fold a comment that a newer one has replaced.",
    argument="the comment, as JSON",
    enqueued_by="bot/services/reporting/posting.py",
    calls="bot.services.reporting.statuses:Statuses.fold_comment",
)

WORKFLOWS: Final = (
    HANDLE_DELIVERY,
    HANDLE_CHECK,
    EXECUTE_PLAN,
    EXECUTE_CHANGE,
    ANNOUNCE_CHANGE,
    REPORT_PLAN,
    REPORT_CHANGE,
    REPORT_LOSS,
    SHOW_CHECKS,
    SHOW_DEPLOYMENT,
    FOLD_COMMENT,
)
