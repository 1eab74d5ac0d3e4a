"""Which commit is the head of a pull request, and which in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.core.heads import LAG, HeadReport, Placed, is_reported_by, place, shows_an_older_head
from bot.domain.core.model import PullRequest, Repo
from bot.ports import Clock, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Records heads, whether deliveries report them or GitHub's answers show them."""

    records: Records
    clock: Clock

    async def report(self, full_name: str, pull: int, report: HeadReport) -> bool:
        """Record a delivery; False if only GitHub's answer can show whether it is late."""
        about = (full_name, pull)
        async with self.records.write() as writer:
            placed = place(await writer.heads(*about), report)
            if not isinstance(placed, Placed):
                return False
            number = placed.known
            for sha in placed.new:
                number = await writer.record_head(*about, sha, self.clock.now())
            if number is not None and is_reported_by(number, report):
                await writer.report_head(*about, number, report.delivery_id)
        return True

    async def numbered(self, repo: Repo, pull: PullRequest) -> PullRequest:
        """Return a pull request of GitHub's answer at its newest known head, numbered."""
        about, now = (repo.full_name, pull.number), self.clock.now()
        async with self.records.read() as reader:
            last = await reader.head(*about)
        if last is not None and last.head_sha == pull.head_sha:
            return replace(pull, head_number=last.number)
        async with self.records.write() as writer:
            heads = await writer.heads(*about)
            if shows_an_older_head(heads, pull.head_sha, now):
                return replace(pull, head_sha=heads[-1].head_sha, head_number=heads[-1].number)
            return replace(pull, head_number=await writer.record_head(*about, pull.head_sha, now))

    async def listed(self, repo: Repo, pulls: Sequence[PullRequest]) -> Sequence[PullRequest]:
        """Return pull requests, as GitHub listed them, at their newest known heads; records nothing."""
        async with self.records.read() as reader:
            newest = await reader.newest_heads(repo.full_name)
            found = []
            for pull in pulls:
                last = newest.get(pull.number)
                if last is None or last.head_sha == pull.head_sha:
                    found.append(replace(pull, head_number=None if last is None else last.number))
                elif shows_an_older_head(
                    await reader.heads(repo.full_name, pull.number), pull.head_sha, self.clock.now()
                ):
                    found.append(replace(pull, head_sha=last.head_sha, head_number=last.number))
                else:
                    found.append(pull)
        return found

    async def is_fresh(self, full_name: str, pull: int) -> bool:
        """Whether a delivery has just reported the pull request, so that GitHub may not have it yet."""
        async with self.records.read() as reader:
            last = await reader.head(full_name, pull)
        return last is not None and self.clock.now() - last.recorded_at < LAG
