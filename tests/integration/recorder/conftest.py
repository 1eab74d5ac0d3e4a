from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.playground.github import StandIn, StandInConfig
from tests.fakes.clock import PassingTime
from tests.integration.github.conftest import SPEC
from tests.recorder.evening import Tools, play
from tests.recorder.model import Recording
from tests.recorder.plan import Plan
from tests.recorder.settings import RecorderSettings
from tests.recorder.terminal import Script

ORGANISATION = "throwaway"
NOBODY_LISTENS = "http://127.0.0.1:9/hook"


@dataclass(slots=True)
class Evening:
    """The stand-in with an organisation that is thrown away, and a person who plays in it."""

    github: StandIn
    settings: RecorderSettings
    time: PassingTime
    directory: Path
    person: Script

    async def play(
        self, *only: str, answers: Sequence[str] = (ORGANISATION,), **plan: object
    ) -> list[Recording]:
        self.person.answers.extend(answers)
        whole = replace(Plan(organisation=ORGANISATION, only=only, directory=self.directory), **plan)  # type: ignore[arg-type] # The tests name the fields as they are.
        tools = Tools(clock=self.time, waits=self.time.waits(), person=self.person, limits=None)
        return await play(whole, self.settings, tools)


@pytest.fixture
async def evening(tmp_path: Path) -> AsyncIterator[Evening]:
    time = PassingTime()
    config = StandInConfig(
        state_dir=tmp_path / "github",
        spec=SPEC,
        webhook_url=NOBODY_LISTENS,
        clock=time.epoch,
        # What is shown late is shown late by the same time; a tip is read at once, so it must not be late.
        lag_clock=time.epoch,
        tip_lag_longest=0.0,
    )
    github = StandIn(config)
    await github.start()
    await github.create_repo(f"{ORGANISATION}/first")
    for login in ("olga-owner", "rita-reviewer"):
        await github.add_user(login)
    github._hub.state.account(ORGANISATION).members["olga-owner"] = "admin"
    key = tmp_path / "app.pem"
    key.write_text(github.private_key_pem, encoding="utf-8")
    settings = RecorderSettings(
        token=SecretStr(github.user_token("olga-owner")),
        reviewer_token=SecretStr(github.user_token("rita-reviewer")),
        app_id=str(github.config.app_id),
        app_key_file=key,
        api_url=github.api_url,
    )
    yield Evening(github, settings, time, tmp_path / "recorded", Script([]))
    await github.stop()
    assert github.crashes == []
    # What the stand-in does not know is recorded as its 404; what it knows conforms to GitHub's description.
    assert [each for each in github.violations if not each.endswith("unknown operation")] == []
