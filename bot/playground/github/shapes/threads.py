"""Issues, comments, reactions and reviews as JSON."""

from collections import Counter
from typing import Any

from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.model import Comment, Issue, Pull, Reaction, Repo, Review
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.accounts import app_json, association, nullable_user_json
from bot.playground.github.shapes.repos import label_json, repo_api

Json = dict[str, Any]
CONTENTS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def thread_comments(hub: Hub, repo: Repo, number: int) -> list[Comment]:
    """The comments of an issue or pull request, oldest first."""
    every = hub.state.data.comments.values()
    return [each for each in every if each.repo == repo.full_name and each.number == number]


def labels_json(hub: Hub, repo: Repo, issue: Issue) -> list[Json]:
    """The labels on an issue."""
    return [label_json(hub, repo, repo.labels[name]) for name in issue.labels if name in repo.labels]


def issue_json(hub: Hub, repo: Repo, issue: Issue) -> Json:
    """An issue; a pull request is one too, marked by `pull_request`."""
    api = f"{repo_api(hub, repo)}/issues/{issue.number}"
    kind = "pull" if isinstance(issue, Pull) else "issues"
    closed = issue.state == "closed"
    body: Json = {
        "url": api,
        "repository_url": repo_api(hub, repo),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": f"{hub.url}/{repo.full_name}/{kind}/{issue.number}",
        "id": issue.issue_id,
        "node_id": node_id("Issue", issue.issue_id),
        "number": issue.number,
        "title": issue.title,
        "user": nullable_user_json(hub, issue.author),
        "labels": labels_json(hub, repo, issue),
        "state": issue.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(thread_comments(hub, repo, issue.number)),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at) if issue.closed_at is not None else None,
        "author_association": association(hub, repo, issue.author),
        "active_lock_reason": None,
        "body": issue.body,
        "reactions": _rollup(api, []),
        "timeline_url": f"{api}/timeline",
        "performed_via_github_app": app_json(hub) if issue.via_app else None,
        "state_reason": "completed" if closed and not isinstance(issue, Pull) else None,
    }
    if isinstance(issue, Pull):
        body["draft"] = issue.draft
        body["pull_request"] = {
            "url": f"{repo_api(hub, repo)}/pulls/{issue.number}",
            "html_url": body["html_url"],
            "diff_url": f"{body['html_url']}.diff",
            "patch_url": f"{body['html_url']}.patch",
            "merged_at": stamp(issue.merged_at) if issue.merged_at is not None else None,
        }
    return body


def comment_json(hub: Hub, repo: Repo, comment: Comment) -> Json:
    """A comment on an issue or pull request."""
    api = repo_api(hub, repo)
    url = f"{api}/issues/comments/{comment.id}"
    thread = repo.thread(comment.number)
    kind = "pull" if isinstance(thread, Pull) else "issues"
    reactions = [each for each in hub.state.data.reactions.values() if each.comment_id == comment.id]
    return {
        "url": url,
        "html_url": f"{hub.url}/{repo.full_name}/{kind}/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/issues/{comment.number}",
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "user": nullable_user_json(hub, comment.author),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": association(hub, repo, comment.author),
        "body": comment.body,
        "reactions": _rollup(url, [each.content for each in reactions]),
        "performed_via_github_app": app_json(hub) if comment.via_app else None,
    }


def _rollup(url: str, contents: list[str]) -> Json:
    counts = Counter(contents)
    return {
        "url": f"{url}/reactions",
        "total_count": len(contents),
        **{content: counts[content] for content in CONTENTS},
    }


def reaction_json(hub: Hub, reaction: Reaction) -> Json:
    """A reaction."""
    return {
        "id": reaction.id,
        "node_id": node_id("Reaction", reaction.id),
        "user": nullable_user_json(hub, reaction.author),
        "content": reaction.content,
        "created_at": stamp(reaction.created_at),
    }


def review_json(hub: Hub, repo: Repo, review: Review) -> Json:
    """A review as REST writes it: the state in upper case."""
    page = f"{hub.url}/{repo.full_name}/pull/{review.number}#pullrequestreview-{review.id}"
    api = f"{repo_api(hub, repo)}/pulls/{review.number}"
    return {
        "id": review.id,
        "node_id": node_id("PullRequestReview", review.id),
        "user": nullable_user_json(hub, review.author),
        "body": review.body,
        "state": review.state,
        "html_url": page,
        "pull_request_url": api,
        "author_association": association(hub, repo, review.author),
        "_links": {"html": {"href": page}, "pull_request": {"href": api}},
        "submitted_at": stamp(review.submitted_at),
        "commit_id": review.commit_id,
    }
