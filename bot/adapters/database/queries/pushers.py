"""Queries and statements about pushes, reviewed commits and planned heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries.pull_heads import newest_selected, pull_heads
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.accounts import Account
from bot.domain.core.model import Login, Sha
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import Push

# Written by older versions only; its accounts still may not approve that pull request.
pushers = sa.Table(
    "pushers",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("login", sa.Text, primary_key=True),
)
# All heads of a pull request. Older versions recorded in `told` whether the pusher was known.
pushes = sa.Table(
    "pushes",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("selected", sa.Boolean),
)
branch_pushes = sa.Table(
    "branch_pushes",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("after_sha", sa.Text, primary_key=True),
    sa.Column("before_sha", sa.Text, primary_key=True),
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("sender_login", sa.Text, nullable=False),
    sa.Column("sender_id", BigNumber),
    sa.Column("sender_is_bot", sa.Boolean, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("pushed_at", UtcDateTime, nullable=False),
    sa.Index("ix_branch_pushes_after", "repo", "after_sha"),
    sa.Index("ix_branch_pushes_at", "pushed_at"),
)
activity_reads = sa.Table(
    "activity_reads",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("read_at", UtcDateTime, nullable=False),
)
submitted_reviews = sa.Table(
    "submitted_reviews",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("review", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("commit_sha", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("author_id", BigNumber),
    sa.Column("author_is_bot", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("submitted_at", UtcDateTime, nullable=False),
    sa.Index("ix_submitted_reviews_pull", "repo", "pull"),
)


class PusherQueries(Transaction):
    """Reads inside one transaction."""

    async def pushers(self, repo: str, pull: int) -> frozenset[Login]:
        """Return the accounts that an older version recorded as pushers of a pull request."""
        columns = pushers.c
        query = sa.select(columns.login).where(columns.repo == repo, columns.pull == pull)
        return frozenset(Login(row["login"]) for row in await self._all(query))

    async def seen_heads(self, repo: str, pull: int) -> frozenset[Sha]:
        """Return all recorded heads of a pull request."""
        columns = pushes.c
        query = sa.select(columns.head_sha).where(columns.repo == repo, columns.pull == pull)
        return frozenset(Sha(row["head_sha"]) for row in await self._all(query))

    async def pushes(self, repo: str, *, ref: str, commits: Sequence[Sha]) -> Sequence[Push]:
        """Return the pushes of a branch, and those of any branch to these commits, oldest first."""
        columns = branch_pushes.c
        of_repo = sa.select(branch_pushes).where(columns.repo == repo)
        # For one condition with "or", SQLite uses only the repository's index and reads all pushes of the repository.
        query = sa.union(of_repo.where(columns.ref == ref), of_repo.where(columns.after_sha.in_(commits)))
        return sorted((_push(row) for row in await self._all(query)), key=lambda push: push.at)

    async def activity_reads(self, repo: str, heads: Sequence[Sha]) -> Mapping[Sha, datetime]:
        """Return when the activity was last read for each of these heads."""
        columns = activity_reads.c
        query = sa.select(activity_reads).where(columns.repo == repo, columns.head_sha.in_(heads))
        return {Sha(row["head_sha"]): row["read_at"] for row in await self._all(query)}

    async def submitted_reviews(self, repo: str, pull: int) -> Sequence[Review]:
        """Return the reviews of a pull request as their deliveries reported them."""
        columns = submitted_reviews.c
        query = sa.select(submitted_reviews).where(columns.repo == repo, columns.pull == pull)
        return [_review(row) for row in await self._all(query)]

    async def is_selected(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether a plan of everything that this head touches was requested."""
        newest = await self._first(newest_selected(repo, pull, head))
        if newest is not None and newest["number"] > 1:
            # A commit that becomes the head again needs a new request.
            return bool(newest["selected"])
        columns = pushes.c
        query = sa.select(columns.selected).where(
            columns.repo == repo, columns.pull == pull, columns.head_sha == head
        )
        row = await self._first(query)
        return row is not None and bool(row["selected"])


