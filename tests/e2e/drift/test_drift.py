"""Somebody changes the world behind Terraform's back."""

from __future__ import annotations

from typing import Any

from bot.playground.github.records.model import Issue
from bot.playground.watch import Watch
from tests.e2e.world import ADMIN, World

_WORLD = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "3.39.0" }
  }
}
variable "cloud" {
  type = string
}
provider "aws" {
  region                      = "us-east-1"
  s3_force_path_style         = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  skip_get_ec2_platforms      = true
  endpoints {
    s3 = var.cloud
  }
}
resource "aws_s3_bucket_object" "motd" {
  bucket       = "world"
  key          = "motd"
  content      = "All is well."
  content_type = "text/plain"
  metadata     = { token = var.cluster_token }
}
"""
_ADDRESS = "aws_s3_bucket_object.motd"
_OTHER_TOKEN = "a-token-that-somebody-put-there"


def _meddle(cloud: Any, content_type: str) -> None:
    cloud.put_object(
        Bucket="world",
        Key="motd",
        Body=b"All is well.",
        ContentType=content_type,
        Metadata={"token": _OTHER_TOKEN},
    )


async def _issue(world: World, state: str) -> Issue:
    """Wait until the only issue of the repository has this state."""

    def look() -> Issue | None:
        issues = [*world.github.repo(world.repo).issues.values()]
        assert len(issues) <= 1
        return next((issue for issue in issues if issue.state == state), None)

    return await Watch(github=world.github, repo=world.repo, number=0, patience=60).until(look, state)


async def test_drift_opens_an_issue_and_shuts_the_gate_until_planned(world: World, cloud: Any) -> None:
    # Given a staging that was applied, whose gate asks for drift, and another change planned for it,
    await world.push({"terraform/world.tf": _WORLD}, branch="main", by=ADMIN)
    await world.change_policy(
        lambda text: text.replace(
            "    apply:\n      allow: write\n    after_merge: apply",
            "    apply:\n      allow: write\n      gates: [drift]\n    after_merge: plan",
        )
    )
    number, _ = await world.open_planned("First")
    await world.applied(number)
    await world.push({"envs/staging.tfvars": await world.staging("Second")}, branch="change")
    await world.hear(number, kind="plan", env="staging", status="planned")

    # when nobody has touched it, then a check says so and opens no issue.
    await world.comment(number, "/drift staging")
    clean = await world.hear(number, kind="drift", env="staging", status="clean")
    assert "Nothing was changed outside Terraform." in clean.body
    await world.told(number)
    assert world.github.repo(world.repo).issues == {}

    # When somebody changes an object by hand, then a check tells it on the pull request and in an issue,
    _meddle(cloud, "text/html")
    await world.comment(number, "/drift staging")
    found = await world.hear(number, kind="drift", env="staging", status="drifted")
    issue = await _issue(world, "open")
    assert f"issue #{issue.number}" in found.body
    for told in (found.body, issue.body or ""):
        assert f"`{_ADDRESS}` was changed" in told
        assert "text/html" in told
        assert _OTHER_TOKEN not in told
        assert "token-of-the-cluster" not in told

    # and the plan that was made before does not go through.
    await world.told(number)
    await world.comment(number, "/apply staging")
    refused = await world.refused(number, "drift")
    assert "/plan staging" in refused.body
    assert _ADDRESS in refused.body

    # When it is planned anew, then the plan shows it, the gate opens, and the apply puts it right,
    await world.comment(number, "/plan staging")
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "Changed outside Terraform" in plan.body
    await world.told(number)
    await world.applied(number)
    # whereupon it is looked at once more without being asked, and the issue is closed.
    closed = await _issue(world, "closed")
    assert closed.number == issue.number
    assert "has no drift any more" in (closed.body or "")
    await world.told(number)

    # When the policy wants it looked at daily, then it is: once, by whichever worker has the turn,
    asked = len(world.runs(kind="drift"))
    _meddle(cloud, "text/css")
    await world.change_policy(
        lambda text: text.replace("    after_merge: plan", "    drift: {every: 1d}\n    after_merge: plan")
    )
    again = await _issue(world, "open")
    assert again.number == issue.number
    assert "text/css" in (again.body or "")
    await world.told(number)
    scheduled = world.runs(kind="drift")[asked:]
    assert [(run["actor"], run["pull"], run["status"]) for run in scheduled] == [
        ("gatewright", None, "succeeded")
    ]
    assert world.locks() == [("staging", number)]
