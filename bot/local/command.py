"""`gatewright local plan | apply | down`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot import settings as settings_module
from bot.adapters.own_program import run_program
from bot.domain.core.errors import EngineChangedError, GatewrightError
from bot.domain.core.model import Stack
from bot.domain.plans.plan import PlanSummary
from bot.local import words
from bot.local.access import access
from bot.local.checkout import Checkout, Wanted, find
from bot.local.working import Confirm, Say, Working
from bot.policy import EnvironmentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the policy and the settings are."""

    directory: Path
    env_file: Path | None
    """None for `.env` in the checkout."""


OnPlan = Callable[[Stack, PlanSummary], None]
"""Called with each plan."""


def _ignored(_: Stack, __: PlanSummary) -> None:
    """Ignore a plan."""


async def plan(place: Place, wanted: Wanted, say: Say, on_plan: OnPlan = _ignored) -> int:
    """Plan every selected stack; returns the exit code."""
    checkout = find(place.directory)
    env, stacks = checkout.environment(wanted.env), checkout.stacks(wanted)
    working = await _begin(place, checkout, say)
    await _up(env, checkout, say)
    for stack in stacks:
        on_plan(stack, await working.plan(stack))
    return 0


async def apply(place: Place, wanted: Wanted, say: Say, confirm: Confirm) -> int:
    """Apply the selected stacks up to the first that fails; returns the exit code."""
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
    """Stop the local dependencies of an environment; returns the exit code of `down`."""
    checkout = find(place.directory)
    env = checkout.environment(env_name)
    if not env.down:
        say(f"{env.name} has no `down` in {checkout.root / 'gatewright.yaml'}: nothing to stop")
        return 0
    say(f"down: {' '.join(env.down)}")
    return await run_program(env.down, checkout.root)


async def _begin(place: Place, checkout: Checkout, say: Say) -> Working:
    """Check settings and Terraform before anything is started."""
    allowed = access(settings_module.read(place.env_file or checkout.root / ".env"))
    terraform = allowed.terraform()
    try:
        await terraform.installed(checkout.policy.engine)
    except EngineChangedError as error:
        raise EngineChangedError(
            f"{error} gatewright.yaml names the version: put it on PATH, or set GATEWRIGHT_TERRAFORM_BINARY."
        ) from error
    return Working(checkout=checkout, access=allowed, terraform=terraform, say=say)


async def _up(env: EnvironmentPolicy, checkout: Checkout, say: Say) -> None:
    """Start the local dependencies of an environment, which may be running already."""
    if not env.up:
        return
    say(f"up: {' '.join(env.up)}")
    code = await run_program(env.up, checkout.root)
    if code != 0:
        raise GatewrightError(f"`up` of {env.name} failed with exit code {code}; nothing was planned")
