"""One environment of a policy, with its defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.core.model import EnvName, Permission
from bot.domain.gates import GATES, When
from bot.policy.allow import Allow
from bot.policy.file import EnvironmentEntry, PolicyFile, RiskEntry
from bot.policy.refreshes import DataRefresh, data_refresh
from bot.policy.rules import settings_prefix
from bot.policy.verify import VerifyCheck
from bot.policy.windows import Freeze, HoldWindow, closed_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPolicy:
    """Who may apply to an environment, and what must hold first."""

    allow_permission: Permission | None
    """The permission that is enough alone; None where none is."""
    allow_teams: tuple[tuple[str, str], ...]
    """Organisation and slug of the teams whose members may."""
    allow_words: str
    """Both, for a sentence."""
    gates: tuple[str, ...]
    """Gates beyond those that are always judged, with those that `promote_from` implies."""
    promote_from: EnvName | None
    soak: timedelta
    """How long the release must have been verified in `promote_from`."""
    risk: RiskEntry
    drill_max_age: timedelta

    @property
    def is_possible(self) -> bool:
        """Whether any account may apply."""
        return self.allow_permission is not None or bool(self.allow_teams)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentPolicy:
    """One environment; the fields are those of the file."""

    name: EnvName
    settings_prefix: str
    """How the names of its variables begin: `EU_PROD_`."""
    trigger: str
    """`pull_request` or `local`."""
    lifecycle: str
    """`permanent`, `pull_request` or `ephemeral`."""
    autoplan: bool
    twin: EnvName | None
    url_output: str | None
    apply: ApplyPolicy
    after_merge: str
    """`apply`, `plan` or `none`."""
    code_checks: tuple[str, ...]
    verify: tuple[VerifyCheck, ...]
    drift_every: timedelta | None
    """Time between two drift checks; None where only `/drift` checks."""
    data_refresh: DataRefresh | None
    artifacts: tuple[str, ...]
    up: tuple[str, ...]
    down: tuple[str, ...]
    hold_windows: tuple[HoldWindow, ...]
    freezes: tuple[Freeze, ...]
    idle_after: timedelta

    def closed_reason(self, now: datetime) -> str | None:
        """Return why the calendar closes it at `now` (aware), None where it does not."""
        return closed_reason(self.hold_windows, self.freezes, now)


def environment_policy(name: EnvName, file: PolicyFile) -> EnvironmentPolicy:
    """Fill in the defaults of an environment."""
    entry = file.environments[name]
    local = entry.trigger == "local"
    return EnvironmentPolicy(
        name=name,
        settings_prefix=settings_prefix(name),
        trigger=entry.trigger,
        lifecycle=entry.lifecycle,
        autoplan=not local if entry.autoplan is None else entry.autoplan,
        twin=None if entry.twin is None else EnvName(entry.twin),
        url_output=entry.url_output,
        apply=_apply(entry),
        after_merge=entry.after_merge or _after_merge(name, entry, file),
        code_checks=entry.code_checks,
        verify=entry.verify,
        drift_every=None if entry.drift is None else entry.drift.every,
        data_refresh=data_refresh(name, file),
        artifacts=entry.artifacts,
        up=entry.up or (),
        down=entry.down or (),
        hold_windows=entry.hold_windows,
        freezes=entry.freezes,
        idle_after=entry.idle_after,
    )


def _apply(entry: EnvironmentEntry) -> ApplyPolicy:
    apply = entry.apply
    # What is applied automatically for every pull request may also be requested; nothing else by default.
    unasked = entry.lifecycle != "permanent"
    allow = apply.allow or Allow(permission=Permission.WRITE if unasked else None)
    implied = [gate.name for gate in GATES if gate.when is When.PROMOTING] if apply.promote_from else []
    return ApplyPolicy(
        allow_permission=allow.permission,
        allow_teams=allow.teams,
        allow_words=allow.words,
        gates=tuple(dict.fromkeys([*apply.gates, *implied])),
        promote_from=None if apply.promote_from is None else EnvName(apply.promote_from),
        soak=apply.soak or timedelta(),
        risk=apply.risk,
        drill_max_age=apply.drill_max_age,
    )


def _after_merge(name: EnvName, entry: EnvironmentEntry, file: PolicyFile) -> str:
    if entry.trigger == "local" or entry.lifecycle != "permanent":
        return "none"
    # A release must be in place where others promote from, before it can be verified there.
    is_source = any(other.apply.promote_from == name for other in file.environments.values())
    return "apply" if is_source else "plan"
