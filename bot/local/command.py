"""`gatewright local plan | apply | down`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot import settings as settings_module
from bot.adapters.own_program import run_program
from bot.domain.errors import EngineChangedError, GatewrightError
from bot.local import words
from bot.local.access import access
from bot.local.checkout import Checkout, Wanted, find
from bot.local.working import Confirm, Say, Working
from bot.policy import EnvironmentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to look for the policy and for the settings."""

    directory: Path
    env_file: Path | None
    """`.env` in the checkout when left out."""


async def plan(place: Place, wanted: Wanted, say: Say) -> int:
    """Plan every stack that is meant; returns the exit code."""
    checkout = find(place.directory)
    env, stacks = checkout.environment(wanted.env), checkout.stacks(wanted)
    working = await _begin(place, checkout, say)
    await _up(env, checkout, say)
    for stack in stacks:
        await working.plan(stack)
    return 0


async def apply(place: Place, wanted: Wanted, say: Say, confirm: Confirm) -> int:
    """Apply every stack that is meant, and stop at the first that is not applied; returns the exit code."""
    checkout = find(place.directory)
    env = checkout.environment(wanted.env)
    if env.trigger != "local":
        raise GatewrightError(words.not_here(env.name))
    stacks = checkout.stacks(wanted)
    working = await _begin(place, checkout, say)
    await _up(env, checkout, say)
    for stack in stacks:
        if not await working.apply(stack, confirm):
            return 1
    return 0


async def down(place: Place, env_name: str, say: Say) -> int:
    """Stop the local dependencies of an environment; returns the exit code of what stops them."""
    checkout = find(place.directory)
    env = checkout.environment(env_name)
    if not env.down:
        say(f"{env.name} has no `down` in {checkout.root}: nothing to stop")
        return 0
    say(f"down: {' '.join(env.down)}")
    return await run_program(env.down, checkout.root)


async def _begin(place: Place, checkout: Checkout, say: Say) -> Working:
    """Look at everything that can be wrong before anything is started."""
    allowed = access(settings_module.read(place.env_file or checkout.root / ".env"))
    terraform = allowed.terraform()
    try:
        await terraform.installed(checkout.policy.engine)
    except EngineChangedError as error:
        raise EngineChangedError(
            f"{error} gatewright.yaml names the version: put that one on PATH, or name it in"
            " GATEWRIGHT_TERRAFORM_BINARY."
        ) from error
    return Working(checkout=checkout, access=allowed, terraform=terraform, say=say)


async def _up(env: EnvironmentPolicy, checkout: Checkout, say: Say) -> None:
    """Start what the environment needs on this machine; it must do no harm when it runs already."""
    if not env.up:
        return
    say(f"up: {' '.join(env.up)}")
    code = await run_program(env.up, checkout.root)
    if code != 0:
        raise GatewrightError(f"`up` of {env.name} ended with exit code {code}; nothing was planned")
