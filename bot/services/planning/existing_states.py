"""What exists is never shadowed.

Code that names another place for its state is not planned against an empty one.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from bot.comments.runs.state_commands import Kept, copy_commands
from bot.domain.core.errors import OtherBackendError
from bot.domain.core.model import Repo, Stack, StateIdentity
from bot.domain.hcl.backends import StatePlace, contradictions
from bot.domain.hcl.module_calls import TERRAFORM_FILES
from bot.ports import OVERRIDE_FILE, Backend, Workspace
from bot.ports.sources import History
from bot.services.runs.credentials import Credentials
from bot.services.stacks.states import States
from bot.services.stacks.touched import MergedTree


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingStates:
    """Asked by everything that plans, once the state was read and before Terraform is started."""

    states: States
    workspace: Workspace
    history: History
    credentials: Credentials

    async def of_tree(
        self, stack: Stack, engine: str, now: StateIdentity, *, repo: Repo, tree: MergedTree
    ) -> None:
        """Raise OtherBackendError where there is no state yet and the code names another backend."""
        if now.serial is not None:
            return
        named = {
            posixpath.basename(path): blob
            for path, blob in tree.files.items()
            if (posixpath.dirname(path) or ".") == stack.directory and path.endswith(TERRAFORM_FILES)
        }
        texts = await self.workspace.read_blobs(repo, sorted(set(named.values())))
        await self._refuse(stack, engine, {name: texts[blob] for name, blob in named.items()})

    async def of_bundle(self, stack: Stack, engine: str, bundle: bytes) -> None:
        """As above, of the code of a stored tree."""
        now, _ = await self.states.read(stack.state_key)
        if now.serial is None:
            texts = await self.history.bundle_texts(bundle, stack.directory)
            await self._refuse(stack, engine, texts)

    async def _refuse(self, stack: Stack, engine: str, texts: Mapping[str, str]) -> None:
        backend = self.credentials.backend(stack, purpose="plan")
        await asyncio.to_thread(refuse_other_backend, stack, engine, texts, backend)


def refuse_other_backend(stack: Stack, engine: str, texts: Mapping[str, str], backend: Backend) -> None:
    """Raise OtherBackendError where a root module names another backend than `backend`.

    `texts` is file name -> text.
    """
    place = StatePlace(bucket=backend.bucket, key=stack.state_key, endpoint_url=backend.endpoint_url)
    files = {name: text for name, text in texts.items() if name != OVERRIDE_FILE}
    problems = contradictions(files, place)
    if not problems:
        return
    kept = Kept(
        bucket=backend.bucket, key=stack.state_key, region=backend.region, endpoint=backend.endpoint_url
    )
    raise OtherBackendError(
        f"The code of {stack.label} says that its state lies elsewhere, and where Gatewright keeps it"
        f" ({backend.bucket}/{stack.state_key}) there is none yet. Planned here, everything that exists already would be"
        " created a second time, so Terraform was not started. If nothing exists yet, remove the block and push. If"
        " something does, copy its state first by the commands below, then remove the block and push.",
        problems=problems,
        commands=copy_commands(kept, directory=stack.directory, engine=engine),
    )
