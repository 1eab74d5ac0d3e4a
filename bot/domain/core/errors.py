"""One exception class per meaning; the docstring of each describes the failure.

A request that is not allowed now is refused by a value, see `bot.domain.core.refusals`. An exception means
that something failed that should have worked.
"""

from __future__ import annotations

from typing import Any

from bot.domain.core.model import FailureClass


class GatewrightError(Exception):
    """Something that Gatewright needed failed."""

    failure_class = FailureClass.EXECUTOR
    temporary = False
    """Whether the same call may work later, so that the step is retried."""


class GitHubError(GatewrightError):
    """GitHub refused or did not answer, after all retries."""

    failure_class = FailureClass.GITHUB

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class GitHubNotFoundError(GitHubError):
    """GitHub has no such object, or hides it from the App."""


class NotGrantedError(GitHubError):
    """The account has not granted the App a permission, or has suspended it."""


class NotServedError(GitHubError):
    """The operator has not listed the repository, so GitHub is not called for it."""


class GitHubUnavailableError(GitHubError):
    """GitHub could not be reached or is rate limiting; the same call may work later."""

    temporary = True


class GitHubLagError(GitHubError):
    """GitHub does not show yet what its webhook reported."""

    temporary = True


class EarlierMergeError(GatewrightError):
    """A merge was delivered before this one and is not handled yet."""

    temporary = True


class MergeMissingError(GatewrightError):
    """The base does not contain the merge commit of a pull request."""

    failure_class = FailureClass.GITHUB


class WorkspaceError(GatewrightError):
    """The repository could not be fetched or checked out."""


class CommitMissingError(WorkspaceError):
    """GitHub does not serve the commit, or not yet."""

    failure_class = FailureClass.GITHUB


class MergeConflictError(WorkspaceError):
    """The head of the pull request does not merge cleanly into its base."""

    failure_class = FailureClass.CONFIG

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"merge conflict in {', '.join(paths) or 'unknown files'}")
        self.paths = paths


class UnsafeTreeError(WorkspaceError):
    """The checked-out tree holds files that could redirect Terraform's state or data."""

    failure_class = FailureClass.POLICY

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TreeChangedError(WorkspaceError):
    """The planned code changed its directory in a way that an apply cannot repeat."""

    failure_class = FailureClass.POLICY

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class UnplannableTreeError(GatewrightError):
    """Terraform would see less of the tree than reviewers do, and destroy what is missing."""

    failure_class = FailureClass.CONFIG

    def __init__(
        self,
        message: str,
        *,
        directory: str | None = None,
        submodules: tuple[str, ...] = (),
        pointers: tuple[str, ...] = (),
        is_of_release: bool = False,
    ) -> None:
        super().__init__(message)
        self.directory = directory
        """The root module that has no configuration; None where content is missing instead."""
        self.submodules = submodules
        self.pointers = pointers
        """Paths of files that Git LFS keeps elsewhere."""
        self.is_of_release = is_of_release
        """Whether the tree is of a release, which cannot be changed any more."""


class TerraformError(GatewrightError):
    """Terraform ended with an error; `log_tail` is redacted and safe to post."""

    failure_class = FailureClass.TERRAFORM

    def __init__(self, message: str, *, log_tail: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.log_tail = log_tail
        self.exit_code = exit_code
        self.omitted: dict[str, Any] = {}
        """Paths of the repository that it names and the run does not get, for the report."""


class TerraformStoppedError(TerraformError):
    """Terraform was canceled or timed out; the process has ended."""

    def __init__(self, message: str, *, timed_out: bool, log_tail: str = "") -> None:
        super().__init__(message, log_tail=log_tail)
        self.timed_out = timed_out
        self.failure_class = FailureClass.TIMEOUT if timed_out else FailureClass.CANCELED


class NeedsInitError(TerraformError):
    """Terraform asks for the initialisation that was skipped."""

    # Its message may come from the planned code, so it is only a reason to initialise and try again.


class StateOwnerError(GatewrightError):
    """The state belongs to another repository, project or environment."""

    failure_class = FailureClass.POLICY


class OtherBackendError(GatewrightError):
    """The code declares another backend, and our state is empty; `commands` copy the state."""

    failure_class = FailureClass.POLICY

    def __init__(self, message: str, *, problems: tuple[str, ...], commands: str) -> None:
        super().__init__(message)
        self.problems = problems
        self.commands = commands


class EngineChangedError(GatewrightError):
    """The engine on this machine is not the one that the policy or the plan names."""

    failure_class = FailureClass.CONFIG


class EngineTooOldError(GatewrightError):
    """The code uses a feature that the policy's engine does not have."""

    failure_class = FailureClass.CONFIG


class InputsDifferError(GatewrightError):
    """Plans and applies of an environment get different variables."""

    # `problems` name the settings; their values may be secret.

    failure_class = FailureClass.CONFIG

    def __init__(self, message: str, *, problems: tuple[str, ...]) -> None:
        super().__init__(message)
        self.problems = problems


class ProvidersChangedError(GatewrightError):
    """The providers that this machine installs are not those that a release was made with."""

    failure_class = FailureClass.CONFIG


class LifecycleChangedError(GatewrightError):
    """An automatic apply or destroy is no longer allowed by the environment's `lifecycle`."""

    failure_class = FailureClass.POLICY


class OtherChangesError(GatewrightError):
    """The plan of a state operation has other changes too, listed in `changes`."""

    failure_class = FailureClass.POLICY

    def __init__(self, message: str, *, changes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.changes = changes


class ProbeError(GatewrightError):
    """A check of an environment failed or is not allowed; the message may be posted."""


class TakenOverError(GatewrightError):
    """Another worker took over this change, because this one was slow and seemed dead."""

    failure_class = FailureClass.EXECUTOR
    temporary = True


class StoreError(GatewrightError):
    """The object store refused or did not answer."""

    failure_class = FailureClass.STATE
    temporary = True


class StoreDeniedError(StoreError):
    """The object store denies this access to the key pair."""


class ObjectMissingError(StoreError):
    """The object does not exist."""

    temporary = False


class ObjectExistsError(StoreError):
    """A create-if-absent found that the object exists."""

    temporary = False


class IntegrityError(StoreError):
    """Stored bytes are not the bytes that were recorded."""

    temporary = False


class UnreadableStateError(StoreError):
    """The object under the state key is not a Terraform state."""

    temporary = False

    def __init__(self, message: str, *, data: bytes) -> None:
        super().__init__(f"{message} `/state restore` shows the versions of it that were kept.")
        self.data = data


class PolicyError(GatewrightError):
    """`gatewright.yaml` is not valid; `problems` has each error with place and allowed values."""

    failure_class = FailureClass.CONFIG

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PolicyMissingError(PolicyError):
    """The default branch has no `gatewright.yaml`."""

    # Gatewright is not configured there, so it does not comment.
