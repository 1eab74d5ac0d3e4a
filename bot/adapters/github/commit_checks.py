"""What others report on a commit: check runs and commit statuses, and which of them a branch requires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from bot.adapters.github.call import Call
from bot.adapters.github.client import PAGE, credential
from bot.adapters.github.comments import names
from bot.adapters.github.credentials import Profile, Tokens
from bot.adapters.github.identity import Identity
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import Identified, Shape, parse
from bot.domain.errors import GitHubError
from bot.domain.gates import OtherCheck
from bot.domain.model import Repo, Sha
from bot.domain.outcome import Outcome

_MOST_PAGES = 30
_GOOD = frozenset({"success", "neutral", "skipped"})


class _Run(Shape):
    name: str
    status: str
    conclusion: str | None = None
    app: Identified | None = None


class _Runs(Shape):
    check_runs: list[_Run]


class _Status(Shape):
    context: str
    state: str


class _Statuses(Shape):
    statuses: list[_Status]


class _Required(Shape):
    contexts: list[str] = Field(default_factory=list)


class _Protection(Shape):
    enabled: bool = False
    required_status_checks: _Required = _Required()


class _Branch(Shape):
    protection: _Protection = _Protection()


class CommitChecks:
    """Reads what others say of a commit."""

    def __init__(self, sender: Sender, tokens: Tokens, identity: Identity) -> None:
        self._sender = sender
        self._tokens = tokens
        self._identity = identity

    async def others(self, repo: Repo, sha: Sha, branch: str) -> Sequence[OtherCheck]:
        """Return the checks of a commit without the App's own.

        Where `branch` requires some by name, these are returned, missing ones too; else all that were reported.
        """
        ours = (await self._identity.info()).id
        runs = await self._pages(repo, sha, "check-runs", "check runs", _Runs)
        statuses = await self._pages(repo, sha, "status", "statuses", _Statuses)
        found = {
            **{each.context: _of_status(each) for page in statuses for each in page.statuses},
            **{
                run.name: _of_run(run)
                for page in runs
                for run in page.check_runs
                if run.app is None or run.app.id != ours
            },
        }
        own = {run.name for page in runs for run in page.check_runs if run.app and run.app.id == ours}
        required = [name for name in await self._required(repo, branch) if name not in own]
        return [found.get(name, _missing(name)) for name in _unique(required)] or list(found.values())

    async def _required(self, repo: Repo, branch: str) -> Sequence[str]:
        call = Call(
            doing=f"reading what {branch} of {repo.full_name} requires",
            route="/repos/{owner}/{repo}/branches/{branch}",
            variables={**names(repo), "branch": branch},
        )
        protection = parse(_Branch, await self._ask(repo, call, Profile.API), call.doing).protection
        return protection.required_status_checks.contexts if protection.enabled else ()

    async def _pages(self, repo: Repo, sha: Sha, end: str, what: str, shape: type[Any]) -> list[Any]:
        call = Call(
            doing=f"reading the {what} of {sha[:7]} in {repo.full_name}",
            route=f"/repos/{{owner}}/{{repo}}/commits/{{sha}}/{end}{{?per_page,page}}",
            variables={**names(repo), "sha": sha},
        )
        pages = []
        for number in range(1, _MOST_PAGES + 1):
            variables = {**call.variables, "per_page": PAGE, "page": number}
            data = await self._ask(repo, replace(call, variables=variables), Profile.CHECKS)
            page = parse(shape, data, call.doing)
            pages.append(page)
            if len(next(iter(dict(page).values()))) < PAGE:
                return pages
        raise GitHubError(f"{call.doing}: more than {_MOST_PAGES} pages")

    async def _ask(self, repo: Repo, call: Call, profile: Profile) -> Any:
        self._tokens.installations.learn(repo)
        signer = credential(self._tokens, repo.owner, repo.name, profile)
        return (await self._sender.send(call, signer)).data


def _of_run(run: _Run) -> OtherCheck:
    if run.status != "completed" or run.conclusion is None:
        return OtherCheck(name=run.name, outcome=Outcome.INCONCLUSIVE, state=run.status)
    outcome = Outcome.PASS if run.conclusion in _GOOD else Outcome.FAIL
    return OtherCheck(name=run.name, outcome=outcome, state=run.conclusion)


def _of_status(status: _Status) -> OtherCheck:
    known = {"success": Outcome.PASS, "pending": Outcome.INCONCLUSIVE}
    outcome = known.get(status.state, Outcome.FAIL)
    return OtherCheck(name=status.context, outcome=outcome, state=status.state)


def _missing(name: str) -> OtherCheck:
    return OtherCheck(name=name, outcome=Outcome.INCONCLUSIVE, state="missing")


def _unique(given: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(given))
