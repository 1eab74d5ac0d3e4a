"""One exception class per meaning; the docstring of each says what happened in one line.

A refusal (the user asked for something that is not allowed now) is a value, see `bot.domain.refusals`;
an exception means that something which should have worked did not.
"""

from __future__ import annotations

from typing import Any

from bot.domain.model import FailureClass


class GatewrightError(Exception):
    """Something Gatewright needed did not work."""

    failure_class = FailureClass.EXECUTOR
    passing = False
    """Whether the same call may work later; the step that met it is then tried again."""


class GitHubError(GatewrightError):
    """GitHub refused or did not answer, after the retries that make sense."""

    failure_class = FailureClass.GITHUB

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class GitHubNotFoundError(GitHubError):
    """GitHub says that the thing does not exist, or that the App may not see it."""


class NotServedError(GitHubError):
    """The operator has not listed the repository, so nothing is asked of GitHub for it."""


class GitHubUnavailableError(GitHubError):
    """GitHub could not be reached or is rate limiting; the same call may work later."""

    passing = True


class WorkspaceError(GatewrightError):
    """The repository could not be fetched or checked out."""


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
    """Code changed the directory in which it was planned in a way that its apply cannot repeat; `problems` say how."""

    failure_class = FailureClass.POLICY

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class UnplannableTreeError(GatewrightError):
    """Terraform would see less of the tree than people do, and plan to destroy what it misses."""

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
        """Whether the tree is one that was applied before, which nobody can mend."""


class TerraformError(GatewrightError):
    """Terraform ended with an error; `log_tail` is redacted and safe to post."""

    failure_class = FailureClass.TERRAFORM

    def __init__(self, message: str, *, log_tail: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.log_tail = log_tail
        self.exit_code = exit_code
        self.omitted: dict[str, Any] = {}
        """What it names of the repository that the run does not get, for the report."""


class TerraformStoppedError(TerraformError):
    """Terraform was stopped on request or because its time was over; the process is gone."""

    def __init__(self, message: str, *, timed_out: bool, log_tail: str = "") -> None:
        super().__init__(message, log_tail=log_tail)
        self.timed_out = timed_out
        self.failure_class = FailureClass.TIMEOUT if timed_out else FailureClass.CANCELED


class NeedsInitError(TerraformError):
    """Terraform asks for an initialisation although one was skipped; its words may be made up by the planned code."""


class StateOwnerError(GatewrightError):
    """The state belongs to another repository, project or environment."""

    failure_class = FailureClass.POLICY


class OtherBackendError(GatewrightError):
    """The code declares another place for its state than ours, where there is none yet; `commands` copy it."""

    failure_class = FailureClass.POLICY

    def __init__(self, message: str, *, problems: tuple[str, ...], commands: str) -> None:
        super().__init__(message)
        self.problems = problems
        self.commands = commands


class EngineChangedError(GatewrightError):
    """The Terraform on this machine is not the one that the policy or the plan names."""

    failure_class = FailureClass.CONFIG


class EngineTooOldError(GatewrightError):
    """The code uses what the engine of the policy does not know."""

    failure_class = FailureClass.CONFIG


class InputsDifferError(GatewrightError):
    """Plans and applies of an environment are given different variables; `problems` name the settings, no value."""

    failure_class = FailureClass.CONFIG

    def __init__(self, message: str, *, problems: tuple[str, ...]) -> None:
        super().__init__(message)
        self.problems = problems


class ProvidersChangedError(GatewrightError):
    """The providers that this machine installs are not those that a release was made with."""

    failure_class = FailureClass.CONFIG


class LifecycleChangedError(GatewrightError):
    """What was to be done automatically may not be, as the environment has no `lifecycle` any more."""

    failure_class = FailureClass.POLICY


class OtherChangesError(GatewrightError):
    """The plan of a state operation would do something besides; `changes` names what."""

    failure_class = FailureClass.POLICY

    def __init__(self, message: str, *, changes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.changes = changes


class ProbeError(GatewrightError):
    """An environment did not answer as it must, or may not be asked; the message may be posted."""


class TakenOverError(GatewrightError):
    """Another worker has begun this change: this one was slow, and was taken for dead meanwhile."""

    failure_class = FailureClass.EXECUTOR
    passing = True


class StoreError(GatewrightError):
    """The object store refused or did not answer."""

    failure_class = FailureClass.STATE
    passing = True


class StoreDeniedError(StoreError):
    """The object store does not let this key pair do it."""


class ObjectMissingError(StoreError):
    """The object does not exist."""

    passing = False


class ObjectExistsError(StoreError):
    """A create-if-absent found the object already there."""

    passing = False


class IntegrityError(StoreError):
    """Stored bytes are not the bytes that were recorded."""

    passing = False


class UnreadableStateError(StoreError):
    """The object at the state's place is not a Terraform state; asking again does not make it one."""

    passing = False

    def __init__(self, message: str, *, data: bytes) -> None:
        super().__init__(f"{message} `/state restore` shows the versions of it that were kept.")
        self.data = data


class PolicyError(GatewrightError):
    """`gatewright.yaml` is not valid; `problems` say where and what is allowed."""

    failure_class = FailureClass.CONFIG

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PolicyMissingError(PolicyError):
    """The default branch has no `gatewright.yaml`: nobody has configured Gatewright there, and it says nothing."""
