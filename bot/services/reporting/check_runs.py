"""Writes check runs on GitHub; the newest one of each name shows the current status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.domain.core.errors import GitHubNotFoundError
from bot.domain.core.model import Repo, Run, Sha
from bot.ports import Check, Clock, GitHub, Records
from bot.ports.records.check_runs import WrittenCheck
from bot.services.reporting.check_turns import CheckTurns

RENEWED_AFTER: Final = timedelta(days=12)
"""Less than 14 days, after which GitHub marks an incomplete check run as stale for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHead:
    """The subject of a check run: a head of a pull request, or a group of the merge queue."""

    sha: Sha
    pull: int | None = None
    number: int | None = None
    """Number of the pull request's head; None if an older version recorded it."""

    def key(self, name: str) -> str:
        """Return the key under which the check run with a name is recorded."""
        return f"{self._prefix}:{name}"

    def external_id(self, number: int) -> str:
        """Return the id of a check run on GitHub; it begins with the pull request's number."""
        return f"{self._prefix}:{number}"

    @property
    def _prefix(self) -> str:
        return f"group:{self.sha}" if self.pull is None else f"{self.pull}:{self.number or self.sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRuns:
    """Creates and updates check runs; sends no request if nothing has changed."""

    github: GitHub
    records: Records
    clock: Clock
    turns: CheckTurns

    async def head(self, repo: Repo, pull: int, sha: Sha) -> CheckedHead:
        """Return the newest head of a pull request that has this commit."""
        async with self.records.read() as reader:
            heads = await reader.heads(repo.full_name, pull)
        number = max((head.number for head in heads if head.head_sha == sha), default=None)
        return CheckedHead(sha=sha, pull=pull, number=number)

    async def show_of_run(self, repo: Repo, run: Run, sha: Sha, check: Check) -> None:
        """Show the result of a run on a commit, unless the commit has become the head again since."""
        if run.pull is None:
            return
        head = await self.head(repo, run.pull, sha)
        # A run belongs to one head. If a force-push made the commit the head again, that head has its own runs.
        if run.head_number in {None, head.number}:
            await self.show(repo, head, check)

    async def show(self, repo: Repo, head: CheckedHead, check: Check) -> None:
        """Show a check in a turn of its own."""
        async with self.turns.take(repo, head.sha):
            await self.write(repo, head, check)

    async def write(self, repo: Repo, head: CheckedHead, check: Check) -> None:
        """Show a check; the caller must have the turn of the commit."""
        async with self.records.read() as reader:
            on_commit = await reader.written_checks(repo.full_name, head.sha)
        await self.write_onto(on_commit, repo, head, check)

    async def write_onto(
        self, on_commit: Sequence[WrittenCheck], repo: Repo, head: CheckedHead, check: Check
    ) -> None:
        """Show a check on a commit of which these are recorded; the caller must have its turn."""
        key = head.key(check.name)
        known = next((one for one in on_commit if one.key == key), None)
        if known is None or known.remote_id is None:
            await self._create(repo, head, check, known)
            return
        if known.check == check and not known.must_renew and not self._is_old(known):
            return
        if not self._may_change(known, check, on_commit) or not await self._update(repo, known, check):
            await self._create(repo, head, check, known)

    async def renew(self, repo: Repo, written: WrittenCheck) -> None:
        """Replace a check run by a new one with the same content, unless that was done already."""
        if written.check is None:
            return
        async with self.turns.take(repo, written.check.head_sha):
            async with self.records.read() as reader:
                now = await reader.written_check(repo.full_name, written.key)
            if now is not None and now.check is not None and now.number == written.number:
                # The head comes from the record, since its number is part of the key and of the id on GitHub.
                await self._create(repo, head_of(now), now.check, now)

    def _may_change(self, known: WrittenCheck, check: Check, on_commit: Sequence[WrittenCheck]) -> bool:
        """Whether GitHub would show an update of the last check run."""
        before = known.check
        if (
            before is None
            or known.must_renew
            or self._is_old(known)
            or before.annotations != check.annotations
        ):
            return False
        same_name = [one for one in on_commit if one.check is not None and one.check.name == check.name]
        if any((one.remote_id or 0) > (known.remote_id or 0) for one in same_name):
            # GitHub shows the newest check run of a name, which belongs to another head or pull request of the commit.
            return False
        if before.conclusion is not None:
            return before.conclusion == check.conclusion
        # On GitHub, a check run only moves forward: queued, in progress, completed.
        return before.is_waiting or not check.is_waiting or check.conclusion is not None

    def _is_old(self, known: WrittenCheck) -> bool:
        incomplete = known.check is None or known.check.conclusion is None
        return incomplete and known.made_at + RENEWED_AFTER < self.clock.now()

    async def _update(self, repo: Repo, known: WrittenCheck, check: Check) -> bool:
        if known.remote_id is None:
            return False
        try:
            shown = await self.github.update_check(repo, known.remote_id, check)
        except GitHubNotFoundError:
            return False
        if shown:
            await self._put(replace(known, check=check))
        return shown

    async def _create(self, repo: Repo, head: CheckedHead, check: Check, known: WrittenCheck | None) -> None:
        # A record without GitHub's id was written just before an attempt to create the check run, which crashed.
        in_doubt = known is not None and known.remote_id is None
        number = 1 if known is None else known.number if in_doubt else known.number + 1
        new = WrittenCheck(
            repo=repo.full_name,
            key=head.key(check.name),
            pull=head.pull,
            number=number,
            remote_id=None,
            check=check,
            made_at=self.clock.now(),
            must_renew=in_doubt and known is not None and known.must_renew,
        )
        if not in_doubt:
            await self._put(new)
        named = replace(check, external_id=head.external_id(number))
        made = replace(new, remote_id=await self.github.create_check(repo, named, in_doubt=in_doubt))
        if in_doubt and not await self._update(repo, made, check):
            # The check run of the crashed attempt cannot show this any more: create the next one.
            await self._create(repo, head, check, made)
            return
        await self._put(made)

    async def _put(self, written: WrittenCheck) -> None:
        async with self.records.write() as writer:
            await writer.put_check(written)


def head_of(written: WrittenCheck) -> CheckedHead:
    """Return the subject of a recorded check run."""
    if written.check is None:
        raise ValueError(f"the check run {written.key} was recorded by another version")
    sha = written.check.head_sha
    if written.pull is None:
        return CheckedHead(sha=sha)
    number = written.key.split(":", 2)[1]
    return CheckedHead(sha=sha, pull=written.pull, number=None if number == sha else int(number))