class PusherStatements(Transaction):
    """Writes inside one transaction."""

    async def add_push(self, repo: str, push: Push, *, source: str) -> None:
        """Record that a branch was moved, with the earliest reported time."""
        row = {
            "repo": repo,
            "ref": push.ref,
            "after_sha": push.after,
            "before_sha": push.before,
            "sender": str(push.sender.id or push.sender.login),
            "sender_login": push.sender.login,
            "sender_id": push.sender.id,
            "sender_is_bot": push.sender.is_bot,
            "source": source,
            "pushed_at": push.at,
        }
        # Several events and the activity report the same push; the earliest time is nearest to the truth.
        known = ["repo", "ref", "after_sha", "before_sha", "sender"]
        statement = self._insert(branch_pushes, row).on_conflict_do_update(
            index_elements=known,
            set_={"pushed_at": push.at},
            where=branch_pushes.c.pushed_at > push.at,
        )
        await self._connection.execute(statement)

    async def see_head(self, repo: str, pull: int, head: Sha) -> None:
        """Record a head of a pull request."""
        statement = self._insert(pushes, {"repo": repo, "pull": pull, "head_sha": head, "told": True})
        await self._connection.execute(statement.on_conflict_do_nothing())

    async def read_activity(self, repo: str, heads: Sequence[Sha], at: datetime) -> None:
        """Record that the activity was read for these heads."""
        for head in heads:
            statement = self._insert(activity_reads, {"repo": repo, "head_sha": head, "read_at": at})
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["repo", "head_sha"], set_={"read_at": at})
            )

    async def add_review(self, repo: str, pull: int, review: Review) -> None:
        """Record a review as its delivery reported it; a known one does not change."""
        row = {
            "repo": repo,
            "review": review.id,
            "pull": pull,
            "commit_sha": review.commit_id,
            "author": review.user.login,
            "author_id": review.user.id,
            "author_is_bot": review.user.is_bot,
            "state": review.state,
            "submitted_at": review.submitted_at,
        }
        await self._connection.execute(self._insert(submitted_reviews, row).on_conflict_do_nothing())

    async def prune_pushes(self, before: datetime, *, limit: int) -> int:
        """Delete old pushes, except those to branches of open pull requests; returns how many."""
        table, columns = branch_pushes, branch_pushes.c
        keys = (columns.repo, columns.ref, columns.after_sha, columns.before_sha, columns.sender)
        is_kept = _key(columns.repo, columns.ref).in_(_branches_of_open_pulls())
        query = sa.select(*keys).where(columns.pushed_at < before, sa.not_(is_kept)).limit(limit)
        old = await self._all(query)
        for row in old:
            same = [key == row[key.name] for key in keys]
            await self._connection.execute(sa.delete(table).where(*same))
        return len(old)

    async def select(self, repo: str, pull: int, head: Sha) -> None:
        """Record that a plan of everything that this head touches was requested."""
        known = {"repo": repo, "pull": pull, "head_sha": head}
        statement = self._insert(pushes, {**known, "told": True, "selected": True})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(known), set_={"selected": True})
        )
        newest = await self._first(newest_selected(repo, pull, head))
        if newest is not None:
            columns = pull_heads.c
            of_head = (columns.repo == repo, columns.pull == pull, columns.number == newest["number"])
            await self._connection.execute(sa.update(pull_heads).where(*of_head).values(selected=True))


def _key(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Concatenate columns into one text, to be compared with a subquery."""
    # For a subquery of several columns, SQLite looks up only the first one in an index, and scans row by row.
    texts = (sa.cast(column, sa.Text) for column in columns)
    return reduce(lambda left, right: left.concat(" ").concat(right), texts)


def _branches_of_open_pulls() -> sa.Select[Any]:
    """Return the query of the branches to which a head of an open pull request was pushed.

    A pull request counts as open if no delivery reported it as closed.
    """
    # The subqueries refer to nothing outside, so that each table is read once: no index of the deliveries would help.
    reported, head, same = core.deliveries.c, pushes.c, branch_pushes.alias("same").c
    of_closing = sa.func.max(sa.case((reported.action == "closed", reported.sequence), else_=0))
    of_reopening = sa.func.max(sa.case((reported.action == "reopened", reported.sequence), else_=0))
    closed = (
        sa.select(_key(reported.repo, reported.pull))
        # SQL's NOT IN is never true for a list that contains a null.
        .where(reported.event == "pull_request", reported.repo.is_not(None), reported.pull.is_not(None))
        .group_by(reported.repo, reported.pull)
        .having(of_closing > of_reopening)
    )
    open_heads = sa.select(_key(head.repo, head.head_sha)).where(_key(head.repo, head.pull).not_in(closed))
    return sa.select(_key(same.repo, same.ref)).where(_key(same.repo, same.after_sha).in_(open_heads))


def _push(row: sa.RowMapping) -> Push:
    sender = Account(login=Login(row["sender_login"]), id=row["sender_id"], is_bot=row["sender_is_bot"])
    return Push(
        ref=row["ref"],
        before=Sha(row["before_sha"]),
        after=Sha(row["after_sha"]),
        sender=sender,
        at=row["pushed_at"],
    )


def _review(row: sa.RowMapping) -> Review:
    author = Account(login=Login(row["author"]), id=row["author_id"], is_bot=row["author_is_bot"])
    return Review(
        id=row["review"],
        user=author,
        state=row["state"],
        commit_id=Sha(row["commit_sha"]),
        submitted_at=row["submitted_at"],
    )
