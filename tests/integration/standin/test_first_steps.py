"""The path every bot takes: token, read, plan, comment."""

import asyncio
import base64
import hashlib
import hmac
from pathlib import Path

from .conftest import REPO, World


async def test_a_comment_arrives_signed_and_the_bot_answers_it(world: World) -> None:
    github = world.github
    pull = await github.open_pull(
        REPO, author="dev", branch="feature", files={"envs/prod.tfvars": "size = 2\n"}, title="Grow"
    )

    await github.comment(REPO, pull.number, author="dev", body="/plan")
    await github.settled()

    hook = world.receiver.last("issue_comment.created")
    digest = hmac.new(github.config.webhook_secret.encode(), hook.raw, hashlib.sha256).hexdigest()
    assert hook.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert hook.body["issue"]["pull_request"]["url"].endswith(f"/repos/{REPO}/pulls/{pull.number}")
    bot = await world.bot(repositories=["infra"])
    comment_id = hook.body["comment"]["id"]
    eyes = await bot.post(f"/repos/{REPO}/issues/comments/{comment_id}/reactions", {"content": "eyes"})
    assert eyes.status == 201
    said = await bot.post(f"/repos/{REPO}/issues/{pull.number}/comments", {"body": "planned"})
    assert said.status == 201
    assert said.body["user"]["login"] == "gatewright[bot]"
    assert [each.body for each in github.comments(REPO, pull.number)] == ["/plan", "planned"]
    assert [each.content for each in github.reactions(comment_id)] == ["eyes"]


async def test_the_bot_reads_what_it_needs_for_a_plan(world: World) -> None:
    pull = await world.github.open_pull(
        REPO, author="dev", branch="feature", files={"envs/prod.tfvars": "size = 2\n"}, title="Grow"
    )
    bot = await world.bot()

    found = await bot.get(f"/repos/{REPO}/pulls/{pull.number}")
    files = await bot.get(f"/repos/{REPO}/pulls/{pull.number}/files")
    content = await bot.get(f"/repos/{REPO}/contents/.github/CODEOWNERS?ref=main")
    role = await bot.get(f"/repos/{REPO}/collaborators/dev/permission")

    assert found.body["head"]["sha"] == pull.head_sha
    assert found.body["mergeable"] is True
    assert [(each["filename"], each["status"]) for each in files.body] == [("envs/prod.tfvars", "modified")]
    assert files.body[0]["patch"].startswith("@@ -1 +1 @@")
    assert base64.b64decode(content.body["content"]).decode().startswith("* @owner")
    assert (role.body["permission"], role.body["role_name"]) == ("write", "write")


async def git(*args: str, cwd: Path, home: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "git",
        *args,
        cwd=cwd,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "dev",
            "GIT_AUTHOR_EMAIL": "dev@example.com",
            "GIT_COMMITTER_NAME": "dev",
            "GIT_COMMITTER_EMAIL": "dev@example.com",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_a_push_over_http_moves_the_pull_request(world: World, tmp_path: Path) -> None:
    github = world.github
    pull = await github.open_pull(
        REPO, author="dev", branch="feature", files={"envs/prod.tfvars": "size = 2\n"}, title="Grow"
    )
    before = pull.head_sha
    origin = github.url.replace("http://", f"http://dev:{github.user_token('dev')}@") + f"/{REPO}.git"

    await git("clone", "--quiet", "--branch", "feature", origin, "work", cwd=tmp_path, home=tmp_path)
    work = tmp_path / "work"
    (work / "envs" / "prod.tfvars").write_text("size = 3\n")
    await git("commit", "--quiet", "--all", "--message", "More", cwd=work, home=tmp_path)
    await git("push", "--quiet", "origin", "feature", cwd=work, home=tmp_path)
    await github.settled()

    hook = world.receiver.last("pull_request.synchronize")
    head = (await git("rev-parse", "HEAD", cwd=work, home=tmp_path)).strip()
    assert (hook.body["before"], hook.body["after"]) == (before, head)
    assert pull.head_sha == head
    assert "push" in world.receiver.events()
    listed = await git("ls-remote", "origin", f"refs/pull/{pull.number}/head", cwd=work, home=tmp_path)
    assert listed.startswith(head)
