"""What `gatewright local` says; pure, and without markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.comments.words import to_do
from bot.domain.errors import OtherBackendError
from bot.domain.model import Stack, StateIdentity
from bot.domain.plan import PlanSummary
from bot.ports import ApplyOutput, Backend


def where(stack: Stack, backend: Backend) -> str:
    """Return what is worked on, and where its state lies."""
    return f"{stack.label} in {stack.directory}, state {backend.bucket}/{stack.state_key}"


def state_line(when: str, identity: StateIdentity) -> str:
    """Return serial and lineage, which a plan comment of the same state shows as well."""
    if identity.serial is None:
        return f"state {when}: none yet"
    return f"state {when}: serial {identity.serial}, lineage {identity.lineage}"


def plan_lines(summary: PlanSummary) -> Iterator[str]:
    """Yield the plan in Terraform's words, then counts, risk and remarks."""
    yield summary.text.strip()
    yield ""
    yield f"plan: {to_do(summary.counts, len(summary.outputs))}"
    if summary.resources:
        yield " ".join([f"risk: {summary.risk.level} ({summary.risk.score} of 100).", *summary.risk.reasons])
    yield from (f"changed outside Terraform: {row.address}. {row.reason}" for row in summary.drift)
    yield from (f"warning: {remark}" for remark in summary.warnings)
    yield from (f"check failed: {remark}" for remark in summary.failed_checks)


def locked(holder: str, stack: Stack, backend: Backend) -> str:
    """Return why nothing is applied, and what to do when nobody works there any more."""
    return (
        f"the state of {stack.label} is locked by {holder}. When nothing of that runs any more, delete the object"
        f" {stack.state_key}.tflock from {backend.bucket}."
    )


def lost_state(file: Path, stack: Stack) -> str:
    """Return why nothing is done where an earlier apply could not save the state."""
    return (
        f"{file} holds a state of {stack.label} that Terraform could not save, so nothing was done. Put it in place with"
        f" `terraform state push`, or copy it to where the state lies, {stack.state_key}; then delete that file and run"
        " this again"
    )


def unseen_lines(detail: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an error names of the checkout that Terraform did not get, and how it would."""
    if "omitted" in detail:
        yield (
            f"The checkout has {', '.join(detail['omitted'])}, but Terraform gets what is counted as an input of the"
            " stack, and nothing else. Add it to `when_modified` in gatewright.yaml:"
        )
        yield ""
        yield detail["when_modified"]
        yield ""
        yield "For the server, this has to be merged into the default branch before the code that needs it."
    if "withheld" in detail:
        yield (
            f"{', '.join(detail['withheld'])} is not there on purpose: a var file or the policy is no input of any stack."
            " Set what the code needs in the environment's own var file."
        )


def lock_file_line(file: Path) -> str:
    """Return what is to be done with a provider lock file that was not there before."""
    return f"wrote {file}: commit it, so that the same providers are used everywhere"


def applied_lines(output: ApplyOutput, module: Path) -> Iterator[str]:
    """Yield how an apply in a module's directory ended; Terraform itself has told the outputs."""
    if output.exit_code == 0:
        yield "applied"
    elif output.timed_out:
        yield "NOT applied completely: its time was over, and Terraform was stopped"
    elif output.stopped_by is not None:
        yield "NOT applied completely: you stopped it"
    else:
        yield f"NOT applied completely: terraform apply ended with exit code {output.exit_code}"
    if output.errored_state:
        yield (
            f"Terraform could not save the state: {module / 'errored.tfstate'} holds it. Nothing here deletes that file, and"
            " nothing is done in this place while it is there"
        )


def other_backend(refused: OtherBackendError) -> str:
    """Return why nothing is planned, and the commands that copy what exists."""
    return "\n".join([str(refused), *(f"- {problem}" for problem in refused.problems), "", refused.commands])


def not_here(env: str) -> str:
    """Return why an environment is not applied from a developer's machine."""
    return (
        f"{env} is not applied from here, only from a pull request, by a reviewed plan: comment `/apply {env}` there."
        f" `gatewright local plan {env}` plans it here without changing anything."
    )
