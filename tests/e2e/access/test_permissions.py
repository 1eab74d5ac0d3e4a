"""An account that has not granted what is optional: all else works, and what does not is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.domain.core.app_permissions import app_events, app_permissions
from tests.e2e.world import DEV, World


@contextmanager
def granting_only_what_is_required(world: World) -> Iterator[None]:
    """Let the account lag behind the App, which asks for everything."""
    required = app_permissions(only_required=True)
    world.github.change_app(permissions=required, events=app_events(required))
    world.github.change_app(permissions=app_permissions(), events=app_events())
    try:
        yield
    finally:
        world.github.accept_permissions("acme")


async def test_what_is_not_granted_costs_nothing_else(world: World) -> None:
    with granting_only_what_is_required(world):
        # Given an account that has accepted only what Gatewright cannot work without,
        number, _ = await world.open_planned("Little granted")
        # when a plan is applied, then it is reported as ever, and only the deployment is missing.
        await world.applied(number)
        assert world.github.deployments(world.repo) == []
        # and a queue asks for no checks.
        group = await world.github.queue(world.repo, number, author=DEV)
        await world.idle()
        assert world.github.check_runs(world.repo, group) == []

    # Once the account has accepted the rest, the queue is answered.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.told(number)
    names = {run.name for run in world.github.check_runs(world.repo, group)}
    assert names == {"gatewright/plan", "gatewright/apply"}
