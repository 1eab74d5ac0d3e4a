"""Why there is no plan: what prevents it, and who can resolve that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.comments.markdown.budget import fit_text
from bot.comments.markdown.escape import code, fence, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, sentence, short, step_blocks
from bot.comments.runs.omissions import omissions
from bot.comments.runs.report import RunView, facts, log_block, string, strings
from bot.comments.runs.unplannable import unplannable
from bot.domain.core.model import PullRequest, Run, RunStatus, Sha, Stack
from bot.domain.core.refusals import Reason

_MOST_PROBLEMS = 30


def plan_failed_comment(view: RunView) -> str:
    """Return the sticky comment of a stack whose plan run ended without a plan.

    `run.detail` has the reason: `problem` is `terraform`, `conflict`, `unsafe_tree`, `tree_changed`,
    `unplannable`, `policy` or `other`.
    """
    run = view.run
    reason, explained = failure_explained(view)
    status = "canceled" if run.status is RunStatus.CANCELED else "failed"
    first = header(
        "plan",
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        head=run.head_sha,
        status=status,
        reason=reason,
    )
    mark = "🚫" if status == "canceled" else "❌"
    title = f"### {mark} {text(run.stack.label)}: {planning_ended(run.status)}"
    asked = view.next_steps or (retry_step(run.stack),)
    return fit_text(f"{first}\n{title}\n\n{facts(view)}\n{explained}\n{step_blocks(asked)}")


def retry_step(stack: Stack) -> Step:
    """Return what to do after a plan that failed."""
    return Step(
        sentence="Push a fix and it is planned automatically; to retry unchanged",
        command=command("plan", stack),
    )


def failure_headline(run: Run) -> str:
    """Return in one line why a run ended without a plan."""
    detail = run.detail
    match string(detail, "problem"):
        case "conflict":
            return "The head does not merge cleanly into its base."
        case "policy":
            return "`gatewright.yaml` is not valid."
        case "unsafe_tree":
            return "The tree holds files that could redirect Terraform's state or data."
        case "tree_changed":
            return "A program that ran during the plan changed its working directory."
        case _:
            said = string(detail, "message") or run.summary or ""
            return sentence(said, limit=300) or f"{planning_ended(run.status).capitalize()}."


def conflict_comment(*, paths: Sequence[str], pull: PullRequest) -> str:
    """Return the comment on a pull request with a merge conflict."""
    first = header("refusal", head=pull.head_sha, status="refused", reason=Reason.CONFLICT)
    base = code(pull.base_ref, limit=150)
    return (
        f"{first}\n### ❌ Nothing was planned: merge conflict\n\n"
        f"{short(pull.head_sha)} does not merge cleanly into {base}, and plans are made of the merge.\n\n"
        f"{_bullets(paths, as_code=True)}\nMerge or rebase onto {base} and push: the plan then starts automatically.\n"
    )


def policy_error_comment(*, problems: Sequence[str], reference: str) -> str:
    """Return the comment on an invalid `gatewright.yaml`, with path, line and allowed values."""
    first = header("refusal", status="refused", reason=Reason.CONFIG, ref=reference)
    return (
        f"{first}\n### ❌ `gatewright.yaml` is not valid\n\n"
        "Nothing is planned or applied until the file on the default branch is valid:\n\n"
        f"{_bullets(problems)}\nCorrect it in a pull request that changes nothing else: its checks let it be merged."
        " Then comment `/plan`.\n"
    )


def policy_in_force_comment(*, branch: str, commit: Sha) -> str:
    """Return the comment for a pull request that changes `gatewright.yaml`."""
    return (
        f"{header('policy', head=commit)}\n### 📄 This pull request changes `gatewright.yaml`\n\n"
        f"Until it is merged, the file of {code(branch, limit=150)} at {short(commit)} is in force: the changes here have no effect"
        " on this pull request's own plans, gates and applies.\n"
    )


def failure_explained(view: RunView) -> tuple[str | None, str]:
    """Return the reason code and the explanation why there is no plan."""
    detail = view.run.detail
    match string(detail, "problem"):
        case "unplannable":
            return unplannable(detail)
        case "refused":
            return _refused(detail)
        case "conflict" | "unsafe_tree" | "tree_changed" | "policy":
            return _files(detail)
        case _:
            summary = string(detail, "message") or view.run.summary or "It ended without saying why."
            hint = string(detail, "hint")
            said = f"{prose(hint, limit=500)}\n\n" if hint else ""
            unseen = omissions(detail)
            return None, f"{said}{sentence(summary)}\n{unseen and chr(10) + unseen}{log_block(detail)}"


def _files(detail: Mapping[str, object]) -> tuple[str, str]:
    """Return code and explanation if repository files are the reason."""
    match string(detail, "problem"):
        case "conflict":
            where = _bullets(strings(detail, "paths"), as_code=True)
            return Reason.CONFLICT, f"The head does not merge cleanly into its base:\n\n{where}"
        case "unsafe_tree":
            return Reason.UNSAFE_TREE, _unsafe_tree(detail)
        case "tree_changed":
            return Reason.TREE_CHANGED, _tree_changed(detail)
        case _:
            said = _bullets(strings(detail, "problems"))
            return Reason.CONFIG, f"`gatewright.yaml` is not valid:\n\n{said}"


def _unsafe_tree(detail: Mapping[str, object]) -> str:
    said = _bullets(strings(detail, "problems"))
    why = "The tree holds files that could redirect Terraform's state or data, so Terraform was not started:"
    return f"{why}\n\n{said}\nRemove them from the branch and push.\n"


def _tree_changed(detail: Mapping[str, object]) -> str:
    said = _bullets(strings(detail, "problems"))
    why = (
        "A program that ran during the plan changed its working directory, so the plan was discarded: an apply uses"
        " exactly the reviewed files."
    )
    return f"{why}\n\n{said}\nNew files such as `builds/x.zip` are allowed; the apply of this plan then uses them.\n"


def _refused(detail: Mapping[str, object]) -> tuple[str | None, str]:
    refusals = detail.get("refusals")
    first = refusals[0] if isinstance(refusals, list) and refusals else {}
    reason = string(first, "reason") if isinstance(first, Mapping) else ""
    if reason == Reason.OTHER_BACKEND:
        said = _bullets(strings(detail, "problems"))
        commands = fence(string(detail, "commands"), "sh")
        return reason, f"{sentence(string(detail, 'message'))}\n\n{said}\n{commands}"
    named = _bullets(strings(detail, "problems"), as_code=True)
    return reason or None, f"{sentence(string(detail, 'message'))}\n{named and chr(10) + named}"


def planning_ended(status: RunStatus) -> str:
    """Return how a run ended without a plan, in words."""
    match status:
        case RunStatus.CANCELED:
            return "planning was canceled"
        case RunStatus.TIMED_OUT:
            return "planning took too long and was stopped"
        case RunStatus.INTERRUPTED:
            return "planning was interrupted"
        case _:
            return "planning failed"


def _bullets(items: Sequence[str], *, as_code: bool = False) -> str:
    lines = [
        f"- {code(item) if as_code else prose(item, limit=500)}\n"
        for item in [*items][:_MOST_PROBLEMS]
        if item.strip()
    ]
    more = len(items) - _MOST_PROBLEMS
    return "".join([*lines, *([f"- and {more} more\n"] if more > 0 else ())])
