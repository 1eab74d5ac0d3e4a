"""`gatewright state owner`: shows and changes the owners of states."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import read_state
from bot.cli.databases import open_database
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import EnvName, ProjectName, StateKey
from bot.domain.core.repositories import read_entry
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.plans.plan import Lock
from bot.domain.state.owner import StateOwner
from bot.ports import Writer
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOwner:
    """The new owner of a state."""

    repo: str
    project: str | None
    """None keeps the project."""
    env: str | None
    """None keeps the environment."""


async def owners(settings: Settings, key: str | None) -> list[StateOwner]:
    """Return the owners of all states, or of `key` alone."""
    database = await open_database(settings)
    try:
        async with database.read() as reader:
            found = await reader.state_owners(settings.state_bucket)
    finally:
        await database.close()
    return [owner for owner in found if key in {None, owner.key}]


def owner_lines(settings: Settings, key: str | None, found: Sequence[StateOwner]) -> list[str]:
    """Return one line per owner, or a line that there is none."""
    if found:
        return [_line(owner) for owner in found]
    if key is None:
        return [f"No state of {settings.state_bucket} has an owner yet; the first plan of a state sets it."]
    return [f"{key} has no owner yet; its first plan sets it."]


def owners_json(found: Sequence[StateOwner]) -> list[dict[str, Any]]:
    """Return the owners for programs."""
    return [
        {
            "bucket": owner.bucket,
            "key": owner.key,
            "repository": owner.repo,
            "repository_id": owner.repository_id,
            "project": owner.project,
            "environment": owner.env,
            "since": owner.since.isoformat(),
        }
        for owner in found
    ]


async def move(settings: Settings, key: str, new: NewOwner) -> str:
    """Change the owner of a state; GatewrightError while it is locked or a run uses it."""
    try:
        repo = read_entry(new.repo).full_name
    except ValueError as error:
        raise GatewrightError(f"--move: {error}") from error
    database = await open_database(settings)
    try:
        async with database.write() as writer:
            before = await writer.state_owner(settings.state_bucket, StateKey(key))
            env = new.env or (before.env if before is not None else None)
            if env is None:
                raise GatewrightError(f"{key} has no owner yet: name its environment with --env NAME")
            await _refuse_while_used(writer, StateKey(key))
            after = StateOwner(
                bucket=settings.state_bucket,
                key=StateKey(key),
                repo=repo,
                repository_id=await writer.repository_id(repo),
                project=ProjectName(new.project or (before.project if before is not None else "default")),
                env=EnvName(env),
                since=_now(),
            )
            await writer.move_state(after)
    finally:
        await database.close()
    was = f" (before: {before.words})" if before is not None else ""
    return f"{key} is now owned by {after.words}{was}. Open plans of other owners are stale."


async def forget(settings: Settings, key: str) -> str:
    """Remove the owner of a state; GatewrightError where the state has resources."""
    await _refuse_unless_empty(settings, StateKey(key))
    database = await open_database(settings)
    try:
        async with database.write() as writer:
            await _refuse_while_used(writer, StateKey(key))
            known = await writer.forget_state_owner(settings.state_bucket, StateKey(key))
    finally:
        await database.close()
    return f"{key} has no owner now; its next plan sets one." if known else f"{key} had no owner."


async def _refuse_while_used(writer: Writer, key: StateKey) -> None:
    active = await writer.runs(state_key=key, statuses=ACTIVE, limit=1)
    if active:
        raise GatewrightError(
            f"run {active[0].id} of {active[0].stack.repo} uses {key}: wait until it has ended, then try again"
        )
    held = next((lock for lock in await writer.all_locks() if lock.stack.state_key == key), None)
    if held is not None:
        raise GatewrightError(f"{key} is locked by {_holder(held)}, then try again")


def _holder(lock: Lock) -> str:
    return f"{lock.stack.repo}#{lock.pull}: comment `/unlock {lock.stack.env}` there"


async def _refuse_unless_empty(settings: Settings, key: StateKey) -> None:
    keys = settings.bot_keys
    states = S3ObjectStore(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        bucket=settings.state_bucket,
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
    )
    try:
        _, data = await read_state(states, key)
    finally:
        await states.close()
    if data is not None and json.loads(data).get("resources"):
        raise GatewrightError(f"{key} has resources: destroy them first, or change the owner with --move")


def _line(owner: StateOwner) -> str:
    number = "" if owner.repository_id is None else f", repository id {owner.repository_id}"
    return f"{owner.key}: {owner.words}{number}, since {owner.since:%Y-%m-%d}"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command has no Clock port
