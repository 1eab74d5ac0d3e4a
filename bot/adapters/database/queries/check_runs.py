"""Queries about check runs on GitHub, and about the stacks that a head touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pydantic
import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime
from bot.domain.core.model import Sha
from bot.ports.github import Check
from bot.ports.records.check_runs import TouchedStack, WrittenCheck

check_runs = sa.Table(
    "check_runs",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber),
    sa.Column("head_sha", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("number", BigNumber, nullable=False),
    sa.Column("remote_id", BigNumber),
    sa.Column("content", FreeText),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("must_renew", sa.Boolean, nullable=False),
    sa.Column("incomplete", sa.Boolean, nullable=False),
    sa.Index(None, "repo", "head_sha"),
    sa.Index(None, "incomplete", "made_at"),
)
check_turns = sa.Table(
    "check_turns",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)
touched_stacks = sa.Table(
    "touched_stacks",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, primary_key=True),
    # 0 where the heads of the pull request are not numbered.
    sa.Column("head_number", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("stacks", FreeText, nullable=False),
)
_CHECK: Final = pydantic.TypeAdapter(Check)
_TOUCHED: Final = pydantic.TypeAdapter(tuple[TouchedStack, ...])


class CheckRunQueries(Transaction):
    """Reads inside one transaction."""

    async def written_check(self, repo: str, key: str) -> WrittenCheck | None:
        """Return the newest check run recorded under a key."""
        row = await self._row(check_runs, repo=repo, key=key)
        return None if row is None else _written(row)

    async def written_checks(self, repo: str, head: Sha) -> Sequence[WrittenCheck]:
        """Return the newest check runs of a commit, of all its pull requests and names."""
        columns = check_runs.c
        query = sa.select(check_runs).where(columns.repo == repo, columns.head_sha == head)
        return [_written(row) for row in await self._all(query.order_by(columns.key))]

    async def older_checks(self, repo: str, head: Sha) -> Mapping[int, frozenset[str]]:
        """Return pull request -> names of the checks that an older version recorded for a commit."""
        found = dict[int, frozenset[str]]()
        # Older versions recorded only GitHub's id of a check, under this key.
        keys = sa.select(core.remote_ids.c.key).where(
            core.remote_ids.c.repo == repo, core.remote_ids.c.key.like(f"check:%:{head}:%")
        )
        for row in await self._all(keys):
            _, pull, _, name = str(row["key"]).split(":", 3)
            if pull.isdigit():
                found[int(pull)] = found.get(int(pull), frozenset()) | {name}
        return found

    async def incomplete_checks(self, *, before: datetime, limit: int) -> Sequence[WrittenCheck]:
        """Return the incomplete check runs that were created before then, oldest first."""
        columns = check_runs.c
        query = sa.select(check_runs).where(columns.incomplete.is_(True), columns.made_at < before)
        query = query.order_by(columns.made_at, columns.repo, columns.key).limit(limit)
        return [_written(row) for row in await self._all(query)]

    async def touched(
        self, repo: str, pull: int, head: Sha, number: int | None
    ) -> Sequence[TouchedStack] | None:
        """Return the stacks that a head touches; None if they were never determined."""
        columns = touched_stacks.c
        query = sa.select(columns.stacks).where(
            columns.repo == repo,
            columns.pull == pull,
            columns.head_sha == head,
            columns.head_number == (number or 0),
        )
        row = await self._first(query)
        return None if row is None else _TOUCHED.validate_json(row["stacks"])


class CheckRunStatements(CheckRunQueries):
    """Writes inside one transaction."""

    async def put_check(self, written: WrittenCheck) -> None:
        """Record the content of a check run; replaces the previous record."""
        check = written.check
        if check is None:
            raise ValueError("a check run without content cannot be recorded")
        keys = {"repo": written.repo, "key": written.key}
        values = {
            "pull": written.pull,
            "head_sha": check.head_sha,
            "name": check.name,
            "number": written.number,
            "remote_id": written.remote_id,
            "content": _CHECK.dump_json(check).decode(),
            "made_at": written.made_at,
            "must_renew": written.must_renew,
            "incomplete": check.conclusion is None,
        }
        statement = self._insert(check_runs, {**keys, **values})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(keys), set_=values)
        )

    async def retire_check(self, repo: str, key: str) -> None:
        """Record that a check run will not be renewed although it is incomplete."""
        await self._connection.execute(sa.update(check_runs).where(*_is(repo, key)).values(incomplete=False))

    async def renew_checks(self, repo: str, head: Sha, *, name: str | None = None) -> Sequence[WrittenCheck]:
        """Mark the check runs of a commit, of one name or of all, for renewal; returns them."""
        columns = check_runs.c
        statement = sa.update(check_runs).where(columns.repo == repo, columns.head_sha == head)
        if name is not None:
            statement = statement.where(columns.name == name)
        rows = await self._all(statement.values(must_renew=True).returning(check_runs))
        return sorted(map(_written, rows), key=lambda written: written.key)

    async def take_check_turn(
        self, repo: str, head: Sha, holder: str, *, at: datetime, until: datetime
    ) -> bool:
        """Reserve the checks of a commit for `holder` until `until`; returns whether it succeeded."""
        columns, keys = check_turns.c, {"repo": repo, "head_sha": head}
        values = {"holder": holder, "until": until}
        statement = self._insert(check_turns, {**keys, **values}).on_conflict_do_update(
            index_elements=list(keys),
            set_=values,
            # The holder may extend its turn; the turn of a process that died expires.
            where=sa.or_(columns.holder == holder, columns.until < at),
        )
        return await self._first(statement.returning(columns.holder)) is not None

    async def end_check_turn(self, repo: str, head: Sha, holder: str) -> None:
        """Release the checks of a commit for the next holder."""
        columns = check_turns.c
        await self._connection.execute(
            sa.delete(check_turns).where(
                columns.repo == repo, columns.head_sha == head, columns.holder == holder
            )
        )

    async def record_touched(
        self, repo: str, pull: int, head: Sha, number: int | None, stacks: Sequence[TouchedStack]
    ) -> None:
        """Record the stacks that a head touches; replaces the previous record."""
        keys = {"repo": repo, "pull": pull, "head_sha": head, "head_number": number or 0}
        values = {"stacks": _TOUCHED.dump_json(tuple(stacks)).decode()}
        statement = self._insert(touched_stacks, {**keys, **values})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(keys), set_=values)
        )


def _is(repo: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return check_runs.c.repo == repo, check_runs.c.key == key


def _written(row: sa.RowMapping) -> WrittenCheck:
    return WrittenCheck(
        repo=row["repo"],
        key=row["key"],
        pull=None if row["pull"] is None else int(row["pull"]),
        number=int(row["number"]),
        remote_id=None if row["remote_id"] is None else int(row["remote_id"]),
        check=_check(row["content"]),
        made_at=row["made_at"],
        must_renew=bool(row["must_renew"]),
    )


def _check(content: str | None) -> Check | None:
    try:
        return None if content is None else _CHECK.validate_json(content)
    except pydantic.ValidationError:
        # Another version of Gatewright recorded it in another format. Without its content, the next change writes it.
        return None
