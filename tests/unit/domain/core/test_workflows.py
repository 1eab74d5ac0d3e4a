"""The table of workflows is the whole truth about them."""

from __future__ import annotations

import ast
import pkgutil
from dataclasses import fields
from pathlib import Path

import pytest

from bot.domain.core import workflows
from bot.domain.core.workflows import WORKFLOWS, Workflow
from bot.engine.config import EngineConfig, Work

ROOT = Path(__file__).parents[4]
NAMES = {name: each for name, each in vars(workflows).items() if isinstance(each, Workflow)}


def enqueuers() -> dict[str, set[str]]:
    """Return workflow -> the modules that name it from the table."""
    found: dict[str, set[str]] = {each.name: set() for each in WORKFLOWS}
    for path in [*ROOT.glob("bot/services/**/*.py"), *ROOT.glob("handlers/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "bot.domain.core.workflows":
                for each in node.names:
                    if each.name in NAMES:
                        found[NAMES[each.name].name].add(path.relative_to(ROOT).as_posix())
    return found


def test_every_workflow_is_in_the_table_once() -> None:
    assert sorted(each.name for each in NAMES.values()) == sorted(each.name for each in WORKFLOWS)


def test_the_table_names_who_enqueues() -> None:
    assert enqueuers() == {each.name: {each.enqueued_by} for each in WORKFLOWS}


def test_every_job_names_a_workflow_of_the_table() -> None:
    literals = [
        (path.name, keyword.arg)
        for path in [*ROOT.glob("bot/services/**/*.py"), *ROOT.glob("handlers/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Job"
        for keyword in node.keywords
        if keyword.arg in {"workflow", "queue"} and isinstance(keyword.value, ast.Constant)
    ]

    assert literals == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.name)
def test_a_workflow_has_its_function_and_its_queue(workflow: Workflow) -> None:
    queues = {each.name for each in EngineConfig(database_url="sqlite:///x").queues()}

    assert workflow.queue in queues
    assert workflow.name in {each.name for each in fields(Work)}
    assert callable(pkgutil.resolve_name(workflow.calls))


def test_the_engine_calls_nothing_else() -> None:
    assert {each.name for each in fields(Work)} == {each.name for each in WORKFLOWS} | {"on_lost"}
