"""The demo: one change on its way to staging, another to prod, and their refusals."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp
from rich.console import Console

from bot.domain.core.errors import GatewrightError
from bot.playground import story_prod, story_restore, story_revert, story_test
from bot.playground.github.standin import StandIn
from bot.playground.seed import REPO
from bot.playground.shown import show
from bot.playground.stack import Playground
from bot.playground.watch import Heard, MissingCommentError, Watch

STAGING_FILE = "envs/staging.tfvars"
_MESSAGE = re.compile(r'^(message\s*=\s*)".*"$', re.MULTILINE)
_FIRST, _SECOND, _THIRD = "Hello, staging", "Hello again, staging", "A third thought"
_BRANCH = "new-greeting"


class StoryError(GatewrightError):
    """A step of the demo failed."""


def change_message(text: str, message: str) -> str:
    """Return a var file's text with another `message`; StoryError where it has none."""
    changed, count = _MESSAGE.subn(rf'\g<1>"{message}"', text, count=1)
    if count != 1:
        raise StoryError(f'{STAGING_FILE} has no line `message = "..."`')
    return changed


@dataclass(slots=True, kw_only=True)
class _Stage:
    playground: Playground
    github: StandIn
    out: Console
    watch: Watch

    def say(self, text: str) -> None:
        self.out.print()
        self.out.rule(text)

    def show(self, heard: Heard) -> None:
        show(self.out, heard.body)

    async def comment(self, author: str, body: str) -> None:
        # GitHub's times are whole seconds: a comment in the second of a plan might be older than it.
        await asyncio.sleep(1.1)
        self.say(f"{author} comments: {body}")
        await self.github.comment(REPO, self.watch.number, author=author, body=body)

    async def push(self, message: str) -> str:
        text = await self.github.read(REPO, _BRANCH, STAGING_FILE) or ""
        self.say(f'dev pushes: message = "{message}"')
        return await self.github.push(
            REPO, _BRANCH, {STAGING_FILE: change_message(text, message)}, author="dev"
        )

    async def push_module(self, words: str) -> str:
        text = await self.github.read(REPO, story_prod.BRANCH, story_prod.MODULE_FILE) or ""
        self.say(f"dev pushes another headline: {words}")
        files = {story_prod.MODULE_FILE: story_prod.change_headline(text, words)}
        return await self.github.push(REPO, story_prod.BRANCH, files, author="dev")

    async def grow(self) -> str:
        text = await self.github.read(REPO, story_restore.BRANCH, story_restore.VAR_FILE) or ""
        self.say("dev pushes a second instance")
        files = {story_restore.VAR_FILE: story_restore.grown(text)}
        return await self.github.push(REPO, story_restore.BRANCH, files, author="dev")

    async def approve(self, author: str) -> None:
        await asyncio.sleep(1.1)
        self.say(f"{author} approves")
        await self.github.review(REPO, self.watch.number, author=author, state="approved")

    async def hear(self, **wanted: str) -> Heard:
        heard = await self.watch.hear(wanted)
        self.show(heard)
        return heard

    async def page(self, path: str) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.playground.sites.url}/{path}") as answer,
        ):
            return await answer.text()


async def tell(playground: Playground, out: Console) -> None:
    """Play every step; StoryError names the first that fails."""
    try:
        await _tell(playground, out)
    except MissingCommentError as error:
        raise StoryError(str(error)) from error


async def _tell(playground: Playground, out: Console) -> None:
    stage = await _open(playground, out)
    await _planned_automatically(stage)
    await _applied(stage)
    await _refused(stage)
    await _applied_again(stage)
    await _closed_out(stage)
    await _lived_in_test(stage)
    await _gone_back(await _led_to_prod(stage))
    await _restored(stage)
    _nothing_wrong(stage)


async def _open(playground: Playground, out: Console) -> _Stage:
    github = playground.github
    text = await github.read(REPO, "main", STAGING_FILE) or ""
    pull = await github.open_pull(
        REPO,
        author="dev",
        branch=_BRANCH,
        title="Greet people on staging",
        files={STAGING_FILE: change_message(text, _FIRST)},
    )
    watch = Watch(github=github, repo=REPO, number=pull.number)
    stage = _Stage(playground=playground, github=github, out=out, watch=watch)
    stage.say(f"dev opens #{pull.number}: {pull.title}")
    return stage


