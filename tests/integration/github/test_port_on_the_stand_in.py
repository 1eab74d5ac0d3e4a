"""Every method of the port against the stateful stand-in, which checks requests against GitHub's OpenAPI."""

from __future__ import annotations

import pytest

from bot.domain.core.accounts import GHOST, Login
from bot.domain.core.errors import GitHubError, GitHubNotFoundError
from bot.domain.core.model import Permission, Sha
from bot.playground.github import StandIn
from bot.playground.github.records.model import Pull
from bot.ports import Annotation, Check, CheckButton
from tests.fakes.accounts import unnumbered
from tests.integration.github.conftest import REPO, World

MARKER = '<!-- gatewright {"kind": "plan", "env": "staging"} -->'


async def opened(github: StandIn, *, branch: str = "topic", fork: str | None = None) -> Pull:
    return await github.open_pull(REPO, author="dev", branch=branch, files={"a.tf": "# new\n"}, fork=fork)


async def test_a_repository_is_told_with_its_installation_and_default_branch(world: World) -> None:
    repo = await world.app.repository("Acme/INFRA")

    assert (repo.full_name, repo.default_branch) == ("acme/infra", "main")
    assert repo.installation_id == world.repo.installation_id > 0


async def test_a_repository_without_the_app_is_not_found(world: World) -> None:
    await world.github.create_repo("acme/secret", installed=False)

    with pytest.raises(GitHubNotFoundError, match=r"looking for the App's installation on acme/secret"):
        await world.app.repository("acme/secret")


@pytest.mark.parametrize(
    "name", ["acme", "acme/infra/x", "acme/..", "../infra", "acme/in fra", "acme/infra?x", ""]
)
async def test_a_name_that_is_no_repository_is_never_asked_for(world: World, name: str) -> None:
    asked = len(world.github.requests)

    with pytest.raises(GitHubError):
        await world.app.repository(name)

    assert len(world.github.requests) == asked


async def test_a_pull_request_is_told_as_it_is_now(world: World) -> None:
    pull = await opened(world.github)

    told = await world.app.pull(world.repo, pull.number)

    assert (told.number, told.state, told.merged, told.draft) == (1, "open", False, False)
    assert (told.author.login, told.author.id) == ("dev", world.github.account("dev").id)
    assert (told.head_sha, told.head_ref, told.head_repo) == (pull.head_sha, "topic", REPO)
    assert (told.base_ref, told.base_sha) == ("main", pull.base_sha)
    assert told.is_fork is False
    assert told.merge_commit is None


async def test_a_pull_request_is_read_with_its_repository(world: World) -> None:
    pull = await opened(world.github)

    told = await world.app.subject(REPO, pull.number)

    assert told == (await world.app.repository(REPO), await world.app.pull(world.repo, pull.number))


async def test_a_pull_request_of_a_fork_is_told_as_one(world: World) -> None:
    pull = await opened(world.github, fork="outsider")

    told = await world.app.pull(world.repo, pull.number)

    assert told.is_fork
    assert told.head_repo == "outsider/infra"


async def test_a_merged_pull_request_tells_its_merge_commit(world: World) -> None:
    pull = await opened(world.github)
    merged = await world.github.merge(REPO, pull.number, author="owner")

    told = await world.app.pull(world.repo, pull.number)

    assert (told.state, told.merged, told.merge_commit) == ("closed", True, merged)


async def test_only_open_pull_requests_are_listed(world: World) -> None:
    first, second = await opened(world.github), await opened(world.github, branch="other")
    await world.github.close(REPO, first.number, author="dev")

    told = await world.app.open_pulls(world.repo)

    assert [each.number for each in told] == [second.number]


@pytest.mark.parametrize(
    ("login", "right"),
    [
        ("dev", Permission.WRITE),
        ("admin", Permission.ADMIN),
        ("reader", Permission.READ),
        ("outsider", Permission.NONE),
        ("nobody-by-that-name", Permission.NONE),
    ],
)
async def test_permissions_are_those_of_the_role(world: World, login: str, right: Permission) -> None:
    assert await world.app.permission(world.repo, world.account(login)) is right


@pytest.mark.parametrize("role", ["triage", "maintain"])
async def test_permissions_between_read_and_admin_keep_their_role(world: World, role: str) -> None:
    world.github.set_permission(REPO, "dev", role)

    assert await world.app.permission(world.repo, world.account("dev")) is Permission(role)


async def test_renamed_account_has_its_right_under_its_new_login_only(world: World) -> None:
    before = world.account("dev")
    world.github.rename_account("dev", "developer")

    assert await world.app.permission(world.repo, before) is Permission.NONE
    assert await world.app.permission(world.repo, world.account("developer")) is Permission.WRITE


