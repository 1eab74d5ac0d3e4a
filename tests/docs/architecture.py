"""Make the drawings of `docs/architecture.md` from the import contracts and from a checked list of functions."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tests.docs.generate import table
from tests.docs.pages import ROOT, read

_PURPOSES: Final = {
    "bot.cli": "the command line, one module per group of commands",
    "bot.playground": "the stand-in GitHub and what runs beside it",
    "bot.local": "`gatewright local`: plan and apply on a developer's machine",
    "bot.doctor": "`gatewright doctor`: checks every part",
    "bot.server": "the processes `serve` and `worker`",
    "bot.registering": "registers the App at GitHub",
    "bot.app": "puts the composition root together",
    "bot.composition": "the composition root: the only place that names concrete classes",
    "bot.observing": "logs, metrics and traces around each workflow",
    "bot.web": "HTTP: webhooks in, web pages out",
    "bot.engine": "durable workflows and their queues",
    "bot.credentials": "which credentials Terraform gets",
    "handlers": "slash commands and events, and what dispatches them",
    "bot.context": "what handlers may use",
    "bot.services": "the use cases, one package per capability",
    "bot.adapters": "GitHub, git, Terraform, S3 and the database; translates the errors of libraries",
    "bot.comments": "everything the bot says",
    "bot.policy": "`gatewright.yaml`: models, validation, changes",
    "bot.settings": "the settings",
    "bot.events": "parses webhook payloads",
    "bot.metrics": "Prometheus metrics",
    "bot.logs": "structured, redacted logs",
    "bot.event_parts": "the parts of webhook payloads",
    "bot.ports": "small protocols for what services need",
    "bot.domain": "values and rules; standard library only",
}
"""Of the layers; a package without an entry is described by its docstring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A function on the path of a command."""

    place: str
    """Where it runs: the request or a workflow."""
    name: str
    """`module:function` or `module:Class.method`."""
    does: str


_REQUEST: Final = "HTTP request"
_INBOX: Final = "workflow handle_delivery"
_CHANGE: Final = "workflow execute_change"
_REPORT: Final = "workflow report_change"

APPLY_PATH: Final = (
    Stop(
        place=_REQUEST,
        name="bot.web.webhook:receive",
        does="check the signature; answer 202 after the transaction",
    ),
    Stop(
        place=_REQUEST,
        name="bot.services.runs.intake:take_in",
        does="store the delivery and queue its workflow",
    ),
    Stop(
        place=_INBOX,
        name="handlers.inbox:Inbox.handle",
        does="find the handler of the event",
    ),
    Stop(
        place=_INBOX,
        name="handlers.events.comments:handle",
        does="parse the comment, claim it by its id, read the pull request",
    ),
    Stop(
        place=_INBOX,
        name="bot.domain.commands.parser:parse",
        does="turn the first line into a command",
    ),
    Stop(
        place=_INBOX,
        name="handlers.dispatch:answer",
        does="react, read the permission and the policy, find the command",
    ),
    Stop(
        place=_INBOX,
        name="handlers.preconditions:prepare",
        does="check fork, state owner and permission; choose the stacks",
    ),
    Stop(
        place=_INBOX,
        name="handlers.commands.apply:handle",
        does="choose the plan of each project",
    ),
    Stop(
        place=_INBOX,
        name="bot.services.gates.judging:Judging.judge",
        does="judge every gate: refuse, or continue",
    ),
    Stop(
        place=_INBOX,
        name="bot.services.runs.requests:RunRequests.apply",
        does="lock the stack and queue the run",
    ),
    Stop(
        place=_INBOX,
        name="bot.services.runs.new_runs:job_of",
        does="choose the workflow and the queue of the run",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.dispatch.run_dispatch:RunDispatch.execute",
        does="choose by the kind of run",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.applying.applying:Applying.execute",
        does="execute the run as an apply",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.applying.changes:Changes.execute",
        does="start the run, or explain an interrupted one",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.gates.judging:Judging.before_apply",
        does="judge every gate again",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.planning.sealed_plans:SealedPlans.parts",
        does="fetch the stored plan and compare its digests",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.applying.changes:Changes.apply",
        does="apply the plan file at most once, between two snapshots",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.stacks.states:Snapshots.take",
        does="snapshot of the state; then the intent is recorded",
    ),
    Stop(
        place=_CHANGE,
        name="bot.adapters.terraform.cli:TerraformCli.apply",
        does="terraform apply PLANFILE, in the sandbox",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.stacks.states:Snapshots.take",
        does="snapshot of the state; then the end is recorded",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.verification.verifying:Verifying.after",
        does="run the checks of verify",
    ),
    Stop(
        place=_CHANGE,
        name="bot.services.runs.outbox:Outbox.ended",
        does="queue the report",
    ),
    Stop(
        place=_REPORT,
        name="bot.services.reporting.reports:Reporting.report_change",
        does="read the records",
    ),
    Stop(
        place=_REPORT,
        name="bot.comments.runs.apply:apply_comment",
        does="render the comment",
    ),
    Stop(
        place=_REPORT,
        name="bot.services.reporting.posting:Poster.once",
        does="write it on GitHub",
    ),
    Stop(
        place=_REPORT,
        name="bot.services.reporting.statuses:Statuses.request_checks",
        does="queue the checks and the deployment",
    ),
)
"""From the comment `/apply prod` to the answer."""


def layers() -> str:
    """Return a drawing of the layers: an arrow means that imports go this way."""
    rows = _rows()
    boxes = [
        f'    L{number}["{" · ".join(_short(name) for name in _split(row))}"]'
        for number, row in enumerate(rows)
    ]
    arrows = [f"    L{number} --> L{number + 1}" for number in range(len(rows) - 1)]
    return "\n".join(("```mermaid", "flowchart TD", *boxes, *arrows, "```"))


def packages() -> str:
    """Return the table of layers, highest first."""
    modules = [name for row in _rows() for name in _split(row)]
    names = dict.fromkeys(".".join(name.split(".")[:2]) for name in modules)
    rows = [(_path(name), _purpose(name)) for name in names if name != "bot.__main__"]
    return table(("Package", "What is in it"), rows)


def inside(container: str) -> str:
    """Return the table of the packages inside `bot.services` or `bot.domain`, lowest first."""
    found = next(each for each in _contracts() if each.get("containers") == [container])
    names = [f"{container}.{name}" for row in reversed(found["layers"]) for name in _split(row)]
    return table(("Package", "What it does"), [(_path(name), _purpose(name)) for name in names])


def apply_path() -> str:
    """Return a drawing of the path of `/apply prod`, a box for the request and for each workflow."""
    lines = ["```mermaid", "flowchart TD"]
    for place in dict.fromkeys(stop.place for stop in APPLY_PATH):
        lines.append(f'    subgraph "{place}"')
        lines += [
            f'    S{number}["{_title(stop)}<br/>{stop.does}"]'
            for number, stop in enumerate(APPLY_PATH, start=1)
            if stop.place == place
        ]
        lines.append("    end")
    lines += [f"    S{number} --> S{number + 1}" for number in range(1, len(APPLY_PATH))]
    return "\n".join((*lines, "```"))


def apply_steps() -> str:
    """Return the same path as a table."""
    rows = [
        (str(number), f"`{module.replace('.', '/')}.py`", f"`{function}`", stop.does)
        for number, stop in enumerate(APPLY_PATH, start=1)
        for module, _, function in [stop.name.partition(":")]
    ]
    return table(("", "Module", "Function", "What it does"), rows)


def _title(stop: Stop) -> str:
    module, _, function = stop.name.partition(":")
    # A function is called by its module, `apply.handle`; a method has its class.
    return function if "." in function else f"{module.rpartition('.')[2]}.{function}"


def _contracts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    return [each for each in found if each["type"] == "layers"]


def _rows() -> list[str]:
    """Return the layers of the whole program, highest first."""
    found: list[str] = next(each["layers"] for each in _contracts() if "containers" not in each)
    return found


def _split(row: str) -> Iterable[str]:
    return (name.strip().strip("()") for name in row.replace(":", "|").split("|"))


def _short(name: str) -> str:
    return name.removeprefix("bot.")


def _path(name: str) -> str:
    path = name.replace(".", "/")
    return f"`{path}`" if (ROOT / path).is_dir() else f"`{path}.py`"


def _purpose(name: str) -> str:
    if name in _PURPOSES:
        return _PURPOSES[name]
    path = ROOT / name.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = " ".join(doc.split("\n\n")[0].split()).rstrip(".")
    return first or "-"
