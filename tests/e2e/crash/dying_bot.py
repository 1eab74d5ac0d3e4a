"""The real server, but it kills itself with SIGKILL at a named point: `python -m tests.e2e.crash.dying_bot POINT`.

Each point wraps one method of an adapter or service, in this process only; the server itself knows nothing of it.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Never

from bot.adapters.database.queries.writer import SqlWriter
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.state_object import S3StateObject
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.workspace.workspace import GitWorkspace
from bot.ports import SourceBundle
from bot.server import Role, run_forever
from bot.services.environments.lock_waiters import Waiting
from bot.services.reporting.plan_comments import PlanComments
from bot.services.upkeep.reconciling import Reconciling
from bot.settings import load
from handlers.inbox import Inbox


def die(*_: object) -> Never:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL returned")


def before(owner: type, method: str, *, where: Callable[..., bool] = lambda *_: True) -> None:
    """Die when `method` is called with arguments of which `where` is true."""
    original = getattr(owner, method)

    @functools.wraps(original)
    async def dying(self: object, *arguments: Any, **named: Any) -> Any:
        if where(*arguments):
            die()
        return await original(self, *arguments, **named)

    setattr(owner, method, dying)


def after(owner: type, method: str, *, where: Callable[..., bool] = lambda *_: True) -> None:
    """Die when `method` has returned."""
    original = getattr(owner, method)

    @functools.wraps(original)
    async def dying(self: object, *arguments: Any, **named: Any) -> Any:
        answer = await original(self, *arguments, **named)
        if where(*arguments):
            die()
        return answer

    setattr(owner, method, dying)


def during_plan() -> None:
    """Die at the first line that a planning Terraform prints."""
    original = TerraformCli.plan

    async def dying(self: TerraformCli, job: Any, arguments: Any, **named: Any) -> Any:
        return await original(self, replace(job, on_line=die), arguments, **named)

    TerraformCli.plan = dying  # type: ignore[method-assign]


def says(kind: str) -> Callable[..., bool]:
    """Whether `comment(repo, number, body)` writes a comment of this kind."""
    return lambda _repo, _number, body: f'"kind": "{kind}"' in body


def of_a_stored_plan(_slot: object, reviewed: object) -> bool:
    """Whether `lay_out(slot, reviewed)` writes what was stored with a plan or a release."""
    return isinstance(reviewed, SourceBundle)


def shows_a_plan(_repo: object, _comment: object, body: str) -> bool:
    """Whether `update_comment(repo, comment_id, body)` shows a plan that can be applied."""
    return '"kind": "plan"' in body and '"status": "planned"' in body


POINTS: dict[str, Callable[[], None]] = {
    "accepted": lambda: before(Inbox, "handle"),
    "checkout": lambda: after(GitWorkspace, "lay_out"),
    "plan": during_plan,
    "planned": lambda: after(SqlWriter, "add_plan"),
    "plan-comment": lambda: before(GitHubApp, "comment", where=says("plan")),
    "plan-commented": lambda: after(GitHubApp, "comment", where=says("plan")),
    "plan-updated": lambda: after(GitHubApp, "update_comment", where=shows_a_plan),
    "turn-taken": lambda: before(Reconciling, "look"),
    "check-created": lambda: after(GitHubApp, "create_check"),
    "queued": lambda: before(GitWorkspace, "lay_out", where=of_a_stored_plan),
    "intent": lambda: before(SqlWriter, "record_intent"),
    "start": lambda: before(TerraformCli, "apply"),
    "applied": lambda: after(TerraformCli, "apply"),
    "deployment": lambda: after(GitHubApp, "create_deployment"),
    "result-comment": lambda: before(GitHubApp, "comment", where=says("apply")),
    "result-commented": lambda: after(GitHubApp, "comment", where=says("apply")),
    "restore": lambda: before(S3StateObject, "write"),
    "restored": lambda: after(S3StateObject, "write"),
    "unlocked": lambda: before(Waiting, "freed"),
    "unheld": lambda: before(PlanComments, "refresh_environment"),
    "closeout-commented": lambda: after(GitHubApp, "comment", where=says("closeout")),
}

if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    sys.exit(asyncio.run(run_forever(*load(), Role.SERVE)))
