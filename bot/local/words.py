"""The texts of `gatewright local`, pure and without markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.comments.markdown.words import to_do
from bot.domain.core.errors import OtherBackendError
from bot.domain.core.model import Stack, StateIdentity
from bot.domain.plans.plan import PlanSummary, ResourceChange
from bot.ports import ApplyOutput, Backend


def where(stack: Stack, backend: Backend) -> str:
    """Return the stack and where its state is."""
    return f"{stack.label} in {stack.directory}, state {backend.bucket}/{stack.state_key} at {backend.endpoint_url}"


def state_line(when: str, identity: StateIdentity) -> str:
    """Return serial and lineage of the state, as plan comments show them."""
    if identity.serial is None:
        return f"state {when}: none yet"
    return f"state {when}: serial {identity.serial}, lineage {identity.lineage}"


def plan_lines(summary: PlanSummary) -> Iterator[str]:
    """Yield Terraform's text of the plan, then counts, risk and warnings."""
    yield summary.text.strip()
    yield ""
    yield f"plan: {to_do(summary.counts, len(summary.outputs))}"
    if summary.resources:
        yield " ".join([f"risk: {summary.risk.level} ({summary.risk.score} of 100).", *summary.risk.reasons])
    yield from (f"changed outside Terraform: {row.address}. {row.reason}" for row in summary.drift)
    yield from (f"warning: {remark}" for remark in summary.warnings)
    yield from (f"check failed: {remark}" for remark in summary.failed_checks)


def plan_json(stack: Stack, summary: PlanSummary) -> dict[str, Any]:
    """Return a plan for programs, without the text of the plan."""
    return {
        "project": stack.project,
        "environment": stack.env,
        "state_key": stack.state_key,
        "has_changes": summary.has_changes,
        "counts": {name.strip("_"): count for name, count in asdict(summary.counts).items()},
        "risk": asdict(summary.risk),
        "resources": [_resource(row) for row in summary.resources],
        "outputs": [asdict(output) for output in summary.outputs],
        "drift": [_resource(row) for row in summary.drift],
        "warnings": summary.warnings,
        "failed_checks": summary.failed_checks,
        "change_digest": summary.change_digest,
    }


def _resource(row: ResourceChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "diff"}


def locked(holder: str, stack: Stack, backend: Backend) -> str:
    """Return who has locked the state, and how to remove a stale lock."""
    return (
        f"the state of {stack.label} is locked by {holder}. If that is no longer running, delete the object"
        f" {stack.state_key}.tflock from the bucket {backend.bucket}."
    )


def lost_state(file: Path, stack: Stack) -> str:
    """Return how to recover a state that an earlier apply could not save."""
    return (
        f"{file} holds a state of {stack.label} that Terraform could not save, so nothing was done. Restore it with"
        f" `terraform state push`, or copy it to {stack.state_key} in the bucket; then delete the file and try again"
    )


def unseen_lines(detail: Mapping[str, Any]) -> Iterator[str]:
    """Yield files that an error names and Terraform did not get, and how to add them."""
    if "omitted" in detail:
        yield (
            f"The checkout has {', '.join(detail['omitted'])}, but Terraform gets only the inputs of the stack."
            " Add it to `when_modified` in gatewright.yaml:"
        )
        yield ""
        yield detail["when_modified"]
        yield ""
        yield "The server needs this on the default branch before the code that uses it."
    if "withheld" in detail:
        yield (
            f"{', '.join(detail['withheld'])} is left out on purpose: var files and the policy are not inputs of a stack."
            " Set what the code needs in the environment's own var file."
        )


def lock_file_line(file: Path) -> str:
    """Return what to do with a new provider lock file."""
    return f"wrote {file}: commit it so that the same providers are used everywhere"


def applied_lines(output: ApplyOutput, module: Path) -> Iterator[str]:
    """Yield the result of an apply; Terraform itself has printed the outputs."""
    if output.exit_code == 0:
        yield "applied"
    elif output.timed_out:
        yield "NOT fully applied: Terraform was stopped at the time limit"
    elif output.stopped_by is not None:
        yield "NOT fully applied: you stopped it"
    else:
        yield f"NOT fully applied: terraform apply ended with exit code {output.exit_code}"
    if output.errored_state:
        yield (
            f"Terraform could not save the state; it is in {module / 'errored.tfstate'}. Gatewright never deletes that"
            " file, and refuses to work on this stack while it exists"
        )


def other_backend(refused: OtherBackendError) -> str:
    """Return why nothing is planned, and the commands that copy the existing state."""
    return "\n".join([str(refused), *(f"- {problem}" for problem in refused.problems), "", refused.commands])


def not_here(env: str) -> str:
    """Return where an environment is applied instead."""
    return (
        f"{env} is applied from pull requests only: comment `/apply {env}` there."
        f" `gatewright local plan {env}` plans it here without changing anything."
    )
