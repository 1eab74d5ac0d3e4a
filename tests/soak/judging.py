"""What must be true after a storm."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime

from bot.comments.markdown.header import parse_header, stack_headers
from bot.playground.github.records.checks import CheckRun
from tests.soak.ground import PullOf, is_open, now
from tests.soak.storm import WINDOW, Storm

_RUNS = "SELECT * FROM runs WHERE kind = 'plan' ORDER BY sequence"
_PLANS = "SELECT repo, pull, head_sha, status, status_reason FROM plans ORDER BY sequence"
_OPENED_AGAIN = """
    SELECT count(*) AS n FROM deliveries WHERE event = 'pull_request'
    AND action IN ('reopened', 'ready_for_review') AND repo = ? AND pull = ?
"""
_REPLANNED = """
    SELECT count(*) AS n FROM runs
    WHERE (dedupe_key LIKE 'replan:%' OR dedupe_key LIKE 'plan:freed-%') AND repo = ? AND pull = ?
"""
"""After a change of the stack by another pull request, or once a stack that was waited for is free."""
_HEADS = """
    SELECT repo, pull, number, head_sha FROM pull_heads AS one
    WHERE number = (SELECT max(number) FROM pull_heads WHERE repo = one.repo AND pull = one.pull)
"""
_CHECKS = """
    SELECT repo, head_sha, name, remote_id, content FROM check_runs
    WHERE content IS NOT NULL AND remote_id IS NOT NULL ORDER BY remote_id
