"""Comments that show something old are brought up to date by the clock alone, a few at a time."""

from __future__ import annotations

from bot.cli.stop import go, stop
from bot.settings import Settings
from tests.e2e.world import World


async def test_operators_stop_and_its_end_are_shown_on_every_plan(town: World) -> None:
    # Given more planned pull requests than are shown at once,
    numbers = [(await town.open_planned(f"No {index}", branch=f"no-{index}"))[0] for index in range(6)]
    settings = Settings.model_construct(database_url=f"sqlite:///{town.database}")
    # when the operator stops the server, then each of them says so after a while,
    await stop(settings, "the disk is being changed")
    try:
        for number in numbers:
            said = await town.hear(number, kind="plan", env="staging", status="planned")
            assert "the disk is being changed" in said.body
    finally:
        await go(settings)
    # and that it goes again, too.
    for number in numbers:
        said = await town.hear(number, kind="plan", env="staging", status="planned")
        assert "the disk is being changed" not in said.body
    await town.told(numbers[0])
