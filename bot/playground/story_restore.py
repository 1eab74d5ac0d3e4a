"""The demo of `/state restore`, in an environment that nothing depends on."""

from __future__ import annotations

import re
from typing import Protocol

from bot.playground.story_prod import Actors, Expect
from bot.playground.watch import MissingCommentError

ENV = "rehearsal"
VAR_FILE = "envs/rehearsal.tfvars"
BRANCH = "rehearsal"
POLICY = f"""
  {ENV}:   # to try break-glass commands such as `/state restore`: nothing depends on it
    state_key: {ENV}/terraform.tfstate
    var_file: {VAR_FILE}
    autoplan: false
    after_merge: none
    apply:
      allow: write
"""
"""One more environment for the playground's policy."""
VARIABLES = f"""environment    = "{ENV}"
title          = "Acme"
message        = "Nothing depends on this"
instance_count = 1
"""
_ONE, _TWO = "instance_count = 1", "instance_count = 2"
_SERIAL = re.compile(r"(?:\(serial|serial \d+ →) (\d+)")
_CONFIRM = re.compile(r"/state restore \S+ \d+ --confirm \d+")


def grown(text: str) -> str:
    """Return the var file with a second instance."""
    return text.replace(_ONE, _TWO)


def renamed(text: str) -> str:
    """Return the var file with another title: the first thing that the pull request changes."""
    return text.replace('"Acme"', '"Acme rehearses"')


class Rehearsal(Actors, Protocol):
    """What this part of the demo needs in addition."""

    async def grow(self) -> str:
        """Push a second instance; returns the new head."""
        ...


async def restore(stage: Rehearsal, expect: Expect) -> None:
    """Play this part on a pull request that was just opened with another title."""
    serial = await _applied(stage)
    await stage.grow()
    await _applied(stage)
    await stage.comment("admin", f"/state restore {ENV} {serial}")
    proposed = await stage.hear(kind="restore", env=ENV, status="proposed")
    expect('terraform_data.instance["web-2"]' in proposed.body, "the orphan is not listed")
    confirm = _found(_CONFIRM, proposed.body, "the command that confirms it")
    await stage.comment("dev", confirm)
    await stage.hear(kind="refusal", env=ENV, reason="permission")
    await stage.comment("admin", confirm)
    restored = await stage.hear(kind="restore", env=ENV, status="restored")
    expect("on hold" in restored.body, "the environment is not on hold after its state was restored")
    await stage.comment("dev", f"/plan {ENV}")
    planned = await stage.hear(kind="plan", env=ENV, status="planned")
    expect('terraform_data.instance["web-2"]' in planned.body, "the plan does not create what was forgotten")
    await stage.comment("dev", f"/apply {ENV}")
    await stage.hear(kind="apply", env=ENV, status="applied")
    await stage.comment("dev", "/status")
    status = await stage.hear(kind="status")
    expect(f"**{ENV}** is on hold" not in status.body, "the reviewed plan has not lifted the hold")


async def _applied(stage: Actors) -> str:
    """Plan and apply; returns the new serial of the state."""
    await stage.comment("dev", f"/plan {ENV}")
    await stage.hear(kind="plan", env=ENV, status="planned")
    await stage.comment("dev", f"/apply {ENV}")
    said = await stage.hear(kind="apply", env=ENV, status="applied")
    return _found(_SERIAL, said.body, "the serial")


def _found(pattern: re.Pattern[str], text: str, what: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise MissingCommentError(f"{what} is not in the comment:\n{text}")
    return match[match.lastindex or 0]