async def _planned_automatically(stage: _Stage) -> None:
    first = await stage.hear(kind="plan", env="staging", status="planned")
    head = await stage.push(_SECOND)
    second = await stage.hear(kind="plan", env="staging", status="planned", head=head)
    _expect(second.header["plan"] != first.header["plan"], "the push made no new plan")
    _expect(second.id == first.id, "the plan comment was not updated in place")
    await stage.comment("dev", "/plan staging")
    third = await stage.hear(kind="plan", env="staging", status="planned", head=head)
    _expect(third.header["plan"] != second.header["plan"], "/plan made no new plan")


async def _applied(stage: _Stage) -> None:
    await stage.comment("dev", "/apply staging")
    await stage.hear(kind="apply", env="staging", status="applied")
    page = await stage.page("staging/")
    _expect(_SECOND in page, f"the staging page does not show {_SECOND!r}")
    stage.say(f"{stage.playground.sites.url}/staging/ now shows: {_SECOND}")


async def _refused(stage: _Stage) -> None:
    await stage.comment("outsider", "/apply staging")
    await stage.hear(kind="refusal", reason="permission")
    head = await stage.push(_THIRD)
    planned = await stage.hear(kind="plan", env="staging", status="planned", head=head)
    await stage.push(_SECOND + "!")
    newest = await stage.watch.until(
        lambda: next(
            (
                heard
                for heard in stage.watch.comments()
                if heard.is_about(kind="plan", env="staging", status="planned")
                and heard.header["plan"] != planned.header["plan"]
            ),
            None,
        ),
        "the plan of the newest commit",
    )
    stage.show(newest)
    await stage.comment("dev", f"/apply staging {planned.header['plan']}")
    refusal = await stage.hear(kind="refusal", env="staging")
    reason = refusal.header["reason"]
    _expect(reason in {"head_moved", "plan_stale"}, f"the stale plan was refused as {reason}")
    page = await stage.page("staging/")
    _expect(_THIRD not in page, "the stale plan was applied")


async def _applied_again(stage: _Stage) -> None:
    await asyncio.sleep(1.1)
    await stage.comment("dev", "/apply staging")
    await stage.hear(kind="apply", env="staging", status="applied")


async def _closed_out(stage: _Stage) -> None:
    """Merge; the closeout compares the merged code with every environment."""
    stage.say("dev merges")
    await stage.github.merge(REPO, stage.watch.number, author="dev")
    closeout = await stage.hear(kind="closeout", status="merged")
    _expect("| staging | ✅ applied" in closeout.body, "the closeout does not say that staging was applied")
    _expect("✅ as merged" in closeout.body, "the closeout does not say that staging is as merged")
    _expect("Still held" not in closeout.body, "the merged pull request still holds something")
    page = await stage.page("staging/")
    _expect(_SECOND in page, f"after the merge the staging page does not show {_SECOND!r}")


async def _opened(stage: _Stage, title: str, branch: str, file: str, change: Callable[[str], str]) -> _Stage:
    """Open another pull request that changes one file; returns its stage."""
    github = stage.github
    text = await github.read(REPO, "main", file) or ""
    pull = await github.open_pull(REPO, author="dev", branch=branch, title=title, files={file: change(text)})
    own = replace(stage, watch=Watch(github=github, repo=REPO, number=pull.number))
    own.say(f"dev opens #{pull.number}: {pull.title}")
    return own


async def _lived_in_test(stage: _Stage) -> None:
    own = await _opened(
        stage,
        "Greet people on test",
        story_test.BRANCH,
        story_test.VAR_FILE,
        lambda text: change_message(text, story_test.MESSAGE),
    )

    async def merge() -> None:
        await own.github.merge(REPO, own.watch.number, author="dev")

    await story_test.live_in_test(own, _expect, own.page, merge)


async def _led_to_prod(stage: _Stage) -> _Stage:
    second = await _opened(
        stage,
        "Greet everybody",
        story_prod.BRANCH,
        story_prod.MODULE_FILE,
        lambda text: story_prod.change_headline(text, story_prod.FIRST),
    )
    await story_prod.lead_to_prod(second, _expect, second.page)
    second.say("dev merges")
    await second.github.merge(REPO, second.watch.number, author="dev")
    await second.hear(kind="closeout")
    return second


async def _gone_back(stage: _Stage) -> None:
    await story_revert.go_back(stage, _expect, stage.page)


async def _restored(stage: _Stage) -> None:
    own = await _opened(
        stage, "Rehearse for a bad night", story_restore.BRANCH, story_restore.VAR_FILE, story_restore.renamed
    )
    await story_restore.restore(own, _expect)


def _nothing_wrong(stage: _Stage) -> None:
    github = stage.github
    _expect(not github.violations, f"requests or answers that GitHub does not have: {github.violations[:3]}")
    _expect(not github.crashes, f"the stand-in failed: {github.crashes[:1]}")


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise StoryError(otherwise)
