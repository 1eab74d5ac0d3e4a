"""Whether the key pairs of one environment reach what they must, and nothing else."""

from __future__ import annotations

from bot.doctor.findings import DoubtfulError, Part
from bot.doctor.stores import S3, store
from bot.domain.errors import GatewrightError, StoreError
from bot.domain.model import EnvName
from bot.settings import EnvironmentSecrets, KeyPair, Settings


def state_part(
    settings: Settings, secrets: EnvironmentSecrets, env: EnvName, envs: tuple[EnvName, ...]
) -> Part:
    """Return the look at the state credentials of `env`; `envs` are all that have own ones."""

    async def check() -> str:
        apply, plan = secrets.state_keys(env, purpose="apply"), secrets.state_keys(env, purpose="plan")
        if apply is None or plan is None:
            lacking = "applies" if apply is None else "plans"
            raise DoubtfulError(f"{lacking} have no own key pair: they use the bot's")
        if await _may_write(settings, plan, env):
            raise GatewrightError("the key pair of plans can write: make it read-only")
        for other in envs:
            if other != env and await _may_read(settings, apply, other):
                raise GatewrightError(f"its key pair reaches the state of {other}: limit it to {env}/")
        if not await _may_write(settings, apply, env):
            raise GatewrightError(f"the key pair of applies cannot write {env}/")
        return "plans read, applies write, neither reaches another environment"

    return Part(name=f"state of {env}", check=check, needs=("state_bucket", *S3))


async def _may_write(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    key = f"{env}/gatewright-doctor"
    async with store(settings, keys, settings.state_bucket) as bucket:
        try:
            await bucket.put(key, b"written by gatewright doctor\n")
            await bucket.delete(key)
        except StoreError:
            return False
    return True


async def _may_read(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    """Whether an object of another environment can be read; it is put there by the bot's own keys."""
    key = f"{env}/gatewright-doctor"
    async with store(settings, settings.bot_keys, settings.state_bucket) as own:
        await own.put(key, b"written by gatewright doctor\n")
        try:
            async with store(settings, keys, settings.state_bucket) as bucket:
                await bucket.get(key)
        except StoreError:
            return False
        finally:
            await own.delete(key)
    return True
