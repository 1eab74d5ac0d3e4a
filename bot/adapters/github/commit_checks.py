"""Reads the check runs and commit statuses that other Apps report on a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.adapters.github.branch_rules import BranchRules
from bot.adapters.github.call import Call
from bot.adapters.github.client import PAGE, credential
from bot.adapters.github.comments import names
from bot.adapters.github.credentials import Profile, Tokens
from bot.adapters.github.identity import Identity
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import Identified, Shape, parse
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo, Sha
from bot.domain.core.outcome import Outcome
from bot.domain.gates import OtherCheck
from bot.domain.gates.required_checks import ReportedCheck, checks_to_pass
from bot.ports.shared_reads import asked_once

_MOST_PAGES = 30
_APP_AVATAR = re.compile(r"/in/(\d{1,18})$", re.ASCII)
"""The App's avatar, the only place where a commit status names its App.

Pictures that users upload have paths under `/u/`.
"""
_GOOD = frozenset({"success", "neutral", "skipped"})


class _Run(Identified):
    name: str
    status: str
    conclusion: str | None = None
    app: Identified | None = None

    @property
    def app_id(self) -> int | None:
        return None if self.app is None else self.app.id


class _Runs(Shape):
    check_runs: list[_Run]


class _Status(Shape):
    context: str
    state: str
    avatar_url: str | None = None


class _Statuses(Shape):
    statuses: list[_Status]


class CommitChecks:
    """Reads the checks of a commit, except the App's own."""

    def __init__(self, sender: Sender, tokens: Tokens, identity: Identity, rules: BranchRules) -> None:
        self._sender = sender
        self._rules = rules
        self._tokens = tokens
        self._identity = identity

    async def others(self, repo: Repo, sha: Sha, branch: str) -> Sequence[OtherCheck]:
        """Return the checks of a commit without the App's own.

        If `branch` requires checks, only those are returned, including missing ones.
        """
        ours = (await self._identity.info()).id
        runs = await self._pages(repo, sha, "check-runs", "check runs", _Runs)
        statuses = await self._pages(repo, sha, "status", "statuses", _Statuses)
        reported = [_of_status(each) for page in statuses for each in page.statuses]
        reported += [_of_run(run) for run in _newest(run for page in runs for run in page.check_runs)]
        return checks_to_pass(reported, await self._rules.required(repo, branch), ours=ours)

    async def _pages(self, repo: Repo, sha: Sha, end: str, what: str, shape: type[Any]) -> list[Any]:
        call = Call(
            doing=f"reading the {what} of {sha[:7]} in {repo.full_name}",
            route=f"/repos/{{owner}}/{{repo}}/commits/{{sha}}/{end}{{?per_page,page}}",
            variables={**names(repo), "sha": sha},
        )
        pages = []
        for number in range(1, _MOST_PAGES + 1):
            variables = {**call.variables, "per_page": PAGE, "page": number}
            data = await self._ask(repo, replace(call, variables=variables))
            page = parse(shape, data, call.doing)
            pages.append(page)
            # Each of these shapes has one field, the list.
            if len(next(iter(dict(page).values()))) < PAGE:
                return pages
        raise GitHubError(f"{call.doing}: more than {_MOST_PAGES} pages")

    async def _ask(self, repo: Repo, call: Call) -> Any:
        self._tokens.installations.learn(repo)
        # A separate permission, see `Profile.CHECKS`: an installation may not have granted it.
        signer = credential(self._tokens, repo.owner, repo.name, Profile.CHECKS)
        answer = await asked_once((Profile.CHECKS, call.subject), partial(self._sender.send, call, signer))
        return answer.data


def _newest(runs: Iterable[_Run]) -> Iterable[_Run]:
    """Return the newest run of each name and App."""
    # A commit may have several check suites of an App; the run of the later suite replaces the earlier one's.
    found = {(run.app_id, run.name): run for run in sorted(runs, key=lambda run: run.id)}
    return found.values()


def _of_run(run: _Run) -> ReportedCheck:
    if run.status != "completed" or run.conclusion is None:
        outcome, state = Outcome.INCONCLUSIVE, run.status
    else:
        outcome, state = Outcome.PASS if run.conclusion in _GOOD else Outcome.FAIL, run.conclusion
    return ReportedCheck(name=run.name, app=run.app_id, outcome=outcome, state=state)


def _of_status(status: _Status) -> ReportedCheck:
    # The other states, `error` and `failure`, both fail.
    known = {"success": Outcome.PASS, "pending": Outcome.INCONCLUSIVE}
    outcome = known.get(status.state, Outcome.FAIL)
    app = _APP_AVATAR.search((status.avatar_url or "").partition("?")[0])
    return ReportedCheck(
        name=status.context, app=int(app[1]) if app else None, outcome=outcome, state=status.state
    )
