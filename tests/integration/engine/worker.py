"""A worker process for tests that kill it: `python -m tests.integration.engine.worker URL TRACE [hang] [ends] [capped] [patient]`.

It appends one line `step argument pid` per call to TRACE; with `hang`, the step `execute_change` never ends; with `ends`, the
end of each call is a line as well, and one delivery is handled at a time, so that the others get their share. It ends by
itself when other workers have taken it for dead. With `capped` it makes eight changes at once, but two per environment;
with `patient` it may be silent for five times as long as the others.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from bot.engine import Engine, EngineConfig
from bot.engine.config import WORKFLOWS
from tests.integration.engine.work import Recorder, config

TAKEOVER_SECONDS = 2.0


async def main(url: str, trace: Path, *, hang: bool, ends: bool, capped: bool, patient: bool) -> None:
    recorder = Recorder()

    def write(step: str) -> None:
        async def call(argument: str) -> None:
            with trace.open("a") as file:
                file.write(f"{step} {argument} {os.getpid()}\n")
            if ends:
                await asyncio.sleep(0.001)
                with trace.open("a") as file:
                    file.write(f"ended {argument} {os.getpid()}\n")
            if hang and step == "execute_change":
                await asyncio.Event().wait()

        recorder.behave[step] = call

    for step in WORKFLOWS:
        write(step)
    settings: EngineConfig = config(
        Path(), database_url=url, takeover_seconds=TAKEOVER_SECONDS, deliveries_per_worker=1 if ends else 16
    )
    if capped:
        settings = replace(settings, changes_per_worker=8, changes_per_environment=2)
    if patient:
        settings = replace(settings, takeover_seconds=5 * TAKEOVER_SECONDS)
    engine = Engine(settings)
    await engine.start(recorder.work())
    with trace.open("a") as file:
        file.write(f"ready - {os.getpid()}\n")
    await engine.displaced()
    await engine.stop(0)
    with trace.open("a") as file:
        file.write(f"displaced - {os.getpid()}\n")


if __name__ == "__main__":
    modes = {name: name in sys.argv[3:] for name in ("hang", "ends", "capped", "patient")}
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), **modes))
