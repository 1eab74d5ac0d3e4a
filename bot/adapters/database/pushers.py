"""Who pushed to a pull request, and of which heads everything that they touch was asked to be planned."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database import tables
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber
from bot.domain.model import Login, Sha

# A commit can name any author, so who pushed is remembered for as long as the pull request may be approved.
pushers = sa.Table(
    "pushers",
    tables.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("login", sa.Text, primary_key=True),
)
pushes = sa.Table(
    "pushes",
    tables.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("selected", sa.Boolean),
)


class PusherQueries(Transaction):
    """Reads inside one transaction."""

    async def pushers(self, repo: str, pull: int) -> frozenset[Login]:
        """Return the recorded pushers of a pull request."""
        columns = pushers.c
        query = sa.select(columns.login).where(columns.repo == repo, columns.pull == pull)
        return frozenset(Login(row["login"]) for row in await self._all(query))

    async def unknown_pushes(self, repo: str, pull: int) -> frozenset[Sha]:
        """Return the heads that were found without a delivery that says who pushed them."""
        return frozenset(Sha(row["head_sha"]) for row in await self._all(_heads(repo, pull, told=False)))

    async def is_selected(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether everything that this head touches was once asked to be planned."""
        columns = pushes.c
        query = sa.select(columns.selected).where(
            columns.repo == repo, columns.pull == pull, columns.head_sha == head
        )
        row = await self._first(query)
        return row is not None and bool(row["selected"])


class PusherStatements(Transaction):
    """Writes inside one transaction."""

    async def add_pusher(self, repo: str, pull: int, login: Login) -> None:
        """Remember who pushed; once is enough."""
        statement = self._insert(pushers, {"repo": repo, "pull": pull, "login": login})
        await self._connection.execute(statement.on_conflict_do_nothing())

    async def add_push(self, repo: str, pull: int, head: Sha) -> None:
        """Note a head of which GitHub told who pushed it."""
        statement = self._insert(pushes, {"repo": repo, "pull": pull, "head_sha": head, "told": True})
        keys = ["repo", "pull", "head_sha"]
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_={"told": True})
        )

    async def select(self, repo: str, pull: int, head: Sha) -> None:
        """Note that everything that this head touches was asked to be planned."""
        known = {"repo": repo, "pull": pull, "head_sha": head}
        statement = self._insert(pushes, {**known, "told": True, "selected": True})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(known), set_={"selected": True})
        )

    async def find_push(self, repo: str, pull: int, head: Sha) -> None:
        """Note a head that was found, unless GitHub told of it, or has never told of the pull request at all."""
        if await self._first(_heads(repo, pull, told=True)) is None:
            return
        statement = self._insert(pushes, {"repo": repo, "pull": pull, "head_sha": head, "told": False})
        await self._connection.execute(statement.on_conflict_do_nothing())


def _heads(repo: str, pull: int, *, told: bool) -> sa.Select[tuple[str]]:
    columns = pushes.c
    return sa.select(columns.head_sha).where(
        columns.repo == repo, columns.pull == pull, columns.told.is_(told)
    )
