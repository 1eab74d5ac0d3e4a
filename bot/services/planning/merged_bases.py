"""Check that a base read from GitHub contains a merge.

GitHub's answers lag behind its events.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.core.errors import GitHubLagError, MergeMissingError
from bot.domain.core.model import PullRequest, Repo, Run, RunKind, Sha
from bot.services.stacks.touched import Trees

_LONGEST_LAG: Final = timedelta(minutes=5)
"""How long after a merge a base without it is taken for an old answer; seconds were seen."""


async def require_merged(
    trees: Trees, repo: Repo, pull: PullRequest, *, commit: Sha | None, tip: Sha, now: datetime
) -> None:
    """Raise an error unless a base's tip contains the merge.

    GitHubLagError while the tip may be an old answer, MergeMissingError if the base was rewritten. `commit`
    is the merge commit; None if GitHub does not name it, and then nothing is checked.
    """
    if commit is None or await trees.contains(repo, tip=tip, commit=commit):
        return
    said = f"{pull.base_ref} at {tip[:7]} does not contain {commit[:7]}, as which pull request {pull.number} was merged"
    if pull.merged_at is not None and now - pull.merged_at < _LONGEST_LAG:
        raise GitHubLagError(f"{said}, yet")
    raise MergeMissingError(
        f"{said}: {pull.base_ref} was rewritten since, and nothing of the merge is applied."
        " Open a pull request with what should be there, and plan that."
    )


def merged_as(run: Run, pull: PullRequest) -> Sha | None:
    """Return the commit as which a sync's pull request was merged.

    None for other runs, and where none is known.
    """
    if run.kind is not RunKind.SYNC:
        return None
    return pull.merge_commit if run.head_sha == pull.head_sha else run.head_sha