"""
_MOST_GROWTH = 1.5
_ENOUGH = 100
"""Planned heads without which chance decides."""
_REASONS = {"conflict", "refusal", "error"}
"""Kinds of comments that say why there is no plan."""


def judge(storm: Storm) -> list[str]:
    """Return everything that is not as promised, each with the pull request."""
    github = storm.ground.github
    found = [
        *_heads(storm),
        *_checks(storm),
        *_written_checks(storm),
        *_silence(storm),
        *[f"what does not conform: {each}" for each in github.violations[:5]],
        *[f"the stand-in crashed: {each.text}" for each in github.crashes[:5]],
        *[
            f"delivery {row['id']} ended {row['outcome']}: {row['note']}"
            for row in storm.ask(
                "SELECT id, outcome, note FROM deliveries WHERE outcome NOT IN ('handled', 'ignored')"
            )
        ],
        *[
            f"workflow {row['name']} ended {row['status']}"
            for row in storm.ask("SELECT name, status FROM workflow_status WHERE status <> 'SUCCESS'")
        ],
    ]
    if "Traceback" in storm.ground.bot.log.read_text(encoding="utf-8", errors="replace"):
        found.append(f"there is a traceback in {storm.ground.bot.log}")
    return found


def _heads(storm: Storm) -> list[str]:
    """Every numbered head is planned once, unless people asked for more, or its pull request says why not."""
    github, found = storm.ground.github, []
    runs = Counter(
        (row["repo"], row["pull"], row["head_number"])
        for row in storm.ask(_RUNS)
        if row["status"] == "succeeded" and row["comment_id"] is None
    )
    recorded = {(row["repo"], row["pull"]): row for row in storm.ask(_HEADS)}
    for pull in storm.scene.pulls:
        if not pull.repo.has_policy or not pull.touches_code:
            continue
        about = (pull.repo.full_name, pull.number)
        newest = recorded.get(about)
        last = 0 if newest is None else newest["number"]
        more = _again(storm, pull)
        found += [
            f"{pull.label}: head {number} was planned {runs[*about, number]} times"
            for number in range(1, last + 1)
            if runs[*about, number] > 1 + more
        ]
        shown = now(github, pull)
        if not is_open(github, pull) or shown.draft:
            continue
        if newest is None or newest["head_sha"] != shown.head_sha:
            found.append(f"{pull.label}: its head {shown.head_sha[:7]} is not the recorded one")
        elif not _is_told(storm, pull, shown.head_sha):
            found.append(f"{pull.label}: nothing is said of its head {last}, {shown.head_sha[:7]}")
    return found


def _again(storm: Storm, pull: PullOf) -> int:
    """Return how often it was opened again, made ready, re-planned after a change of its stack, or asked for again."""
    about = (pull.repo.full_name, pull.number)
    return pull.asked_again + sum(
        int(storm.ask(question, *about)[0]["n"]) for question in (_OPENED_AGAIN, _REPLANNED)
    )


def _is_told(storm: Storm, pull: PullOf, head: str) -> bool:
    """Whether the comments speak of this head: by a plan of it, or by why there is none."""
    github = storm.ground.github
    headers = [parse_header(each.body) or {} for each in github.comments(pull.repo.full_name, pull.number)]
    plans = [header for header in headers if header.get("kind") == "plan"]
    if plans and plans[-1].get("head") == head:
        # One that is stale says why, and why not may not be a head that is gone. Stacks of older heads may be shown beside.
        return any(not _moved_on(storm, str(each.get("plan"))) for each in stack_headers(plans[-1]))
    return any(header.get("kind") in _REASONS and header.get("head") == head for header in headers)


def _moved_on(storm: Storm, plan: str) -> bool:
    rows = storm.ask("SELECT status_reason FROM plans WHERE id = ? AND status = 'stale'", plan)
    return any("the pull request moved on" in str(row["status_reason"]) for row in rows)


def _checks(storm: Storm) -> list[str]:
    """The newest check run of each name says what the records say of the head."""
    github, found = storm.ground.github, []
    newest = {(row["repo"], row["pull"], row["head_sha"]): row for row in storm.ask(_RUNS)}
    plans = {(row["repo"], row["pull"], row["head_sha"]): row for row in storm.ask(_PLANS)}
    for pull in storm.scene.pulls:
        if not pull.repo.has_policy:
            continue
        head = github.pull(pull.repo.full_name, pull.number).head_sha
        key = (pull.repo.full_name, pull.number, head)
        shown = _newest(github.check_runs(pull.repo.full_name, head))
        run, plan = newest.get(key), plans.get(key)
        if run is not None:
            wanted = "success" if run["status"] == "succeeded" else "failure"
            got = shown["gatewright/plan"].conclusion if "gatewright/plan" in shown else "missing"
            if got != wanted:
                found.append(f"{pull.label}: gatewright/plan of {head[:7]} is {got}, recorded {wanted}")
        if plan is not None and plan["status"] in {"applied", "no_changes", "failed"}:
            wanted = "failure" if plan["status"] == "failed" else "success"
            got = shown["gatewright/apply"].conclusion if "gatewright/apply" in shown else "missing"
            if got != wanted:
                found.append(f"{pull.label}: gatewright/apply of {head[:7]} is {got}, recorded {wanted}")
    return found


def _written_checks(storm: Storm) -> list[str]:
    """Of each name on each commit, what GitHub shows is what is recorded as shown."""
    github, found = storm.ground.github, []
    recorded = {(row["repo"], row["head_sha"], row["name"]): row for row in storm.ask(_CHECKS)}
    for (repo, sha, name), row in recorded.items():
        shown = _newest(github.check_runs(repo, sha)).get(name)
        wanted = json.loads(row["content"])["conclusion"]
        got = "missing" if shown is None else shown.conclusion
        if shown is None or (shown.id, got) != (row["remote_id"], wanted):
            found.append(f"{repo}: {name} of {sha[:7]} is {got}, written as {wanted}")
    return found


def _newest(runs: list[CheckRun]) -> dict[str, CheckRun]:
    return {run.name: run for run in sorted(runs, key=lambda run: run.id)}


def _silence(storm: Storm) -> list[str]:
    """Where no policy is, nothing is said."""
    github, found = storm.ground.github, []
    for pull in storm.scene.pulls:
        if pull.repo.has_policy:
            continue
        said = [each for each in github.comments(pull.repo.full_name, pull.number) if parse_header(each.body)]
        runs = [run for sha in set(pull.heads) for run in github.check_runs(pull.repo.full_name, sha)]
        checks = [run for run in runs if not run.app]
        if said or checks:
            found.append(f"{pull.label}: {len(said)} comments and {len(checks)} checks without a policy")
    return found


def rates(storm: Storm) -> list[tuple[int, int]]:
    """Return requests and planned heads of each ten minutes."""
    heads: dict[int, set[tuple[str, int, str]]] = defaultdict(set)
    for row in storm.ask(_RUNS):
        if row["status"] == "succeeded":
            at = datetime.fromisoformat(row["finished_at"]).replace(tzinfo=UTC).timestamp()
            heads[int((at - storm.began) // WINDOW)].add((row["repo"], row["pull"], row["head_sha"]))
    last = int(storm.scale.minutes * 60 // WINDOW)
    return [(storm.requests[window], len(heads[window])) for window in range(last)]


def growth(storm: Storm) -> list[str]:
    """Requests for each planned head may not grow from the first half to the second."""
    found = rates(storm)
    half = len(found) // 2
    if sum(heads for _, heads in found) < _ENOUGH:
        return []
    early, late = (_rate(part) for part in (found[:half], found[half:]))
    return [f"requests grew from {early:.1f} to {late:.1f} for a head"] if late > _MOST_GROWTH * early else []


def _rate(windows: list[tuple[int, int]]) -> float:
    requests, heads = sum(each for each, _ in windows), sum(each for _, each in windows)
    return requests / max(1, heads)


def summary(storm: Storm) -> str:
    """Return some lines for people."""
    done = ", ".join(f"{name} {count}" for name, count in storm.done.most_common())
    lines = [f"seed {storm.seed}: {len(storm.scene.pulls)} pull requests; {done}"]
    for number, (requests, heads) in enumerate(rates(storm)):
        rate = f"{requests / heads:.1f}" if heads else "-"
        lines.append(
            f"  {number * 10:3}-{number * 10 + 10} min: {requests} requests, {heads} heads, {rate} each"
        )
    kinds = ", ".join(f"{kind} {count}" for kind, count in storm.kinds.most_common(10))
    return "\n".join([*lines, f"  {kinds}"])
