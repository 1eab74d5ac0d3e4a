"""Posting the forms of a run."""

from __future__ import annotations

from pathlib import Path

from tests.integration.web.world import Client

POLICY = (Path(__file__).parents[3] / "gatewright.yaml").read_text()


async def post(client: Client, path: str, given: str | None, **headers: str) -> tuple[int, str]:
    data = {} if given is None else {"token": given}
    async with client.post(path, data=data, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text()
