"""What is secret before Terraform has spoken."""

from __future__ import annotations

import asyncio
import posixpath

from bot.domain.declared import declared_secrets
from bot.domain.model import Repo, Stack
from bot.domain.module_calls import TERRAFORM_FILES
from bot.domain.redaction import Redactor
from bot.ports import Workspace
from bot.services.jobs import Credentials
from bot.services.stacks import MergedTree


async def known_secrets(
    workspace: Workspace, credentials: Credentials, repo: Repo, stack: Stack, tree: MergedTree
) -> Redactor:
    """Know what the module declares sensitive, too: the error of a failing plan may quote it."""
    blobs = [
        blob
        for path, blob in tree.files.items()
        if (posixpath.dirname(path) or ".") == stack.directory and path.endswith(TERRAFORM_FILES)
    ]
    sources = await workspace.read_blobs(repo, blobs)
    given = credentials.environment(stack.env, purpose="plan")
    known = credentials.redactor(stack.env)
    return known.with_more(await asyncio.to_thread(declared_secrets, sources.values(), given))