async def test_who_took_a_login_lends_its_right_to_nobody(world: World) -> None:
    before = world.account("dev")
    world.github.rename_account("dev", "developer")
    await world.github.add_user("dev")
    world.github.set_permission(REPO, "dev", "admin")

    assert await world.app.permission(world.repo, before) is Permission.NONE
    assert await world.app.permission(world.repo, world.account("dev")) is Permission.ADMIN


async def test_an_account_without_id_has_no_right(world: World) -> None:
    assert await world.app.permission(world.repo, unnumbered("dev")) is Permission.NONE


async def test_reviews_and_authors_that_were_deleted_are_nobodys(world: World) -> None:
    await world.github.add_user("leaver")
    world.github.set_permission(REPO, "leaver", "write")
    pull = await world.github.open_pull(REPO, author="leaver", branch="gone", files={"g.tf": "# g\n"})
    await world.github.review(REPO, pull.number, author="owner", state="approved")
    world.github.delete_account("owner")
    world.github.delete_account("leaver")

    assert (await world.app.pull(world.repo, pull.number)).author == GHOST
    assert [each.author for each in await world.app.open_pulls(world.repo)] == [GHOST]
    assert await world.app.reviews(world.repo, pull.number) == []


async def test_team_member_is_one_and_invited_person_is_not_yet(world: World) -> None:
    team = await world.github.add_team("acme", "oncall", ["owner"])
    team.pending.append("dev")

    answers = [
        await world.app.is_team_member("acme", "oncall", Login(who)) for who in ("owner", "dev", "admin")
    ]

    assert answers == [True, False, False]


async def test_a_branch_with_slashes_has_a_head(world: World) -> None:
    sha = await world.github.push(REPO, "feature/a/b", {"x": "1\n"}, author="dev", start="main")

    assert await world.app.branch_head(world.repo, "feature/a/b") == sha


async def test_a_missing_branch_is_not_found(world: World) -> None:
    with pytest.raises(GitHubNotFoundError, match="reading the tip of gone in acme/infra"):
        await world.app.branch_head(world.repo, "gone")


async def test_a_file_is_read_at_a_ref(world: World) -> None:
    before = await world.github.head(REPO, "main")
    await world.github.push(REPO, "main", {"terraform/main.tf": "# changed\n"}, author="owner")

    assert await world.app.file(world.repo, "terraform/main.tf", before) == "# ä\n"
    assert await world.app.file(world.repo, "terraform/main.tf", "main") == "# changed\n"
    assert await world.app.file(world.repo, "terraform/none.tf", "main") is None


async def test_file_at_missing_ref_is_not_taken_for_missing_file(world: World) -> None:
    with pytest.raises(GitHubNotFoundError):
        await world.app.file(world.repo, "README.md", "f" * 40)


async def test_a_directory_is_not_a_file(world: World) -> None:
    with pytest.raises(GitHubError, match="it is a directory"):
        await world.app.file(world.repo, "terraform", "main")


async def test_a_file_above_one_megabyte_is_refused(world: World) -> None:
    await world.github.push(REPO, "main", {"big.txt": "x" * 1_100_000}, author="owner")

    with pytest.raises(GitHubError, match="larger than 1 MB"):
        await world.app.file(world.repo, "big.txt", "main")


async def test_a_comment_is_written_updated_and_found_again(world: World) -> None:
    pull = await opened(world.github)

    posted = await world.app.comment(world.repo, pull.number, f"{MARKER}\nfirst")
    await world.time.sleep(90)
    updated = await world.app.update_comment(world.repo, posted.id, f"{MARKER}\nsecond")

    [comment] = world.github.comments(REPO, pull.number)
    assert (comment.id, comment.author, comment.body) == (posted.id, "gatewright[bot]", f"{MARKER}\nsecond")
    assert (updated.at - posted.at).total_seconds() == 90
    found = await world.app.find_comment(world.repo, pull.number, MARKER)
    assert found is not None
    assert found.id == posted.id


async def test_only_apps_own_comments_are_found_by_their_first_line(world: World) -> None:
    pull = await opened(world.github)
    await world.app.comment(world.repo, pull.number, f"other\n{MARKER}")
    await world.github.comment(REPO, pull.number, author="dev", body=f"{MARKER}\nforged")

    assert await world.app.find_comment(world.repo, pull.number, MARKER) is None


async def test_the_newest_of_many_comments_is_found_without_reading_all(world: World) -> None:
    pull = await opened(world.github)
    await world.app.comment(world.repo, pull.number, f"{MARKER}\nold")
    for number in range(250):
        await world.github.comment(REPO, pull.number, author="dev", body=f"talk {number}")
    newest = await world.app.comment(world.repo, pull.number, f"{MARKER}\nnew")
    asked = len(world.github.requests)

    found = await world.app.find_comment(world.repo, pull.number, MARKER)

    assert found is not None
    assert (found.id, found.at) == (newest.id, newest.at)
    pages = [each.path for each in world.github.requests[asked:] if "/comments" in each.path]
    assert len(pages) == 1


