"""Several projects of one environment go in the order in which they depend on one another."""

from __future__ import annotations

import pytest_asyncio

from tests.e2e.world import ADMIN, DEV, LASTING, World

_NET = """
resource "terraform_data" "net" {
  input = "%s"
  provisioner "local-exec" {
    command = "test '${self.input}' != broken"
  }
}
"""
_APP = 'resource "terraform_data" "app" {\n  input = "%s"\n}\n'
_PROJECTS = """projects:
  - {name: default, dir: terraform}
  - {name: app, dir: app, depends_on: [net]}
  - {name: net, dir: net}
"""
_OFF = "  - {name: default, dir: terraform}\n"


@pytest_asyncio.fixture(loop_scope="session")
async def projects(world: World) -> World:
    """Give three projects of which `app` depends on `net`; test lives as long as its pull request."""
    await world.push({"net/main.tf": _NET % "one", "app/main.tf": _APP % "one"}, branch="main", by=ADMIN)
    await world.change_policy(
        lambda text: (
            text.replace(f"projects:\n{_OFF}", _PROJECTS)
            .replace("/terraform.tfstate", "/{project}/terraform.tfstate")
            .replace(LASTING, "lifecycle: pull_request")
            .replace("autoplan: true", "autoplan: false", 1)
            .replace("envs/", "envs/{project}/")
            .replace("var_file", "# var_file")
            # These projects have no address, for which a check would wait.
            .replace("      - {type: http", "      # - {type: http")
        )
    )
    await world.idle()
    return world


def _changes(world: World, env: str) -> list[tuple[str, str, str]]:
    """Return kind, project and status of every change, in the order in which Terraform was started."""
    runs = [run for run in world.runs() if run["env"] == env and run["kind"] != "plan" and run["intent_at"]]
    runs.sort(key=lambda run: str(run["intent_at"]))
    return [(run["kind"], run["project"], run["status"]) for run in runs]


async def test_projects_are_applied_in_order_and_first_failure_stops_rest(projects: World) -> None:
    # Given a pull request that changes both projects,
    world = projects
    number = await world.open({"net/main.tf": _NET % "broken", "app/main.tf": _APP % "two"})
    told = await world.told(number)
    assert "plan net staging planned" in told
    # whose test is stopped already, because what app depends on cannot be applied there,
    assert _changes(world, "test") == [("apply", "net", "failed")]
    assert "plan app test canceled" in told
    # when staging is applied without a project, then the failure of the first stops the second,
    await world.comment(number, "/apply staging")
    body = (await world.hear(number, kind="apply", env="staging", project="net", status="failed")).body
    # and one comment says in their order what was applied and what was not.
    assert body.index("| staging (net) | ❌ the apply failed |") < body.index(
        "| staging (app) | ⏭️ not applied |"
    )
    applies = [heard for heard in world.watch(number).comments() if heard.header["kind"] == "apply"]
    assert len([heard for heard in applies if heard.header["env"] == "staging"]) == 1
    await world.told(number)
    assert _changes(world, "staging") == [("apply", "net", "failed")]
    assert world.locks() == [("test", number), ("test", number), ("staging", number)]

    # When it is mended, then test is deployed in order by itself,
    await world.push({"net/main.tf": _NET % "two"})
    await world.told(number)
    assert _changes(world, "test")[1:] == [("apply", "net", "succeeded"), ("apply", "app", "succeeded")]
    # and staging by one command.
    command = await world.comment(number, "/apply staging")
    await world.reacted(command, "rocket")
    await world.told(number)
    assert _changes(world, "staging")[1:] == [("apply", "net", "succeeded"), ("apply", "app", "succeeded")]
    # Nothing is left then.
    await world.comment(number, "/apply staging")
    await world.refused(number, "already_applied")
    # A state is restored by itself: each project has its own.
    await world.comment(number, "/state restore staging")
    assert "`-p net`" in (await world.refused(number, "project")).body
    await world.comment(number, "/state restore staging -p net")
    await world.hear(number, kind="restore", project="net", status="versions")

    # When the pull request is merged, then test is destroyed the other way round.
    await world.github.merge(world.repo, number, author=DEV)
    await world.told(number)
    assert _changes(world, "test")[3:] == [("destroy", "app", "succeeded"), ("destroy", "net", "succeeded")]
    assert world.locks() == []


async def test_merge_applies_a_project_behind_its_dependencies_or_never(projects: World) -> None:
    # Given a pull request that changes both projects, of which the first cannot be applied,
    world = projects
    number = await world.open({"net/main.tf": _NET % "broken", "app/main.tf": _APP % "two"})
    await world.told(number)
    # when it is merged before anything was applied,
    await world.github.merge(world.repo, number, author=DEV)
    body = (await world.hear(number, kind="closeout")).body
    await world.told(number)
    # then the second has waited for the end of the first, is not applied, and the closeout says why.
    net, app = [run for run in world.runs(kind="sync") if run["env"] == "staging"]
    assert (net["project"], net["status"]) == ("net", "failed")
    assert (app["status"], app["intent_at"]) == ("succeeded", None)
    assert net["finished_at"] <= app["started_at"]
    assert "because what it depends on is not in place" in body
    assert ("staging", number) in world.locks()


async def test_queue_merges_are_applied_in_the_order_of_projects(projects: World) -> None:
    # Given two pull requests, the second of a project that depends on the first one's, which cannot be applied,
    world = projects
    net = await world.open({"net/main.tf": _NET % "broken"}, branch="net")
    app = await world.open({"app/main.tf": _APP % "two"}, branch="app")
    await world.told(app)
    # when the merge queue merges both with one push,
    await world.github.queue(world.repo, net, app, author=DEV)
    await world.github.merge_queue(world.repo)
    said = await world.hear(app, kind="closeout")
    await world.told(net)
    await world.told(app)
    # then the second has waited for the end of the first, is not applied, and its closeout says why.
    first, second = [run for run in world.runs(kind="sync") if run["env"] == "staging"]
    assert [(run["pull"], run["status"]) for run in (first, second)] == [(net, "failed"), (app, "succeeded")]
    assert second["intent_at"] is None
    assert first["finished_at"] <= second["started_at"]
    assert "because what it depends on is not in place" in said.body
    assert world.locks() == [("staging", net)]
