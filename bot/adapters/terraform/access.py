"""What each step of a job may see and change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one step may see and change."""

    tree: bool = True
    """Whether it runs in the tree; otherwise in a directory with only backend and lock file."""
    tree_writable: bool = True
    data_writable: bool = False
    """Only init writes there; a plan could otherwise change the modules of later plans."""
    network: bool = True
    given: bool = True
    """Whether it gets the variables of the environment."""
    state: bool = True
    """Whether it gets the key pair of the state."""


CODE = Access()
"""Steps that run the code of the tree."""
LOOK = Access(tree_writable=False)
"""Steps that read the code of the tree, and start the providers that it names."""
INIT = Access(data_writable=True)
SHOW = Access(tree=False, network=False, given=False, state=False)
"""Showing a plan starts providers of the code, so they get nothing to leak or to change."""
OUTPUT = Access(tree=False, given=False)
