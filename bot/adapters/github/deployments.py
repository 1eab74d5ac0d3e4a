"""Deployments: GitHub's record of what was applied to which environment."""

from __future__ import annotations

from datetime import datetime

from bot.adapters.github.call import RECORD, Call
from bot.adapters.github.client import Client
from bot.adapters.github.comments import names
from bot.adapters.github.sending import SKEW, Look
from bot.adapters.github.shapes import Deployment, Identified, parse
from bot.adapters.github.transport import Answer
from bot.domain.core.model import Repo, Sha
from bot.ports import Clock

_DESCRIPTION_LIMIT = 140
_PRODUCTION = frozenset({"prod", "production"})


class Deployments:
    """Creates deployments and records their statuses."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def create(
        self, repo: Repo, ref: Sha, environment: str, description: str, *, in_doubt: bool
    ) -> int:
        """Create a deployment; returns its id.

        With `in_doubt`, an earlier call may have created it.
        """
        text = description[:_DESCRIPTION_LIMIT]
        call = Call(
            doing=f"creating a deployment of {repo.full_name} to {environment}",
            method="POST",
            route="/repos/{owner}/{repo}/deployments",
            variables=names(repo),
            body={
                "ref": ref,
                "environment": environment,
                "description": text,
                # By default, GitHub would merge the base into the ref, and refuse unless all statuses are green.
                "auto_merge": False,
                "required_contexts": [],
                "production_environment": is_production(environment),
            },
            write=RECORD,
        )
        # With `in_doubt`, the deployment may be of any age; otherwise only a lost answer to this call matters.
        look = self._look(repo, ref, environment, text, since=None if in_doubt else self._clock.now() - SKEW)
        answer = await self._client.ask(repo, call, look=look, in_doubt=in_doubt)
        return parse(Identified, answer.data, call.doing).id

    async def set_status(
        self, repo: Repo, deployment_id: int, state: str, description: str, log_url: str
    ) -> None:
        """Record a status of a deployment."""
        body = {"state": state, "description": description[:_DESCRIPTION_LIMIT]}
        call = Call(
            doing=f"recording {state} for deployment {deployment_id} of {repo.full_name}",
            method="POST",
            route="/repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
            variables={**names(repo), "deployment_id": deployment_id},
            body=body | ({"log_url": log_url} if log_url else {}),
            write=RECORD,
            is_state=True,
        )
        await self._client.ask(repo, call)

    def _look(
        self, repo: Repo, ref: Sha, environment: str, description: str, *, since: datetime | None
    ) -> Look:
        call = Call(
            doing=f"looking for a deployment of {repo.full_name} to {environment}",
            route="/repos/{owner}/{repo}/deployments{?sha,environment,per_page,page}",
            variables={**names(repo), "sha": ref, "environment": environment},
        )

        async def look() -> Answer | None:
            answer = await self._client.page(repo, call, 1)
            for found in parse(list[Deployment], answer.data, call.doing):
                new = since is None or found.created_at >= since
                if new and found.description == description:
                    return Answer(data=found, more=False)
            return None

        return look


def is_production(environment: str) -> bool:
    """Whether an environment is for production."""
    # A project's name may follow in brackets: `prod (billing)`.
    return environment.split(" ", 1)[0].lower() in _PRODUCTION
