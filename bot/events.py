"""GitHub's webhook payloads, as far as used; `payload_of` also reads stored deliveries."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from bot.event_parts import (
    Account,
    Changes,
    CheckRun,
    CheckSuite,
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
_BUTTONS = frozenset({"rerequested", "requested_action"})


class Payload(Part):
    """Any event; its subclasses require the parts that GitHub always sends."""

    action: Name | None = None
    repository: Repository | None = None
    installation: Installation | None = None
    sender: Account | None = None
    issue: Issue | None = None
    comment: Comment | None = None
    pull_request: PullRequest | None = None
    review: Review | None = None
    check_run: CheckRun | None = None
    check_suite: CheckSuite | None = None
    requested_action: RequestedAction | None = None
    changes: Changes | None = None
    label: Label | None = None
    sha: HexSha | None = None
    """The commit; only with `status`."""

    @property
    def pull(self) -> int | None:
        """The number of the only pull request of the event; None for a plain issue."""
        if self.pull_request is not None:
            return self.pull_request.number
        if self.issue is not None:
            return self.issue.number if self.issue.is_pull else None
        return None if self.check_run is None else self.check_run.pull_in(self.repository)

    @property
    def base_changed(self) -> bool:
        """Whether the base branch of a pull request was changed."""
        return self.changes is not None and self.changes.base is not None

    @property
    def is_command(self) -> bool:
        """Whether it looks like a command, or a button was pressed: a person waits for the answer."""
        if self.action in _BUTTONS:
            return True
        comment = self.comment if self.action == "created" else None
        return (
            comment is not None
            and not comment.is_by_a_machine
            and (comment.body or "").lstrip().startswith("/")
        )


class IssuePayload(Payload):
    """An event of an issue; pull requests have events of their own."""

    action: Name
    issue: Issue


class IssueCommentPayload(IssuePayload):
    """A comment was created, edited or deleted."""

    comment: Comment


class PullRequestPayload(Payload):
    """Something happened to a pull request."""

    action: Name
    pull_request: PullRequest
    before: HexSha | None = None
    """The previous head; only with `synchronize`."""
    after: HexSha | None = None


class ReviewPayload(PullRequestPayload):
    """A review was submitted, edited or dismissed."""

    review: Review


class PushPayload(Payload):
    """Commits were pushed; an id of zeros means that the branch was created or deleted."""

    ref: str
    before: HexSha
    after: HexSha
    created: bool = False
    deleted: bool = False
    forced: bool = False


class MergeGroupPayload(Payload):
    """The merge queue created a commit of several pull requests and requests checks."""

    action: Name
    merge_group: MergeGroup


class CheckRunPayload(Payload):
    """A check run was created, completed or re-requested, or its button pressed."""

    action: Name
    check_run: CheckRun


class CheckSuitePayload(Payload):
    """A check suite was requested, re-requested or completed."""

    action: Name
    check_suite: CheckSuite


class StatusPayload(Payload):
    """A commit status was set; this event has no action."""

    sha: HexSha


PAYLOADS: Mapping[str, type[Payload]] = {
    "check_run": CheckRunPayload,
    "check_suite": CheckSuitePayload,
    "issue_comment": IssueCommentPayload,
    "issues": IssuePayload,
    "pull_request": PullRequestPayload,
    "pull_request_review": ReviewPayload,
    "merge_group": MergeGroupPayload,
    "push": PushPayload,
    "status": StatusPayload,
}
"""Event -> its payload type; all other events are read as a plain `Payload`."""


class BadRequest(Exception):  # noqa: N818 - it is an answer, named as HTTP names it.
    """A refused webhook; `reason` is shown on GitHub's page of deliveries and has no secrets."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def payload_of(event: str, body: bytes) -> Payload:
    """Return the body of an event as its type in `PAYLOADS`; BadRequest for another shape.

    pydantic's own JSON parser limits nesting, so that no body can exhaust the stack.
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
