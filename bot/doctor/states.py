"""Checks that the key pairs of an environment reach its states and nothing else."""

from __future__ import annotations

from secrets import token_hex

from bot.doctor.findings import DoubtfulError, Part
from bot.doctor.stores import S3, store
from bot.domain.core.errors import GatewrightError, StoreDeniedError
from bot.domain.core.model import EnvName
from bot.settings import EnvironmentSecrets, KeyPair, Settings

_CONTENT = b"written by gatewright doctor\n"


def state_part(
    settings: Settings, secrets: EnvironmentSecrets, env: EnvName, envs: tuple[EnvName, ...]
) -> Part:
    """Return the check of the state credentials of `env`; `envs` are all with their own."""

    async def check() -> str:
        apply, plan = secrets.state_keys(env, purpose="apply"), secrets.state_keys(env, purpose="plan")
        if apply is None or plan is None:
            lacking = "applies" if apply is None else "plans"
            raise DoubtfulError(f"{lacking} have no key pair of their own: they use the bot's")
        if await _may_write(settings, plan, env):
            raise GatewrightError("the key pair of plans can write: make it read-only")
        if not await _may_read(settings, plan, env):
            raise GatewrightError(f"the key pair of plans cannot read {env}/")
        for purpose, keys in (("applies", apply), ("plans", plan)):
            for other in envs:
                if other != env and await _reaches(settings, keys, other):
                    raise GatewrightError(
                        f"the key pair of {purpose} reaches the state of {other}: limit it to {env}/"
                    )
        if not await _may_write(settings, apply, env):
            raise GatewrightError(f"the key pair of applies cannot write {env}/")
        return "plans can read, applies can write, neither can reach another environment"

    return Part(name=f"state of {env}", check=check, needs=("state_bucket", *S3))


async def _reaches(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    return await _may_read(settings, keys, env) or await _may_write(settings, keys, env)


async def _may_write(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    """Return whether an object can be written."""
    # The bot's own keys remove it: permission to write need not include deleting.
    key = _key(env)
    async with store(settings, keys, settings.state_bucket) as bucket:
        try:
            await bucket.put(key, _CONTENT)
        except StoreDeniedError:
            return False
    async with store(settings, settings.bot_keys, settings.state_bucket) as own:
        await own.delete(key)
    return True


async def _may_read(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    """Return whether an object that the bot's own keys have written can be read."""
    key = _key(env)
    async with store(settings, settings.bot_keys, settings.state_bucket) as own:
        await own.put(key, _CONTENT)
        try:
            async with store(settings, keys, settings.state_bucket) as bucket:
                await bucket.get(key)
        except StoreDeniedError:
            return False
        finally:
            await own.delete(key)
    return True


def _key(env: EnvName) -> str:
    """Return a new name for each check."""
    # Some stores accept one write per name and second.
    return f"{env}/gatewright-doctor-{token_hex(8)}"
