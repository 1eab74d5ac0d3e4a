"""What must stay as it is while nothing may happen."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from bot.playground.stack import Playground
from tests.e2e.world import World, state_client, state_objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Everything that must stay as it is when nothing may happen."""

    runs: int
    states: dict[str, str]
    page: str
    locks: list[tuple[str, int]]


@dataclass(slots=True, kw_only=True)
class Scene:
    """A world that can be compared with what it was."""

    world: World
    before: Effects

    async def effects(self) -> Effects:
        world = self.world
        return Effects(
            runs=len(world.runs()),
            states=await asyncio.to_thread(_states, world),
            page=await world.page("staging/"),
            locks=world.locks(),
        )

    async def remember(self) -> None:
        await self.world.idle()
        self.before = await self.effects()

    async def nothing_happened(self) -> None:
        """No run was started; states, locks and the environment's page are what they were."""
        await self.world.idle()
        assert await self.effects() == self.before

    async def refusal(
        self, number: int, line: str, reason: str, *says: str, by: str = "dev"
    ) -> tuple[int, str]:
        """Comment, hear the one refusal, and see that nothing happened; returns comment id and answer."""
        comment = await self.world.comment(number, line, by=by)
        heard = await self.world.refused(number, reason)
        for words in says:
            assert words in heard.body
        await self.world.reacted(comment, "confused")
        await self.nothing_happened()
        assert self.world.watch(number).unread() == []
        assert "eyes" in self.world.reactions(comment)
        assert "rocket" not in self.world.reactions(comment)
        return comment, heard.body


def _states(world: World) -> dict[str, str]:
    name = world.repo.partition("/")[2]
    keys = [key for key in state_objects(world.playground) if name in key.split("/")]
    return {key: hashlib.sha256(state_bytes(world.playground, key)).hexdigest() for key in keys}


def state_bytes(playground: Playground, key: str) -> bytes:
    with state_client(playground) as client:
        answer: bytes = client.get_object(Bucket=playground.s3.state_bucket, Key=key)["Body"].read()
    return answer
