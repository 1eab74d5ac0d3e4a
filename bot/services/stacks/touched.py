"""Which stacks a pull request touches, judged from our own git diff."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from bot.domain.core.errors import CommitMissingError, WorkspaceError
from bot.domain.core.model import PullRequest, Repo, Sha, Stack
from bot.domain.trees.links import Followed, follow, seen_through
from bot.domain.trees.plannable import LARGEST_POINTER, has_content, is_pointer
from bot.domain.trees.selection import (
    local_module_calls,
    stack_inputs_digest,
    touched,
    tree_paths,
)
from bot.policy import RepoPolicy
from bot.ports import GitHub, Merge, Workspace

_MODULE_FILES = (".tf", ".tf.json", ".tofu", ".tofu.json")
_REMEMBERED = 64
_REMEMBERED_TEXTS, _SMALL_TEXT = 1000, 20_000
"""Number of files that are kept in memory, and characters of the largest."""
_REMEMBERED_BLOBS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedTree:
    """The merge of a pull request into its base, with its files."""

    merge: Merge
    files: Mapping[str, str]
    """Path -> blob id."""
    module_calls: Mapping[str, tuple[str, ...]]
    """Directory -> local module directories that it calls."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> path of its target; `files` has both."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> its text."""
    submodules: frozenset[str] = frozenset()
    """Paths of submodules, which `files` shows with their commits."""
    blank: frozenset[str] = frozenset()
    """Paths of the files of modules that hold nothing but blanks and comments."""

    @property
    def followed(self) -> Followed:
        """The tree as Terraform sees it."""
        return Followed(files=self.files, links=self.links, texts=self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Fetches a pull request and merges it in the mirror; the newest merges are remembered."""

    github: GitHub
    workspace: Workspace
    _known: OrderedDict[tuple[str, Sha, Sha], MergedTree] = field(default_factory=OrderedDict)
    _texts: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Blob id -> text of a module's file: most of them are in the next commit, too."""
    _contents: set[str] = field(default_factory=set)
    """Blob ids of files that are no pointers to others."""

    async def merged(self, repo: Repo, pull: PullRequest, *, base: Sha, head: Sha) -> MergedTree:
        """Return the merge of exactly `head` into exactly `base`.

        Raises MergeConflictError, WorkspaceError.
        """
        token = await self.github.git_token(repo)
        key = (repo.full_name, base, head)
        known = self._known.get(key)
        if known is not None and await self._is_there(repo, token, known, (base, head)):
            self._known.move_to_end(key)
            return known
        await self._fetch(repo, token, f"pull request {pull.number}", (base, head))
        tree = await self._merge(repo, base, head)
        self._known[key] = tree
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return tree

    async def moved(self, repo: Repo, branch: str, *, before: Sha, after: Sha) -> MergedTree:
        """Return the tip of a branch and what changed on it since `before`. Raises WorkspaceError."""
        await self._fetch(repo, await self.github.git_token(repo), branch, (before, after))
        return await self._merge(repo, before, after)

    async def _fetch(self, repo: Repo, token: str, what: str, commits: Sequence[Sha]) -> None:
        try:
            # GitHub serves a commit at once; `refs/pull/N/head` is written seconds after the webhook was sent.
            await self.workspace.fetch(repo, token, commits)
        except CommitMissingError as error:
            raise CommitMissingError(f"{what}: {error}") from error

    async def of_commits(self, repo: Repo, *, base: Sha, head: Sha) -> MergedTree:
        """Return the merge of two commits, on whatever branches they are.

        Raises MergeConflictError, WorkspaceError.
        """
        await self.workspace.fetch(repo, await self.github.git_token(repo), (base, head))
        return await self._merge(repo, base, head)

    async def contains(self, repo: Repo, *, tip: Sha, commit: Sha) -> bool:
        """Whether the history of a tip holds a commit. Raises WorkspaceError."""
        await self.workspace.fetch(repo, await self.github.git_token(repo), (tip,))
        return await self.workspace.contains(repo, tip=tip, commit=commit)

    async def _is_there(self, repo: Repo, token: str, known: MergedTree, commits: tuple[Sha, Sha]) -> bool:
        """Whether the mirror still holds a merge.

        It may have been pruned, or cloned again, in between.
        """
        try:
            await self.workspace.fetch(repo, token, commits)
            found = await self.workspace.tree_files(repo, known.merge.tree)
            return follow(found.blobs, found.links).files == known.files
        except WorkspaceError:
            return False

    async def _merge(self, repo: Repo, base: Sha, head: Sha) -> MergedTree:
        merge = await self.workspace.merge(repo, base=base, head=head)
        found = await self.workspace.tree_files(repo, merge.tree)
        tree = follow(found.blobs, found.links)
        files = tree.files
        submodules = {found.blobs[path] for path in found.submodules}
        modules = {
            path: blob
            for path, blob in files.items()
            if path.endswith(_MODULE_FILES) and blob not in submodules
        }
        texts = await self._read(repo, set(modules.values()))
        written = {path: texts[blob] for path, blob in modules.items()}
        # Reading code can take long, and its author decides how long; other tasks are waiting.
        calls, blank = await asyncio.to_thread(_said, written)
        return MergedTree(
            merge=merge,
            files=files,
            module_calls=calls,
            links=tree.links,
            texts=tree.texts,
            submodules=found.submodules,
            blank=blank,
        )

    async def pointers(self, repo: Repo, blobs: Iterable[str]) -> frozenset[str]:
        """Return those of the blobs that are pointers to content which git does not have."""
        unknown = sorted(set(blobs) - self._contents)
        small = await self.workspace.small_blobs(repo, unknown, largest=LARGEST_POINTER) if unknown else {}
        found = frozenset(blob for blob, content in small.items() if is_pointer(content))
        if len(self._contents) > _REMEMBERED_BLOBS:
            self._contents.clear()
        self._contents.update(blob for blob in unknown if blob not in found)
        return found

    async def _read(self, repo: Repo, blobs: AbstractSet[str]) -> Mapping[str, str]:
        texts = {blob: self._texts[blob] for blob in blobs if blob in self._texts}
        texts |= await self.workspace.read_blobs(repo, sorted(blobs - texts.keys()))
        for blob, text in texts.items():
            if len(text) <= _SMALL_TEXT:
                self._texts[blob] = text
                self._texts.move_to_end(blob)
        while len(self._texts) > _REMEMBERED_TEXTS:
            self._texts.popitem(last=False)
        return texts


def _said(written: Mapping[str, str]) -> tuple[Mapping[str, tuple[str, ...]], frozenset[str]]:
    """Return the local modules that directories call, and the files without any configuration."""
    blank = frozenset(path for path, text in written.items() if not has_content(path, text))
    return local_module_calls(written), blank


def touched_stacks(policy: RepoPolicy, stacks: tuple[Stack, ...], tree: MergedTree) -> tuple[Stack, ...]:
    """Return the stacks whose inputs the pull request changes, in policy order."""
    changed = seen_through(tree.merge.changed_files, tree.followed)
    return touched(stacks, changed, tree.module_calls, policy.when_modified())


def inputs_digest(policy: RepoPolicy, stack: Stack, tree: MergedTree) -> str:
    """Return the stack inputs digest.

    The same release has the same digest everywhere.
    """
    return stack_inputs_digest(tree.followed, stack, tree.module_calls, policy.part_for(stack))


def input_tree(policy: RepoPolicy, stack: Stack, tree: MergedTree) -> frozenset[str]:
    """Return the entries of the git tree that a run of the stack gets.

    What its digest counts, and its var file.
    """
    return tree_paths(tree.followed, stack, tree.module_calls, policy.part_for(stack))
