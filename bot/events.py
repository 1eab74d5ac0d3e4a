"""GitHub's webhook payloads, as far as Gatewright uses them; a stored delivery is read by `payload_of` again."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from bot.event_parts import (
    Account,
    Changes,
    CheckRun,
    Comment,
    HexSha,
    Installation,
    Issue,
    Label,
    MergeGroup,
    Name,
    Part,
    PullRequest,
    Repository,
    RequestedAction,
    Review,
)

_SHOWN_PROBLEMS = 3


class Payload(Part):
    """Any event; each kind of event requires the parts that GitHub always sends with it."""

    action: Name | None = None
    repository: Repository | None = None
    installation: Installation | None = None
    sender: Account | None = None
    issue: Issue | None = None
    comment: Comment | None = None
    pull_request: PullRequest | None = None
    review: Review | None = None
    check_run: CheckRun | None = None
    requested_action: RequestedAction | None = None
    changes: Changes | None = None
    label: Label | None = None
    sha: HexSha | None = None
    """The commit; only with `status`."""

    @property
    def pull(self) -> int | None:
        """The number of the one pull request that the event is about; None also for a plain issue."""
        if self.pull_request is not None:
            return self.pull_request.number
        if self.issue is not None:
            return self.issue.number if self.issue.is_pull else None
        return None if self.check_run is None else self.check_run.pull_in(self.repository)

    @property
    def base_changed(self) -> bool:
        """Whether a pull request was aimed at another branch."""
        return self.changes is not None and self.changes.base is not None


class IssuePayload(Payload):
    """Something happened to a plain issue; for pull requests GitHub sends another event."""

    action: Name
    issue: Issue


class IssueCommentPayload(IssuePayload):
    """A comment was created, edited or deleted."""

    comment: Comment


class PullRequestPayload(Payload):
    """Something happened to a pull request."""

    action: Name
    pull_request: PullRequest
    before: str | None = None
    """The head before new commits; only with `synchronize`."""
    after: str | None = None


class ReviewPayload(PullRequestPayload):
    """A review was submitted, edited or dismissed."""

    review: Review


class PushPayload(Payload):
    """Commits were pushed; all zeros stand for a branch that was created or deleted."""

    ref: str
    before: HexSha
    after: HexSha
    created: bool = False
    deleted: bool = False
    forced: bool = False


class MergeGroupPayload(Payload):
    """The merge queue has made a commit of several pull requests and asks for checks."""

    action: Name
    merge_group: MergeGroup


class CheckRunPayload(Payload):
    """A check run was created, completed, re-requested, or its button pressed."""

    action: Name
    check_run: CheckRun


class StatusPayload(Payload):
    """Somebody reported a commit status; this event has no action."""

    sha: HexSha


PAYLOADS: Mapping[str, type[Payload]] = {
    "check_run": CheckRunPayload,
    "issue_comment": IssueCommentPayload,
    "issues": IssuePayload,
    "pull_request": PullRequestPayload,
    "pull_request_review": ReviewPayload,
    "merge_group": MergeGroupPayload,
    "push": PushPayload,
    "status": StatusPayload,
}
"""What each event carries; every other event is read as a plain `Payload`."""


class BadRequest(Exception):  # noqa: N818 - it is an answer, named as HTTP names it.
    """A webhook that is refused; `reason` is for the delivery's page on GitHub and holds nothing secret."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def payload_of(event: str, body: bytes) -> Payload:
    """Return the body of an event as its type in `PAYLOADS`; BadRequest when it has another shape.

    pydantic's own JSON parser bounds the nesting, so that no body can exhaust the stack.
    """
    try:
        return PAYLOADS.get(event, Payload).model_validate_json(body)
    except ValidationError as error:
        # Places and kinds only: the values belong to the sender and may be private.
        problems = [
            f"{'.'.join(str(part) for part in each['loc']) or 'body'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        raise BadRequest(400, f"the {event} payload is not as documented ({shown})") from None
