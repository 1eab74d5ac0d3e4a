"""The owner of a Terraform state: the repository, project and environment of its first use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOwner:
    """The owner of the state at a key of a bucket."""

    bucket: str
    key: StateKey
    repo: str
    """`owner/name`."""
    repository_id: int | None
    """GitHub's id of the repository; None if it was unknown when the owner was recorded."""
    project: ProjectName
    env: EnvName
    since: datetime

    @property
    def words(self) -> str:
        """The owner as text."""
        of = "" if self.project == "default" else f", project {self.project}"
        return f"{self.env} of {self.repo}{of}"

    def is_stack(self, stack: Stack, repository_id: int | None) -> bool:
        """Whether a stack of a repository is the owner; ids decide if both are known."""
        return self._is_repository(stack.repo, repository_id) and (self.project, self.env) == (
            stack.project,
            stack.env,
        )

    def _is_repository(self, repo: str, id: int | None) -> bool:
        if self.repository_id is not None and id is not None:
            return self.repository_id == id
        return self.repo.lower() == repo.lower()


def not_yours(owner: StateOwner, stack: Stack, repository_id: int | None) -> str:
    """Return why a stack may not use a state, and the possible solutions."""
    theirs = owner.words
    if owner.repo.lower() == stack.repo.lower() and owner.repository_id not in {None, repository_id}:
        theirs += f" (GitHub's repository {owner.repository_id}, which had this name before)"
    project = "" if stack.project == "default" else f" --project {stack.project}"
    return (
        f"The state {owner.key} belongs to {theirs}, which has used it since {owner.since:%Y-%m-%d}; {stack.label} of"
        f" {stack.repo} must not plan or apply it. Give {stack.env} a `state_key` of its own in `gatewright.yaml` on the"
        " default branch. If the state is meant to be taken over, the operator of the server runs"
        f" `gatewright state owner {owner.key} --move {stack.repo} --env {stack.env}{project}`."
    )
