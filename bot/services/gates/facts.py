"""Reading the facts of gates that only some environments have.

Each is read separately, so that one failure shuts one gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.core.errors import GatewrightError, MergeConflictError
from bot.domain.core.model import PullRequest, Repo, Stack
from bot.domain.gates import Divergence, Promotion, judged, names
from bot.domain.gates.change import CHECKS
from bot.domain.gates.environment import DRIFT
from bot.domain.gates.people import CODEOWNERS
from bot.domain.gates.plan import UNDIVERGED
from bot.domain.gates.promotion import PROMOTED
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.drift_checks import unexplained
from bot.domain.releases.release import Release, Verification
from bot.policy import EnvironmentPolicy
from bot.ports import GitHub, Reader, Records
from bot.services.access.code_owners import Ownership
from bot.services.stacks.drift_checks import newest_check
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.states import States
from bot.services.stacks.touched import Trees, inputs_digest

_MOST = 200
"""The most releases of the same inputs, and verifications, that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The plan to judge, its pull request and the policy in force."""

    repo: Repo
    pull: PullRequest
    plan: PlanRecord
    loaded: LoadedPolicy

    @property
    def env(self) -> EnvironmentPolicy:
        """The environment's policy in force."""
        return self.loaded.policy.environment(self.plan.stack.env)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """Reads facts each time; nothing is cached."""

    github: GitHub
    records: Records
    states: States
    trees: Trees
    ownership: Ownership

    async def gather(self, question: Question) -> dict[str, Any]:
        """Return the fields of `Facts` that the environment's gates need, and `unreadable`."""
        readers: Mapping[str, Callable[[Question], Awaitable[Mapping[str, Any]]]] = {
            CODEOWNERS.name: self._approvals,
            UNDIVERGED.name: self._divergence,
            CHECKS.name: self._checks,
            PROMOTED.name: self._promotion,
            DRIFT.name: self._drift,
        }
        # The gates of a revert need none of these facts.
        asked = () if question.plan.reverts_to is not None else names(judged(question.env.apply.gates))
        named = [name for name in readers if name in asked]
        answers = await asyncio.gather(*(readers[name](question) for name in named), return_exceptions=True)
        found: dict[str, Any] = {"unreadable": {}}
        for name, answer in zip(named, answers, strict=True):
            if isinstance(answer, GatewrightError):
                found["unreadable"][name] = str(answer).rstrip(".")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found |= answer
        return found

    async def _approvals(self, question: Question) -> Mapping[str, Any]:
        verdict = await self.ownership.verdict(
            question.repo, question.pull, question.plan, loaded=question.loaded
        )
        return {"approvals": verdict}

    async def _divergence(self, question: Question) -> Mapping[str, Any]:
        repo, pull, plan, loaded = question.repo, question.pull, question.plan, question.loaded
        if pull.base_ref == repo.default_branch:
            tip = loaded.commit
        else:
            tip = await self.github.branch_head(repo, pull.base_ref)
        try:
            tree = await self.trees.merged(repo, pull, base=tip, head=plan.head_sha)
        except MergeConflictError:
            return {"divergence": Divergence(base=tip, inputs_digest=None, var_file_digest=None)}
        divergence = Divergence(
            base=tip,
            inputs_digest=inputs_digest(loaded.policy, plan.stack, tree),
            var_file_digest=tree.files.get(plan.stack.var_file or ""),
        )
        return {"divergence": divergence}

    async def _checks(self, question: Question) -> Mapping[str, Any]:
        pull = question.pull
        return {"checks": await self.github.other_checks(question.repo, pull.head_sha, pull.base_ref)}

    async def _drift(self, question: Question) -> Mapping[str, Any]:
        async with self.records.read() as reader:
            check = await newest_check(reader, question.plan.stack)
        return {"drift": None if check is None else unexplained(check, question.plan)}

    async def _promotion(self, question: Question) -> Mapping[str, Any]:
        apply, plan = question.env.apply, question.plan
        if apply.promote_from is None:
            raise GatewrightError("the policy does not say from which environment (`apply.from`)")
        source = question.loaded.policy.stack(
            plan.stack.repo, apply.promote_from, plan.stack.project, pull=question.pull.number
        )
        state, _ = await self.states.read(source.state_key)
        async with self.records.read() as reader:
            same = await reader.releases(source, inputs_digest=plan.inputs_digest, limit=_MOST)
            newest = await reader.releases(source, limit=1)
            # A part that was applied, and the checks of it, say nothing of the rest of the same inputs.
            alike = [release for release in same if release.is_whole]
            whole = [release for release in alike if release.fetched_digest == plan.fetched_digest]
            made = await _verifications(reader, source, whole)
        return {
            "promotion": Promotion(
                source=source.env,
                smoke_command=_command("smoke", source),
                plan_command=_command("plan", source),
                release=_first(whole),
                fetched_otherwise=None if whole else _first(alike),
                newest=_first(newest),
                verification=made[0] if made else None,
                verified_since=_since(made),
                state=state,
                soak=apply.soak,
            )
        }


async def _verifications(reader: Reader, stack: Stack, of: Sequence[Release]) -> list[Verification]:
    """Return the verifications of these very releases, newest first."""
    known = {release.plan_id for release in of}
    return [each for each in await reader.verifications(stack, limit=_MOST) if each.release in known]


def _since(made: list[Verification]) -> datetime | None:
    """Return since when the inputs are verified without a break; None when they are not."""
    since = None
    for each in made:
        if not each.holds or each.state_serial != made[0].state_serial:
            break
        since = each.verified_at
    return since


def _first(found: Sequence[Release]) -> Release | None:
    return found[0] if found else None


def _command(name: str, stack: Stack) -> str:
    return f"/{name} {stack.env}" + ("" if stack.project == "default" else f" -p {stack.project}")
