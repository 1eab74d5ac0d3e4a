"""Refusing to plan a tree in which Terraform would see less than people do; every way that plans asks here first."""

from __future__ import annotations

from bot.comments.unplannable import no_configuration_sentence, unfetched_sentence
from bot.domain.errors import UnplannableTreeError
from bot.domain.model import Repo, Stack
from bot.domain.plannable import SourceTree, inputs, is_configured, unfetched
from bot.policy import RepoPolicy
from bot.services.stacks import MergedTree, Trees


async def refuse_unplannable(
    trees: Trees, repo: Repo, policy: RepoPolicy, stack: Stack, tree: MergedTree
) -> None:
    """Raise UnplannableTreeError where no plan of the stack may be made of a tree."""
    source = SourceTree(
        files=tree.files,
        module_calls=tree.module_calls,
        links=tree.links,
        submodules=tree.submodules,
        blank=tree.blank,
    )
    part = policy.part_for(stack)
    paths = inputs(source, stack, part)
    submodules = unfetched(source, stack, part, paths)
    pointers = await trees.pointers(repo, (source.files[path] for path in paths))
    refuse(
        source,
        stack,
        policy.engine.name,
        submodules=submodules,
        pointers=tuple(path for path in paths if source.files[path] in pointers),
    )


def refuse(
    source: SourceTree,
    stack: Stack,
    engine: str,
    *,
    submodules: tuple[str, ...],
    pointers: tuple[str, ...],
) -> None:
    """Raise UnplannableTreeError for what was found in a tree, and for a root module without configuration."""
    # Where the module itself was not fetched, that is why it is empty.
    if submodules or pointers:
        raise UnplannableTreeError(
            unfetched_sentence(submodules, pointers), submodules=submodules, pointers=pointers
        )
    if not is_configured(source, stack, engine):
        raise UnplannableTreeError(no_configuration_sentence(stack), directory=stack.directory)
