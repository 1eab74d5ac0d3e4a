"""What people do on pull requests."""

from collections.abc import Mapping

from bot.playground.github.actions import checks, comments, pulls, pushes, repos, update_branch
from bot.playground.github.check_lifecycle import suite_state
from bot.playground.github.errors import not_found
from bot.playground.github.hub import Hub
from bot.playground.github.records.checks import CheckRun, CommitStatus, Deployment
from bot.playground.github.records.model import Comment, Pull, Reaction, Repo, Review
from bot.playground.github.records.rules import RequiredCheck, Ruleset
from bot.playground.github.shapes.threads import thread_comments


class PullActs:
    """The half of the stand-in's interface that is about pull requests; see `StandIn`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def repo(self, repo: str) -> Repo:
        """A repository's record."""
        return self._hub.state.repo(repo)

    def pull(self, repo: str, number: int) -> Pull:
        """A pull request's record."""
        found = self.repo(repo).pulls.get(number)
        if found is None:
            raise not_found()
        return found

    async def force_push(self, repo: str, branch: str, sha: str, *, author: str) -> None:
        """Point a branch at a commit that is there."""
        await repos.push_commit(self._hub, self.repo(repo), branch, sha, by=author)

    async def open_pull(
        self,
        repo: str,
        *,
        author: str,
        branch: str,
        title: str | None = None,
        files: Mapping[str, str | None] | None = None,
        body: str | None = None,
        base: str | None = None,
        draft: bool = False,
        fork: str | None = None,
    ) -> Pull:
        """Push files to a branch (made from the base when new) and open a pull request.

        `fork` is the login of a person in whose fork the branch lies; it is made when missing.
        """
        target = self.repo(repo)
        source = target if fork is None else await repos.fork_repo(self._hub, target, fork)
        base = base or target.default_branch
        title = title or f"Change {', '.join(files or {}) or branch}"
        who = self._hub.state.account(author)
        if files is not None:
            await repos.push_files(self._hub, source, branch, files, author=who, message=title, start=base)
        new = pulls.NewPull(
            author=author,
            title=title,
            body=body,
            head_repo=source,
            head=branch,
            base=base,
            draft=draft,
        )
        return await pulls.open_pull(self._hub, target, new)

    async def comment(self, repo: str, number: int, *, author: str, body: str) -> Comment:
        """Write a comment."""
        return comments.add_comment(self._hub, self.repo(repo), number, author=author, body=body)

    async def edit_comment(self, comment_id: int, *, body: str, author: str | None = None) -> Comment:
        """Change a comment, by its author when nobody else is named."""
        comment = self._comment(comment_id)
        repo = self.repo(comment.repo)
        return comments.edit_comment(self._hub, repo, comment, body=body, by=author or comment.author)

    async def delete_comment(self, comment_id: int, *, author: str | None = None) -> None:
        """Remove a comment."""
        comment = self._comment(comment_id)
        repo = self.repo(comment.repo)
        comments.delete_comment(self._hub, repo, comment, by=author or comment.author)

    def _comment(self, comment_id: int) -> Comment:
        found = self._hub.state.data.comments.get(comment_id)
        if found is None:
            raise not_found()
        return found

    async def review(
        self, repo: str, number: int, *, author: str, state: str, body: str = "", commit: str | None = None
    ) -> Review:
        """Review as approved, changes_requested or commented; `commit` defaults to the head."""
        pull = self.pull(repo, number)
        return comments.submit_review(
            self._hub, self.repo(repo), pull, author=author, state=state, body=body, commit=commit
        )

    async def dismiss_review(self, review_id: int, *, author: str) -> None:
        """Dismiss a review."""
        found = self._hub.state.data.reviews.get(review_id)
        if found is None:
            raise not_found()
        comments.dismiss_review(self._hub, self.repo(found.repo), found, by=author)

    async def merge(
        self, repo: str, number: int, *, author: str, method: str = "merge", sha: str | None = None
    ) -> str:
        """Merge and give the new commit of the base."""
        pull = self.pull(repo, number)
        return await pulls.merge_pull(self._hub, self.repo(repo), pull, by=author, method=method, sha=sha)

    async def update_branch(self, repo: str, number: int, *, author: str) -> str:
        """Merge the base into the head branch and give the new head."""
        return await update_branch.update_branch(
            self._hub, self.repo(repo), self.pull(repo, number), by=author
        )

    async def close(self, repo: str, number: int, *, author: str) -> None:
        """Close without merging."""
        await pulls.close_pull(self._hub, self.repo(repo), self.pull(repo, number), by=author)

    async def reopen(self, repo: str, number: int, *, author: str) -> None:
        """Open again."""
        await pulls.reopen_pull(self._hub, self.repo(repo), self.pull(repo, number), by=author)

    async def edit_base(self, repo: str, number: int, *, base: str, author: str) -> None:
        """Aim at another branch."""
        await pulls.edit_base(self._hub, self.repo(repo), self.pull(repo, number), base, by=author)

    async def edit_title(self, repo: str, number: int, *, title: str, author: str) -> None:
        """Give another title."""
        pull = self.pull(repo, number)
        await pulls.edit_text(self._hub, self.repo(repo), pull, by=author, title=title)

    async def mark_ready(self, repo: str, number: int, *, author: str) -> None:
        """End the draft."""
        pull = self.pull(repo, number)
        await pulls.set_draft(self._hub, self.repo(repo), pull, draft=False, by=author)

    async def mark_draft(self, repo: str, number: int, *, author: str) -> None:
        """Make it a draft again."""
        pull = self.pull(repo, number)
        await pulls.set_draft(self._hub, self.repo(repo), pull, draft=True, by=author)

    async def press(self, check_run_id: int, identifier: str, *, author: str) -> None:
        """Press a check run's button."""
        run = self._run(check_run_id)
        checks.request_action(self._hub, self.repo(run.repo), run, identifier, by=author)

    async def rerequest(self, check_run_id: int, *, author: str) -> None:
        """Ask for a check run again."""
        run = self._run(check_run_id)
        checks.rerequest_run(self._hub, self.repo(run.repo), run, by=author)

    async def rerequest_suite(self, repo: str, sha: str, *, author: str) -> None:
        """Ask for all checks of a commit again."""
        suite = pushes.ensure_suite(self._hub, self.repo(repo), sha)
        await checks.rerequest_suite(self._hub, self.repo(repo), suite.id, by=author)

    def suite_state(self, repo: str, sha: str) -> tuple[str, str | None]:
        """Status and conclusion of the App's suite of a commit."""
        runs = checks.check_runs_of(self._hub, self.repo(repo), sha)
        return suite_state([run for run in runs if not run.app])

    async def report_check(self, repo: str, sha: str, *, name: str, conclusion: str, app: str) -> CheckRun:
        """Report on a commit as another App, whose account is `APP[bot]`."""
        return checks.report_check_run(
            self._hub, self.repo(repo), sha, name=name, conclusion=conclusion, app=app
        )

    async def report_status(
        self, repo: str, sha: str, *, context: str, state: str, author: str
    ) -> CommitStatus:
        """Report on a commit as a program that writes commit statuses."""
        fields = {"context": context, "state": state, "description": None, "target_url": None}
        return await checks.report_status(self._hub, self.repo(repo), sha, fields, by=author)

    def _run(self, check_run_id: int) -> CheckRun:
        found = self._hub.state.data.check_runs.get(check_run_id)
        if found is None:
            raise not_found()
        return found

    def comments(self, repo: str, number: int) -> list[Comment]:
        """The comments of a pull request or issue, oldest first."""
        return thread_comments(self._hub, self.repo(repo), number)

    def reactions(self, comment_id: int) -> list[Reaction]:
        """The reactions on a comment."""
        every = self._hub.state.data.reactions.values()
        return [each for each in every if each.comment_id == comment_id]

    def reviews(self, repo: str, number: int) -> list[Review]:
        """The reviews of a pull request, oldest first."""
        return comments.reviews_of(self._hub, self.repo(repo), number)

    def check_runs(self, repo: str, sha: str) -> list[CheckRun]:
        """All check runs of a commit, oldest first."""
        return checks.check_runs_of(self._hub, self.repo(repo), sha)

    def deployments(self, repo: str) -> list[Deployment]:
        """The deployments of a repository with their statuses, oldest first."""
        name = self.repo(repo).full_name
        return [each for each in self._hub.state.data.deployments.values() if each.repo == name]

    def commit_statuses(self, repo: str, sha: str) -> list[CommitStatus]:
        """The commit statuses of a commit, oldest first."""
        name = self.repo(repo).full_name
        every = self._hub.state.data.commit_statuses.values()
        return [each for each in every if (each.repo, each.sha) == (name, sha)]

    def require_checks(
        self,
        repo: str,
        *contexts: str,
        branch: str = "main",
        app: int | None = None,
        of_owner: bool = False,
    ) -> Ruleset:
        """Add an active ruleset that lets into a branch only what these checks have passed.

        `app` is the id of the App that must report them; `of_owner` makes it a ruleset of the organisation.
        """
        checks = [RequiredCheck(context=each, integration_id=app) for each in contexts]
        made = Ruleset(
            id=self._hub.state.large_id(),
            repo=self.repo(repo).full_name,
            branch=branch,
            of_owner=of_owner,
            checks=checks,
        )
        self._hub.state.data.rulesets[made.id] = made
        self._hub.state.changed()
        return made
