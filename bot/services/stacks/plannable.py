"""Refuse to plan a tree in which Terraform would see less than reviewers do.

Every kind of plan checks this first, except the plan of a destroy: it uses the tree of the last apply, which
was checked then.
"""

from __future__ import annotations

import asyncio

from bot.comments.runs.unplannable import (
    no_configuration_in_release_sentence,
    no_configuration_sentence,
    unfetched_in_release_sentence,
    unfetched_sentence,
)
from bot.domain.core.errors import UnplannableTreeError
from bot.domain.core.model import PlanId, Repo, Stack
from bot.domain.trees.loose_trees import LooseTree, judge
from bot.domain.trees.plannable import SourceTree, is_configured, unfetched
from bot.domain.trees.selection import counted_paths
from bot.policy import RepoPolicy
from bot.services.stacks.touched import MergedTree, Trees


async def refuse_unplannable(
    trees: Trees, repo: Repo, policy: RepoPolicy, stack: Stack, tree: MergedTree
) -> None:
    """Raise UnplannableTreeError where no plan of the stack may be made of a tree of git."""
    source = SourceTree(
        files=tree.files,
        module_calls=tree.module_calls,
        links=tree.links,
        submodules=tree.submodules,
        blank=tree.blank,
    )
    part = policy.part_for(stack)
    # A repository may have very many paths.
    paths = await asyncio.to_thread(counted_paths, tree.followed, stack, tree.module_calls, part)
    submodules = unfetched(source, stack, part, paths)
    found = await trees.pointers(repo, (source.files[path] for path in paths))
    pointers = tuple(path for path in paths if source.files[path] in found)
    # Where the module itself was not fetched, that is why it has no configuration.
    if submodules or pointers:
        said = unfetched_sentence(submodules, pointers)
        raise UnplannableTreeError(said, submodules=submodules, pointers=pointers)
    if not is_configured(source, stack, policy.engine.name):
        raise UnplannableTreeError(no_configuration_sentence(stack), directory=stack.directory)


async def refuse_unplannable_files(
    loose: LooseTree, policy: RepoPolicy, stack: Stack, *, release: PlanId | None = None
) -> None:
    """Raise UnplannableTreeError where a tree outside of git must not be planned.

    `release` is the one that it is the source of.
    """
    part = policy.part_for(stack)
    judged = await asyncio.to_thread(judge, loose, stack, part, policy.engine.name)
    if judged.submodules or judged.pointers:
        said = (
            unfetched_sentence(judged.submodules, judged.pointers)
            if release is None
            else unfetched_in_release_sentence(judged.submodules, judged.pointers, stack, release)
        )
        raise UnplannableTreeError(
            said,
            submodules=judged.submodules,
            pointers=judged.pointers,
            is_of_release=release is not None,
        )
    if not judged.is_configured:
        said = (
            no_configuration_sentence(stack)
            if release is None
            else no_configuration_in_release_sentence(stack, release)
        )
        raise UnplannableTreeError(said, directory=stack.directory, is_of_release=release is not None)
