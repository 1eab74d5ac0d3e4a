"""Which checks a branch requires: by its protection, and by the rulesets of its repository and organisation."""

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
from bot.domain.errors import GitHubError
from bot.domain.model import Repo
from bot.domain.required_checks import RequiredCheck

_MOST_PAGES = 30
_NOT_IN_THE_PLAN = "(Upgrade to GitHub "
"""How GitHub's refusal begins where a private repository's plan has no rulesets, and so none that could require."""


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
    """Reads what must have passed before a commit may enter a branch."""

    def __init__(self, client: Client, *, enterprise_server: bool) -> None:
        self._client = client
        self._enterprise_server = enterprise_server

    async def required(self, repo: Repo, branch: str) -> Sequence[RequiredCheck]:
        """Return the required checks, those of the branch's protection first; GitHubError when either is unread."""
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
        # A server older than `checks` gives names alone.
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
        """Whether GitHub says that there are none, and not that they cannot be read.

        A GitHub Enterprise Server before 3.11 does not know the address; that the repository is there is known
        from its branch, which is read beside this.
        """
        if error.status == HTTPStatus.NOT_FOUND:
            return self._enterprise_server
        return error.status == HTTPStatus.FORBIDDEN and _NOT_IN_THE_PLAN in str(error)


def _check(name: str, app: int | None) -> RequiredCheck:
    """GitHub writes an App that may be any as null, and takes -1 for it."""
    return RequiredCheck(name=name, app=app if app is not None and app > 0 else None)
