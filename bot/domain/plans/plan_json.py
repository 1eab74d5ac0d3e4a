"""Build a `PlanSummary` without secrets from Terraform's plan JSON (format 1.x) and text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from bot.domain.core.errors import TerraformError
from bot.domain.plans.change_digest import change_digest
from bot.domain.plans.drift import outside_changes, real_drift
from bot.domain.plans.plan import Action, Counts, OutputChange, PlanSummary, ResourceChange, RiskLevel
from bot.domain.plans.resource_changes import (
    action_of,
    name_in_text,
    reason_of,
    replace_paths_of,
    shown_address,
)
from bot.domain.plans.risk import Change, assess, row_level
from bot.domain.plans.text import MaskedText, Section, masked
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import change_secrets, sensitive_values

Redact = Callable[[str], str]
_ORDER = {action: position for position, action in enumerate(Action)}
_OUTPUT_ACTIONS = {"create": Action.ADD, "update": Action.CHANGE, "delete": Action.DESTROY}


def summarise(
    plan_json: Mapping[str, Any],
    text: str,
    *,
    arguments: Sequence[str],
    warnings: Sequence[str],
    redact: Redact,
    refresh_only: bool = False,
    secrets: AbstractSet[str] | None = None,
) -> PlanSummary:
    """Return the summary of a plan for comments and gates.

    `text` is `terraform show -no-color PLANFILE` as printed. `redact` removes secrets that are not in the
    plan (credentials); the plan's own sensitive values are removed here. `secrets` are those values if they
    were collected before. A `refresh_only` plan lists every outside change, any other plan only the relevant
    ones. Raises TerraformError for values that are nested too deeply.
    """
    try:
        return _summary(
            plan_json,
            text,
            arguments=arguments,
            warnings=warnings,
            redact=redact,
            refresh_only=refresh_only,
            secrets=secrets,
        )
    except RecursionError as error:
        raise TerraformError("the plan holds values that are nested too deeply to be shown") from error


def _summary(
    plan_json: Mapping[str, Any],
    text: str,
    *,
    arguments: Sequence[str],
    warnings: Sequence[str],
    redact: Redact,
    refresh_only: bool,
    secrets: AbstractSet[str] | None,
) -> PlanSummary:
    own = Redactor(sensitive_values(plan_json) if secrets is None else secrets)

    def clean(raw: str) -> str:
        return redact(own(raw))

    planned = _planned(plan_json)
    changes = [_change(item, action, redact) for item, action in planned]
    drift = outside_changes(plan_json) if refresh_only else real_drift(plan_json)
    shown = masked(text, _secrets_by_name([*drift, *(item for item, _ in planned)]), clean)
    rows = tuple(
        _row(item, change, shown, redact) for (item, _), change in zip(planned, changes, strict=True)
    )
    outputs = _outputs(plan_json)
    return PlanSummary(
        terraform_version=str(plan_json.get("terraform_version", "")),
        counts=_counts(rows),
        resources=rows,
        outputs=outputs,
        drift=tuple(_drift_row(item, shown, redact) for item in drift),
        warnings=tuple(map(clean, warnings)),
        failed_checks=tuple(map(clean, _failed_checks(plan_json))),
        risk=assess(changes, existing=_existing(plan_json)),
        change_digest=_digest(plan_json, drift, arguments),
        has_changes=bool(rows or outputs),
        text=shown.text,
    )


def _planned(plan_json: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Action]]:
    """Return the managed resources that change, in the order in which they are shown."""
    found = [
        (item, action)
        for item in plan_json.get("resource_changes") or ()
        if (action := action_of(item)) is not None
    ]
    return sorted(
        found, key=lambda pair: (_ORDER[pair[1]], str(pair[0].get("address")), str(pair[0].get("deposed")))
    )


def _secrets_by_name(items: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    secrets: dict[str, set[str]] = {}
    for item in items:
        secrets.setdefault(name_in_text(item), set()).update(change_secrets(item.get("change") or {}))
    return secrets


def _row(item: Mapping[str, Any], change: Change, shown: MaskedText, redact: Redact) -> ResourceChange:
    previous = item.get("previous_address")
    return ResourceChange(
        address=change.address,
        type=change.type,
        action=change.action,
        previous_address=shown_address(str(previous), redact) if previous else None,
        importing=bool((item.get("change") or {}).get("importing")),
        replace_paths=tuple(map(redact, replace_paths_of(item))),
        reason=reason_of(item),
        risk=row_level(change),
        diff=shown.block(Section.PLANNED, name_in_text(item)),
    )


def _drift_row(item: Mapping[str, Any], shown: MaskedText, redact: Redact) -> ResourceChange:
    gone = (item.get("change") or {}).get("after") is None
    return ResourceChange(
        address=shown_address(str(item.get("address", "")), redact),
        type=str(item.get("type", "")),
        action=Action.DESTROY if gone else Action.CHANGE,
        reason="Deleted outside Terraform." if gone else "Changed outside Terraform.",
        risk=RiskLevel.MEDIUM if gone else RiskLevel.LOW,
        diff=shown.block(Section.DRIFT, name_in_text(item)),
    )


def _change(item: Mapping[str, Any], action: Action, redact: Redact) -> Change:
    change, deposed = item.get("change") or {}, item.get("deposed")
    address = shown_address(str(item.get("address", "")), redact)
    return Change(
        address=f"{address} (deposed {deposed})" if deposed else address,
        type=str(item.get("type", "")),
        action=action,
        deposed=bool(deposed),
        before=change.get("before"),
        after=change.get("after"),
    )


def _counts(rows: Sequence[ResourceChange]) -> Counts:
    by_action = Counter(row.action for row in rows)
    return Counts(
        add=by_action[Action.ADD],
        change=by_action[Action.CHANGE],
        destroy=by_action[Action.DESTROY],
        replace=by_action[Action.REPLACE],
        import_=by_action[Action.IMPORT],
        move=by_action[Action.MOVE],
        forget=by_action[Action.FORGET],
    )


def _outputs(plan_json: Mapping[str, Any]) -> tuple[OutputChange, ...]:
    changed = [
        OutputChange(
            name=name,
            action=_OUTPUT_ACTIONS.get(next(iter(change.get("actions") or ()), ""), Action.CHANGE),
            sensitive=bool(change.get("before_sensitive") or change.get("after_sensitive")),
        )
        for name, change in _changed_outputs(plan_json).items()
    ]
    return tuple(sorted(changed, key=lambda output: (_ORDER[output.action], output.name)))


def _changed_outputs(plan_json: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    changes = plan_json.get("output_changes") or {}
    return {name: change for name, change in changes.items() if change.get("actions") != ["no-op"]}


def _failed_checks(plan_json: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line per failed check, precondition, postcondition and validation."""
    for check in plan_json.get("checks") or ():
        for instance in check.get("instances") or ():
            if instance.get("status") not in {"fail", "error"}:
                continue
            name = (instance.get("address") or {}).get("to_display") or (check.get("address") or {}).get(
                "to_display"
            )
            problems = instance.get("problems") or ({"message": "It could not be evaluated."},)
            yield from (f"{name}: {problem.get('message', '')}".strip() for problem in problems)


def _existing(plan_json: Mapping[str, Any]) -> int:
    """Count the managed resources of the state; Terraform also lists unchanged ones."""
    return sum(
        1
        for item in plan_json.get("resource_changes") or ()
        if item.get("mode") != "data"
        and not item.get("deposed")
        and (item.get("change") or {}).get("before") is not None
    )


def _digest(
    plan_json: Mapping[str, Any], drift: Sequence[Mapping[str, Any]], arguments: Sequence[str]
) -> str:
    items = plan_json.get("resource_changes") or ()
    return change_digest(
        resources=[item for item in items if action_of(item) is not None or _is_read(item)],
        outputs=_changed_outputs(plan_json),
        drift=drift,
        arguments=arguments,
    )


def _is_read(item: Mapping[str, Any]) -> bool:
    return (item.get("change") or {}).get("actions") == ["read"]
