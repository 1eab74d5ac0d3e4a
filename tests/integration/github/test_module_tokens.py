"""Tokens for private modules: for the listed repositories of one owner, and for reading alone."""

from __future__ import annotations

import pytest

from bot.domain.core.errors import GitHubError
from tests.integration.github.conftest import World


async def test_a_module_token_reads_the_named_repositories_alone(world: World) -> None:
    for name in ("modules", "more", "secret"):
        await world.github.create_repo(f"acme/{name}")

    await world.app.module_token(world.repo, ["modules", "more"])

    [issued] = [
        each for each in world.github._hub.state.data.tokens.values() if len(each.repositories or ()) > 1
    ]
    assert issued.permissions == {"contents": "read", "metadata": "read"}
    assert {*(issued.repositories or ())} == {
        world.github.repo(f"acme/{name}").id for name in ("modules", "more")
    }


async def test_a_module_token_is_asked_for_once(world: World) -> None:
    await world.github.create_repo("acme/modules")

    tokens = {await world.app.module_token(world.repo, ["modules"]) for _ in range(3)}

    assert len(tokens) == 1
    assert tokens.isdisjoint({await world.app.git_token(world.repo)})


async def test_listed_repository_without_app_is_refused_with_what_to_do(world: World) -> None:
    await world.github.create_repo("acme/modules", installed=False)

    with pytest.raises(GitHubError, match=r"acme/modules.*GATEWRIGHT_MODULE_REPOSITORIES"):
        await world.app.module_token(world.repo, ["modules"])