async def test_an_old_comment_is_found_behind_many_newer_ones(world: World) -> None:
    pull = await opened(world.github)
    old = await world.app.comment(world.repo, pull.number, f"{MARKER}\nold")
    for number in range(199):
        await world.github.comment(REPO, pull.number, author="dev", body=f"talk {number}")

    found = await world.app.find_comment(world.repo, pull.number, MARKER)
    assert found is not None
    assert found.id == old.id


async def test_updating_a_deleted_comment_is_not_found(world: World) -> None:
    pull = await opened(world.github)
    posted = await world.app.comment(world.repo, pull.number, "hello")
    await world.github.delete_comment(posted.id)

    with pytest.raises(GitHubNotFoundError, match=f"updating comment {posted.id} on acme/infra"):
        await world.app.update_comment(world.repo, posted.id, "again")


async def test_an_outdated_comment_is_folded(world: World) -> None:
    pull = await opened(world.github)
    posted = await world.app.comment(world.repo, pull.number, "hello")

    await world.app.minimize_comment(world.repo, posted.id)

    assert world.github.comments(REPO, pull.number)[0].minimized == "outdated"


async def test_reactions_are_added_once(world: World) -> None:
    pull = await opened(world.github)
    comment = await world.github.comment(REPO, pull.number, author="dev", body="/plan")

    for content in ("eyes", "eyes", "rocket"):
        await world.app.react(world.repo, comment.id, content)

    assert [each.content for each in world.github.reactions(comment.id)] == ["eyes", "rocket"]


async def test_folding_and_reacting_to_a_deleted_comment_are_no_errors(world: World) -> None:
    pull = await opened(world.github)
    comment = await world.github.comment(REPO, pull.number, author="dev", body="/plan")
    await world.github.delete_comment(comment.id)

    await world.app.react(world.repo, comment.id, "eyes")
    await world.app.minimize_comment(world.repo, comment.id)

    assert world.github.comments(REPO, pull.number) == []


def a_check(head: str, **changes: object) -> Check:
    told = {"name": "gatewright/plan", "conclusion": None, "title": "Planning", "summary": "soon", **changes}
    return Check(head_sha=Sha(head), **told)  # type: ignore[arg-type] # The tests name fields as they are.


async def test_a_check_goes_from_progress_to_success_with_buttons(world: World) -> None:
    pull = await opened(world.github)
    button = CheckButton(
        label="Apply staging to the whole world", description="d" * 60, identifier="apply:staging"
    )

    check_id = await world.app.create_check(world.repo, a_check(pull.head_sha, external_id="run-1"))
    [run] = world.github.check_runs(REPO, pull.head_sha)
    before = (run.status, run.conclusion)
    done = a_check(
        pull.head_sha,
        conclusion="success",
        title="Planned",
        details_url="https://bot.example/runs/1",
        buttons=(button, button, button, button),
    )
    await world.app.update_check(world.repo, check_id, done)

    assert run.id == check_id
    assert before == ("in_progress", None)
    assert (run.status, run.conclusion, run.title) == ("completed", "success", "Planned")
    assert [(each["label"], each["identifier"]) for each in run.actions] == 3 * [
        ("Apply staging to the", "apply:staging")
    ]


def remarks_on_many_lines() -> tuple[Annotation, ...]:
    return tuple(
        Annotation(path="a.tf", line=number, level="warning", message=f"remark {number}")
        for number in range(1, 121)
    )


async def test_long_summary_is_cut_and_many_annotations_go_in_portions(world: World) -> None:
    pull = await opened(world.github)
    remarks = remarks_on_many_lines()

    check = a_check(pull.head_sha, conclusion="failure", summary="line\n" * 20_000, annotations=remarks)
    await world.app.create_check(world.repo, check)

    [run] = world.github.check_runs(REPO, pull.head_sha)
    assert run.summary is not None
    assert len(run.summary) <= 65_535
    assert run.summary.endswith("the run page has the rest.")
    assert [each["message"] for each in run.annotations] == [each.message for each in remarks]


@pytest.mark.parametrize(("method", "path"), [("POST", r"/check-runs$"), ("PATCH", r"/check-runs/\d+$")])
async def test_no_annotation_is_doubled_when_an_answer_is_lost(
    world: World, *, method: str, path: str
) -> None:
    pull = await opened(world.github)
    lost = world.github.faults.add(path=path, method=method, status=502, before_effect=False)

    check = a_check(
        pull.head_sha, conclusion="failure", external_id="7:f", annotations=remarks_on_many_lines()
    )
    await world.app.create_check(world.repo, check)

    [run] = world.github.check_runs(REPO, pull.head_sha)
    assert lost.hits == 1
    assert [each["message"] for each in run.annotations] == [each.message for each in check.annotations]


