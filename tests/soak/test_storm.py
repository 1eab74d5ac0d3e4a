"""The short form of the storm of `make soak`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.soak.judging import growth, judge, summary
from tests.soak.storm import SHORT, make

SEED = 185749
"""One of many that `make soak` may choose."""


@pytest.mark.timeout(600)
async def test_a_busy_organisation_is_served_whatever_happens(tmp_path: Path) -> None:
    storm = make(tmp_path, SHORT, SEED)

    try:
        await storm.ground.start()
        await storm.run()
        findings = await asyncio.to_thread(judge, storm)
    finally:
        await storm.ground.stop(keep=False)

    sys.stdout.write(summary(storm))
    assert findings == []
    assert growth(storm) == []
