"""The short form of `make stalls`: a few places, among them those where most is held."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.postgres_server import running_postgres
from tests.stalls.proxy import Place
from tests.stalls.trial import Coverage, Lane, lane, places, tell, trial

_SPREAD = 2
_MOST_TRIED = 8
"""Of the places where most is held: until one was reached."""


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Lane]:
    async with running_postgres() as server, lane(server, tmp_path) as lane_:
        yield lane_


def _is_worst(place: Place) -> bool:
    """Whether the session holds the right to declare others dead, or stops between a claim and its end."""
    statements, of_client, kind = place
    last = statements[-1] if statements else ""
    reaper = "pg_try_advisory_xact_lock($1::BIGINT)" in last and (of_client, kind) == (False, "Z")
    claim = last.startswith("UPDATE dbos.workflow_status") and (of_client, kind) == (True, "E")
    return reaper or claim


@pytest.mark.timeout(400)
async def test_work_is_taken_over_wherever_a_worker_stands_still(alone: Lane) -> None:
    known = list(await places(alone, idle_seconds=3))
    seed = secrets.randbelow(1_000_000)
    worst = [place for place in known if _is_worst(place)][:_MOST_TRIED]
    step = len(known) // _SPREAD
    spread = [known[number * step + random.Random(seed).randrange(step)] for number in range(_SPREAD)]  # noqa: S311
    coverage = Coverage(len(known))

    # The other worker may be the faster one wherever work is claimed, and then the place is not reached.
    for place in worst:
        coverage.findings.append(await trial(alone, place))
        if coverage.findings[-1].number:
            break
    for place in spread:
        coverage.findings.append(await trial(alone, place))
    print(f"seed {seed}: {coverage.summary()}", *(tell(one.place) for one in coverage.findings), sep="\n")  # noqa: T201

    assert coverage.wrong == []
    assert [one for one in coverage.findings if one.number] != []
