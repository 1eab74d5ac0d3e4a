"""Who pushed to a pull request, as far as GitHub told it, and of which heads everything was asked to be planned."""

from __future__ import annotations

from typing import Protocol

from bot.domain.model import Login, Sha


class PusherReader(Protocol):
    """Reads inside one transaction."""

    async def pushers(self, repo: str, pull: int) -> frozenset[Login]:
        """Return who pushed to a pull request, as far as GitHub's deliveries told us."""
        ...

    async def unknown_pushes(self, repo: str, pull: int) -> frozenset[Sha]:
        """Return the heads of a pull request that were found without a delivery that says who pushed them."""
        ...

    async def is_selected(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether everything that this head touches was once asked to be planned."""
        ...


class PusherWriter(Protocol):
    """Writes inside one transaction."""

    async def add_pusher(self, repo: str, pull: int, login: Login) -> None:
        """Record who pushed to a pull request, once."""
        ...

    async def add_push(self, repo: str, pull: int, head: Sha) -> None:
        """Note a head of which GitHub told who pushed it."""
        ...

    async def select(self, repo: str, pull: int, head: Sha) -> None:
        """Note that everything that this head touches was asked to be planned."""
        ...

    async def find_push(self, repo: str, pull: int, head: Sha) -> None:
        """Note a head that was found, unless GitHub told of it, or has never told of the pull request at all.

        Who pushed before a pull request was first heard of is told by its commits alone.
        """
        ...
