"""Comments, reactions and reviews."""

from bot.playground.github.errors import ApiError, invalid, not_found
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Comment, Issue, Pull, Reaction, Repo, Review
from bot.playground.github.shapes import events

BODY_LIMIT = 65_536


def thread(repo: Repo, number: int) -> Issue:
    """The issue or pull request of that number; 404 when there is none."""
    found = repo.thread(number)
    if found is None:
        raise not_found()
    return found


def comment_of(hub: Hub, repo: Repo, comment_id: int) -> Comment:
    """A comment of that repository; 404 when there is none."""
    found = hub.state.data.comments.get(comment_id)
    if found is None or found.repo != repo.full_name:
        raise not_found()
    return found


def _check_body(body: str) -> None:
    if not body.strip():
        raise invalid("IssueComment", "body", "body can't be blank", code="missing_field")
    if len(body) > BODY_LIMIT:
        message = f"body is too long (maximum is {BODY_LIMIT} characters)"
        raise invalid("IssueComment", "body", message, code="unprocessable")


def add_comment(
    hub: Hub, repo: Repo, number: int, *, author: str, body: str, via_app: bool = False
) -> Comment:
    """Write a comment."""
    issue = thread(repo, number)
    _check_body(body)
    now = hub.clock()
    comment = Comment(
        id=hub.state.large_id(),
        repo=repo.full_name,
        number=number,
        author=hub.state.account(author).login,
        body=body,
        created_at=now,
        updated_at=now,
        via_app=via_app,
    )
    hub.state.data.comments[comment.id] = comment
    issue.updated_at = now
    hub.state.changed()
    events.issue_comment(hub, repo, comment, "created", author)
    return comment


def edit_comment(hub: Hub, repo: Repo, comment: Comment, *, body: str, by: str) -> Comment:
    """Change a comment's text."""
    _check_body(body)
    before = comment.body
    comment.earlier_bodies.append(before)
    comment.body, comment.updated_at = body, hub.clock()
    hub.state.changed()
    events.issue_comment(hub, repo, comment, "edited", by, changes={"body": {"from": before}})
    return comment


def delete_comment(hub: Hub, repo: Repo, comment: Comment, *, by: str) -> None:
    """Remove a comment with its reactions."""
    data = hub.state.data
    data.comments.pop(comment.id, None)
    data.reactions = {key: each for key, each in data.reactions.items() if each.comment_id != comment.id}
    hub.state.changed()
    events.issue_comment(hub, repo, comment, "deleted", by)


def react(hub: Hub, comment: Comment, *, author: str, content: str) -> tuple[Reaction, bool]:
    """Add a reaction; return it and whether it is new. Each person can give each emoji once."""
    for each in hub.state.data.reactions.values():
        if (each.comment_id, each.author, each.content) == (comment.id, author, content):
            return each, False
    reaction = Reaction(
        id=hub.state.large_id(),
        comment_id=comment.id,
        author=author,
        content=content,
        created_at=hub.clock(),
    )
    hub.state.data.reactions[reaction.id] = reaction
    hub.state.changed()
    return reaction, True


_STATES = {
    "approved": "APPROVED",
    "approve": "APPROVED",
    "changes_requested": "CHANGES_REQUESTED",
    "request_changes": "CHANGES_REQUESTED",
    "commented": "COMMENTED",
    "comment": "COMMENTED",
}


def submit_review(
    hub: Hub, repo: Repo, pull: Pull, *, author: str, state: str, body: str = "", commit: str | None = None
) -> Review:
    """Review the head (or an older commit); authors cannot approve their own work."""
    word = _STATES.get(state.lower())
    if word is None:
        raise invalid("PullRequestReview", "event", f"unknown state {state!r}")
    login = hub.state.account(author).login
    if login == pull.author and word != "COMMENTED":
        raise ApiError(422, "Can not approve or request changes on your own pull request", errors=[])
    given = Review.model_validate(
        {
            "id": hub.state.large_id(),
            "repo": repo.full_name,
            "number": pull.number,
            "author": login,
            "state": word,
            "body": body,
            "commit_id": commit or pull.head_sha,
            "submitted_at": hub.clock(),
        }
    )
    hub.state.data.reviews[given.id] = given
    pull.updated_at = hub.clock()
    hub.state.changed()
    events.review(hub, repo, given, "submitted", login)
    return given


def dismiss_review(hub: Hub, repo: Repo, review: Review, *, by: str) -> None:
    """Take a review out of account."""
    review.state = "DISMISSED"
    hub.state.changed()
    events.review(hub, repo, review, "dismissed", by)


def reviews_of(hub: Hub, repo: Repo, number: int) -> list[Review]:
    """The reviews of a pull request, oldest first."""
    every = hub.state.data.reviews.values()
    return [each for each in every if each.repo == repo.full_name and each.number == number]
