"""Reads which checks a branch requires: from its protection and from rulesets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import Field

from bot.adapters.github.call import Call
from bot.adapters.github.client import PAGE, Client
from bot.adapters.github.comments import names
from bot.adapters.github.shapes import Shape, parse
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo
from bot.domain.gates.required_checks import RequiredCheck

_MOST_PAGES = 30
_NOT_IN_THE_PLAN = "(Upgrade to GitHub "
"""The beginning of GitHub's refusal if the plan of a private repository has no rulesets."""


class _Named(Shape):
    context: str
    app_id: int | None = None


class _Required(Shape):
    contexts: list[str] = Field(default_factory=list)
    checks: list[_Named] = Field(default_factory=list)


class _Protection(Shape):
    enabled: bool = False
    required_status_checks: _Required = _Required()


class _Branch(Shape):
    protection: _Protection = _Protection()


class _Rule(Shape):
    type: str
    parameters: Any = None


class _RuledCheck(Shape):
    context: str
    integration_id: int | None = None


class _Parameters(Shape):
    required_status_checks: list[_RuledCheck]


class BranchRules:
    """Reads the checks that must pass before a commit may be merged into a branch."""

    def __init__(self, client: Client, *, enterprise_server: bool) -> None:
        self._client = client
        self._enterprise_server = enterprise_server

    async def required(self, repo: Repo, branch: str) -> Sequence[RequiredCheck]:
        """Return the required checks, those of the branch's protection first; raises GitHubError."""
        protection, rules = await asyncio.gather(self._protection(repo, branch), self._rules(repo, branch))
        return list(dict.fromkeys([*protection, *rules]))

    async def _protection(self, repo: Repo, branch: str) -> Sequence[RequiredCheck]:
        call = Call(
            doing=f"reading what {branch} of {repo.full_name} requires",
            route="/repos/{owner}/{repo}/branches/{branch}",
            variables={**names(repo), "branch": branch},
        )
        found = parse(_Branch, (await self._client.ask(repo, call)).data, call.doing).protection
        if not found.enabled:
            return ()
        checks = found.required_status_checks.checks
        known = {each.context for each in checks}
        # Older servers have no field `checks`, and report names only.
        plain = [name for name in found.required_status_checks.contexts if name not in known]
        return [
            *(_check(each.context, each.app_id) for each in checks),
            *(_check(name, None) for name in plain),
        ]

    async def _rules(self, repo: Repo, branch: str) -> Sequence[RequiredCheck]:
        call = Call(
            doing=f"reading the rules of {branch} of {repo.full_name}",
            route="/repos/{owner}/{repo}/rules/branches/{branch}{?per_page,page}",
            variables={**names(repo), "branch": branch},
        )
        try:
            return await self._every_rule(repo, call)
        except GitHubError as error:
            if self._has_no_rulesets(error):
                return ()
            raise

    async def _every_rule(self, repo: Repo, call: Call) -> Sequence[RequiredCheck]:
        found: list[RequiredCheck] = []
        for number in range(1, _MOST_PAGES + 1):
            answer = await self._client.page(repo, call, number)
            rules = parse(list[_Rule], answer.data, call.doing)
            for rule in rules:
                if rule.type == "required_status_checks":
                    checks = parse(_Parameters, rule.parameters, call.doing).required_status_checks
                    found += [_check(each.context, each.integration_id) for each in checks]
            if not (answer.more or len(rules) >= PAGE):
                return found
        raise GitHubError(f"{call.doing}: more than {_MOST_PAGES} pages")

    def _has_no_rulesets(self, error: GitHubError) -> bool:
        """Whether the error means that there are no rulesets, not that they cannot be read."""
        # GitHub Enterprise Server before 3.11 has no rulesets, and answers 404. That the repository exists is known,
        # since its branch is read in parallel.
        if error.status == HTTPStatus.NOT_FOUND:
            return self._enterprise_server
        return error.status == HTTPStatus.FORBIDDEN and _NOT_IN_THE_PLAN in str(error)


def _check(name: str, app: int | None) -> RequiredCheck:
    """Convert a required check; `app` is None if any App may report it."""
    # GitHub returns null for any App, and also accepts -1 for it.
    return RequiredCheck(name=name, app=app if app is not None and app > 0 else None)