async def test_annotations_missed_by_a_lost_process_are_added_later(
    world: World,
) -> None:
    pull = await opened(world.github)
    check = a_check(
        pull.head_sha, conclusion="failure", external_id="7:f", annotations=remarks_on_many_lines()
    )
    world.github.faults.add(path=r"/check-runs/\d+$", method="PATCH", status=422)
    with pytest.raises(GitHubError):
        await world.app.create_check(world.repo, check)

    created = await world.app.create_check(world.repo, check, in_doubt=True)
    await world.app.update_check(world.repo, created, check)

    [run] = world.github.check_runs(REPO, pull.head_sha)
    assert [each["message"] for each in run.annotations] == [each.message for each in check.annotations]


async def test_a_deployment_is_recorded_with_its_states(world: World) -> None:
    pull = await opened(world.github)

    number = await world.app.create_deployment(world.repo, Sha(pull.head_sha), "prod", "d" * 200)
    await world.app.set_deployment_status(
        world.repo, number, "in_progress", "applying", "https://bot.example/1"
    )
    await world.app.set_deployment_status(world.repo, number, "success", "e" * 200, "")

    [deployment] = world.github.deployments(REPO)
    assert (deployment.id, deployment.ref, deployment.environment) == (number, pull.head_sha, "prod")
    assert deployment.production_environment is True
    assert [each.state for each in deployment.statuses] == ["in_progress", "success"]


async def test_staging_is_not_a_production_environment(world: World) -> None:
    pull = await opened(world.github)

    await world.app.create_deployment(world.repo, Sha(pull.head_sha), "staging", "plan p1")

    assert world.github.deployments(REPO)[0].production_environment is False


async def test_the_git_token_reads_contents_and_writes_nothing(world: World) -> None:
    token = await world.app.git_token(world.repo)

    [issued] = [
        each
        for each in world.github._hub.state.data.tokens.values()
        if each.permissions.get("contents") == "read" and "checks" not in each.permissions
    ]
    assert token.startswith("ghs_")
    assert set(issued.permissions) == {"contents", "metadata"}
    assert issued.repositories == [world.github.repo(REPO).id]


async def test_a_revoked_token_is_replaced_without_the_caller_noticing(world: World) -> None:
    await world.app.branch_head(world.repo, "main")
    world.github.revoke_tokens()

    assert await world.app.branch_head(world.repo, "main") == await world.github.head(REPO, "main")


async def test_an_app_that_was_installed_anew_is_found_again(world: World) -> None:
    world.github.uninstall(REPO)
    world.github.install(REPO)
    world.github.revoke_tokens()

    assert await world.app.branch_head(world.repo, "main") == await world.github.head(REPO, "main")


async def test_the_credentials_tell_the_apps_name(world: World) -> None:
    assert await world.app.check_credentials() == "Gatewright"


async def test_a_comment_whose_answer_was_lost_is_written_once(world: World) -> None:
    pull = await opened(world.github)
    lost = world.github.faults.add(
        path=r"/issues/\d+/comments$", method="POST", drop_connection=True, before_effect=False
    )

    posted = await world.app.comment(world.repo, pull.number, f"{MARKER}\nplan")

    assert lost.hits == 1
    assert [each.id for each in world.github.comments(REPO, pull.number)] == [posted.id]


async def test_equal_comment_of_earlier_is_not_taken_for_lost_one(world: World) -> None:
    pull = await opened(world.github)
    earlier = await world.app.comment(world.repo, pull.number, f"{MARKER}\nplan")
    await world.time.sleep(300)
    world.github.faults.add(path=r"/issues/\d+/comments$", method="POST", status=502)

    posted = await world.app.comment(world.repo, pull.number, f"{MARKER}\nplan")

    assert [each.id for each in world.github.comments(REPO, pull.number)] == [earlier.id, posted.id]


async def test_deployment_and_check_whose_answers_were_lost_are_made_once(world: World) -> None:
    pull = await opened(world.github)
    for path in (r"/check-runs$", r"/deployments$"):
        world.github.faults.add(path=path, method="POST", status=504, before_effect=False)

    check_id = await world.app.create_check(world.repo, a_check(pull.head_sha, external_id="run-7"))
    number = await world.app.create_deployment(world.repo, Sha(pull.head_sha), "staging", "plan p1")

    assert [each.id for each in world.github.check_runs(REPO, pull.head_sha)] == [check_id]
    assert [each.id for each in world.github.deployments(REPO)] == [number]
