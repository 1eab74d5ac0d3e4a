"""Data is copied by the policy's command, against the direction of changes, and only a failure is told."""

from __future__ import annotations

from bot.adapters.encryption import AesGcmCipher, parse_key
from bot.playground.watch import Watch
from tests.e2e.world import ADMIN, OWNER, World, state_client

_SCRIPT = """
import json, os, stat, sys
path = os.environ["GATEWRIGHT_SOURCE_OUTPUTS"]
given = json.load(open(path))
print("where:", os.path.basename(os.getcwd()), os.environ["GATEWRIGHT_SOURCE"], os.environ["GATEWRIGHT_TARGET"])
print("private:", oct(stat.S_IMODE(os.stat(path).st_mode)))
print("message:", given["environment"]["value"], given["kubeconfig"]["sensitive"])
print("secret:", given["kubeconfig"]["value"])
print("own:", json.load(open(os.environ["GATEWRIGHT_TARGET_OUTPUTS"])))
print("of staging:", [name for name in os.environ if "ONLY" in name or "LICENSE" in name])
sys.exit(CODE)
"""
_REFRESH = "    data_refresh: {from: staging, command: [python3, refresh.py], every: 1d}\n"


async def test_refresh_is_reported_when_it_fails_and_when_it_recovers(world: World) -> None:
    # Given staging with outputs, a command that fails, and test on hold,
    number, _ = await world.open_planned("To be copied")
    await world.applied(number)
    await world.comment(number, "/hold test nobody touches the data", by=OWNER)
    await world.hear(number, kind="hold", env="test", status="held")
    await world.push({"terraform/refresh.py": _SCRIPT.replace("CODE", "3")}, branch="main", by=ADMIN)
    # when the policy asks for test to be refreshed from staging,
    await world.change_policy(lambda text: text.replace("    twin: ci\n", f"    twin: ci\n{_REFRESH}"))
    await world.comment(number, "/status")
    await world.hear(number, kind="status")
    # then nothing is copied while it is on hold,
    assert world.runs(kind="data_refresh") == []
    await world.comment(number, "/unhold test", by=OWNER)
    await world.hear(number, kind="hold", env="test", status="lifted")
    # a failure stands in an issue that quotes nothing,
    await world.ended("data_refresh", "failed")
    issue = await _issue(world, "open")
    assert "exit code 3" in issue
    assert "secret:" not in issue

    # and is not repeated before its time, unless somebody who may asks for it.
    failed = world.runs(kind="data_refresh")
    assert [run["status"] for run in failed] == ["failed"]
    await world.push({"terraform/refresh.py": _SCRIPT.replace("CODE", "0")}, branch="main", by=ADMIN)
    await world.comment(number, f"/rerun {failed[0]['id']}")
    await world.refused(number, "permission")
    await world.comment(number, f"/rerun {failed[0]['id']}", by=OWNER)
    await world.hear(number, kind="data_refresh", env="test", status="succeeded")
    # Once the command works, the issue is closed.
    assert "was refreshed again" in await _issue(world, "closed")
    await world.told(number)

    # The command had the outputs in a file of its own, nothing of other environments, and its log shows no secret.
    run = next(run for run in world.runs(kind="data_refresh") if run["status"] == "succeeded")
    lines = _log(world, run["id"]).splitlines()
    assert lines[:3] == ["where: terraform staging test", "private: 0o600", "message: staging True"]
    assert "own: {}" in lines
    assert "of staging: []" in lines
    assert "secret: (sensitive)" in "\n".join(lines) or "secret: ***" in "\n".join(lines)
    assert "clusters" not in "\n".join(lines)


async def _issue(world: World, state: str) -> str:
    def look() -> str | None:
        issues = world.github.repo(world.repo).issues.values()
        return next((issue.body or "" for issue in issues if issue.state == state), None)

    watch = Watch(github=world.github, repo=world.repo, number=0, patience=60)
    return await watch.until(look, f"an {state} issue")


def _log(world: World, run: str) -> str:
    cipher = AesGcmCipher(parse_key(world.playground.secrets.encryption_key))
    key = f"logs/{run}.log"
    with state_client(world.playground) as client:
        stored = client.get_object(Bucket=world.playground.s3.artifact_bucket, Key=key)
    return cipher.open(stored["Body"].read(), context=key).decode()
