"""Read a delivery's pull request at its newest head, although GitHub's answers lag."""

from __future__ import annotations

from typing import Final

from bot.context import Bot
from bot.domain.core.errors import GatewrightError, GitHubLagError
from bot.domain.core.heads import HeadReport
from bot.domain.core.model import PullRequest, Repo, Sha
from bot.events import Payload, PullRequestPayload
from bot.ports import Delivery
from bot.services.runs.retrying import persist
from handlers.github_lag import QUICK, is_behind, is_fresh

_REPORTING: Final = frozenset({"opened", "reopened", "ready_for_review", "synchronize"})


async def subject(delivery: Delivery, payload: Payload, bot: Bot) -> tuple[Repo, PullRequest] | None:
    """Return a delivery's repository and pull request, not older than the delivery.

    None if it has no pull request. Raises GitHubLagError, which is temporary, while GitHub's answer is older.
    """
    full_name, number = delivery.repo, delivery.pull
    if full_name is None or number is None:
        return None
    report = _report(delivery, payload)
    is_placed = report is None or await bot.heads.report(full_name, number, report)

    awaited = None if is_placed or report is None else report.after
    return await persist(
        QUICK, f"reading {full_name}#{number}", lambda: look(delivery, payload, bot, awaited=awaited)
    )


async def look(
    delivery: Delivery, payload: Payload, bot: Bot, *, awaited: Sha | None = None
) -> tuple[Repo, PullRequest]:
    """Read the pull request once; GitHubLagError if it is older than the delivery.

    `awaited` is the head that only GitHub's answer can confirm; another head is accepted once it stays.
    """
    about = f"{delivery.repo}#{delivery.pull}"
    try:
        repo, pull = await bot.github.subject(delivery.repo or "", delivery.pull or 0)
    except GatewrightError as error:
        if is_behind(error) and is_fresh(delivery, bot):
            raise GitHubLagError(f"GitHub does not show {about} yet") from error
        raise
    is_old = _is_older(pull, payload) or awaited not in {None, pull.head_sha}
    if is_old and is_fresh(delivery, bot):
        raise GitHubLagError(f"GitHub shows {about} as it was before its delivery {delivery.id}")
    return repo, pull


def _is_older(pull: PullRequest, payload: Payload) -> bool:
    """Whether GitHub's answer does not show the delivered change yet."""
    shown = payload.pull_request
    if shown is None:
        return False
    match payload.action:
        case "closed":
            return pull.is_open
        case "reopened":
            return not pull.is_open
        case "ready_for_review":
            return pull.draft and pull.is_open
        case "edited":
            return payload.base_changed and pull.base_ref != shown.base.ref
        case _:
            return False


def _report(delivery: Delivery, payload: Payload) -> HeadReport | None:
    pull = payload.pull_request
    if pull is None or payload.action not in _REPORTING:
        return None
    before = payload.before if isinstance(payload, PullRequestPayload) else None
    after = payload.after if isinstance(payload, PullRequestPayload) else None
    return HeadReport(
        delivery_id=delivery.id,
        # The pull request is shown as it was when GitHub wrote the payload, which may be after a further push.
        after=Sha(after or pull.head.sha),
        before=None if before is None else Sha(before),
        is_first=payload.action == "opened",
    )
