"""`gatewright state owner`: whose each state is, and moving it to another owner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.adapters.database.records import Database
from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import read_state
from bot.domain.errors import GatewrightError
from bot.domain.model import EnvName, ProjectName, StateKey
from bot.domain.plan import Lock
from bot.domain.repositories import read_entry
from bot.domain.state_owner import StateOwner
from bot.ports import Writer
from bot.services.requesting import ACTIVE
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOwner:
    """Whom a state is given to; project and environment stay what they are where they are left out."""

    repo: str
    project: str | None
    env: str | None


async def show(settings: Settings, key: str | None) -> list[str]:
    """Return a line per state, or the one of `key`."""
    database = Database(settings.database)
    try:
        async with database.read() as reader:
            owners = await reader.state_owners(settings.state_bucket)
    finally:
        await database.close()
    shown = [_line(owner) for owner in owners if key in {None, owner.key}]
    if shown:
        return shown
    if key is None:
        return [f"No state of {settings.state_bucket} has an owner yet: the first plan of each records it."]
    return [f"{key} has no owner yet: whoever plans it first will be."]


async def move(settings: Settings, key: str, new: NewOwner) -> str:
    """Give a state to another owner; GatewrightError while somebody holds it or works on it."""
    try:
        repo = read_entry(new.repo).full_name
    except ValueError as error:
        raise GatewrightError(f"--move: {error}") from error
    database = Database(settings.database)
    try:
        async with database.write() as writer:
            before = await writer.state_owner(settings.state_bucket, StateKey(key))
            env = new.env or (before.env if before is not None else None)
            if env is None:
                raise GatewrightError(f"{key} has no owner yet, so say which environment it is of: --env ENV")
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
    was = f"; it was of {before.words}" if before is not None else ""
    return f"{key} belongs to {after.words} now{was}. Open plans of others for it are void."


async def forget(settings: Settings, key: str) -> str:
    """Remove the record of a state in which nothing is; GatewrightError where something is."""
    await _refuse_unless_empty(settings, StateKey(key))
    database = Database(settings.database)
    try:
        async with database.write() as writer:
            await _refuse_while_used(writer, StateKey(key))
            known = await writer.forget_state_owner(settings.state_bucket, StateKey(key))
    finally:
        await database.close()
    return (
        f"{key} has no owner any more: whoever plans it first will be." if known else f"{key} had no owner."
    )


async def _refuse_while_used(writer: Writer, key: StateKey) -> None:
    active = await writer.runs(state_key=key, statuses=ACTIVE, limit=1)
    if active:
        raise GatewrightError(
            f"run {active[0].id} of {active[0].stack.repo} works on {key}: wait for its end, then repeat this"
        )
    held = next((lock for lock in await writer.all_locks() if lock.stack.state_key == key), None)
    if held is not None:
        raise GatewrightError(f"{key} is held by {_holder(held)}, then repeat this")


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
        raise GatewrightError(
            f"{key} is not empty: destroy what is in it first, or give it to another owner with --move"
        )


def _line(owner: StateOwner) -> str:
    number = "" if owner.repository_id is None else f", GitHub's repository {owner.repository_id}"
    return f"{owner.key}: {owner.words}{number}, since {owner.since:%Y-%m-%d}"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command of its own has no Clock to be given
