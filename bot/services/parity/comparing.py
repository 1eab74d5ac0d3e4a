"""Compare twins by the code of a commit and by their last applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bot.comments.checks.parity import ParityView, parity_check
from bot.domain.core.model import EnvName, ProjectName, PullRequest
from bot.domain.environments.parity import Twins, compare, unused
from bot.policy import RepoPolicy
from bot.ports import CheckButton, Clock, Records
from bot.ports.records.parity import Comparison
from bot.services.parity.sides import Code, Sides
from bot.services.reporting.head_checks import Checks

CHECK = "gatewright/parity"
_AGAIN = CheckButton(
    label="Compare again", description="The same as the comment /parity", identifier="parity"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Compares twins for `/parity` and the check run."""

    sides: Sides
    checks: Checks
    records: Records
    clock: Clock

    async def view(
        self,
        code: Code,
        policy: RepoPolicy,
        *,
        pull: int | None,
        env: EnvName | None = None,
        project: ProjectName | None = None,
    ) -> ParityView:
        """Compare all twins, or those of an environment or project, and store the result."""
        view = await self.foreseen(code, policy, pull=pull, env=env, project=project)
        await self._note(view.twins, code, pull)
        return view

    async def foreseen(
        self,
        code: Code,
        policy: RepoPolicy,
        *,
        pull: int | None = None,
        env: EnvName | None = None,
        project: ProjectName | None = None,
    ) -> ParityView:
        """Compare code that may never be merged, without storing the result."""
        stacks = policy.stacks(code.repo.full_name, pull=pull)
        pairs = [
            (one, other)
            for names in policy.twins
            if env in {None, *names}
            for one in stacks
            for other in stacks
            if (one.env, other.env) == names and one.project == other.project
            if project in {None, one.project}
        ]
        sides = {stack: await self.sides.read(stack, code, policy) for stack in dict.fromkeys(chain(*pairs))}
        allowed = policy.allowed_differences
        compared = tuple(compare(sides[one], sides[other], allowed) for one, other in pairs)
        return ParityView(twins=compared, unused=unused(compared, allowed), commit=code.commit)

    async def show(self, code: Code, policy: RepoPolicy, pull: PullRequest) -> ParityView:
        """Compare all twins and show the result in the check run of the pull request's head."""
        view = await self.view(code, policy, pull=pull.number)
        text = parity_check(view)
        await self.checks.show(code.repo, pull.number, pull.head_sha, CHECK, text=text, buttons=(_AGAIN,))
        return view

    async def _note(self, compared: Sequence[Twins], code: Code, pull: int | None) -> None:
        """Store the result for the page of the environments."""
        async with self.records.write() as writer:
            for twins in compared:
                one, other = (side.stack for side in twins.sides)
                await writer.note_comparison(
                    Comparison(
                        repo=one.repo,
                        project=one.project,
                        env=one.env,
                        twin=other.env,
                        verdict=twins.verdict,
                        differences=len(twins.unmeant),
                        commit=code.commit,
                        pull=pull,
                        compared_at=self.clock.now(),
                    )
                )
