"""Comments on pull requests from forks."""

from __future__ import annotations

from bot.comments.markdown.escape import code
from bot.comments.markdown.header import header
from bot.comments.markdown.words import short
from bot.domain.core.accounts import Account
from bot.domain.core.model import PullRequest, Sha
from bot.domain.core.refusals import Reason


def fork_comment(pull: PullRequest) -> str:
    """Return the comment that says why nothing runs for a fork, and who can allow it."""
    first = header("refusal", head=pull.head_sha, status="refused", reason=Reason.FORK)
    return (
        f"{first}\n### 🔒 Nothing runs for this pull request\n\n"
        "It comes from a fork, and its code would run with this repository's credentials. "
        "Nothing was planned.\n\n"
        "A person with maintain or admin access can review a commit and let exactly that commit run; each push needs"
        f" it again.\n\nNext: comment {code(f'/allow {pull.head_sha}')} after having read {short(pull.head_sha)}.\n"
    )


def allowed_comment(*, head: Sha, by: Account, reference: str) -> str:
    """Return the confirmation of `/allow`."""
    first = header("allow", head=head, status="allowed", ref=reference)
    return (
        f"{first}\n🔓 {code(by, limit=60)} lets {short(head)} of this fork run: commands work as for any other pull"
        " request until the next push, which needs to be allowed again.\n"
    )
