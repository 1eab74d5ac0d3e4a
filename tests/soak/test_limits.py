"""The short form of the flood of `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.limits import SHORT, make


@pytest.mark.timeout(300)
async def test_a_flood_of_pull_requests_loses_nothing_under_the_limits(server: str, tmp_path: Path) -> None:
    flood = make(tmp_path, f"{server}/postgres", SHORT)

    try:
        await flood.fleet.start()
        await flood.run()
        findings = flood.findings()
    finally:
        await flood.fleet.stop(keep=False)

    assert findings == []
