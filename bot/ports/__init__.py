"""The outside world as Gatewright needs it: small protocols, named by the need.

Adapters implement them and translate library errors into `bot.domain.core.errors`; `bot.composition` picks the adapters.
"""

from __future__ import annotations

from bot.ports.clock import Clock
from bot.ports.github import Annotation, Check, CheckButton, Collaborator, GitHub, Posted
from bot.ports.hooks import FailedDelivery, Hooks
from bot.ports.objects import Cipher, ObjectStore, SealedObjects
from bot.ports.records.live_log import LogChunk
from bot.ports.records.outlines import PlanOutline
from bot.ports.records.records import Reader, Records, Writer
from bot.ports.records.run_audit import Download
from bot.ports.records.run_list import ActiveRepo, RunFilter
from bot.ports.records.upkeep import OldPlan, Pruned
from bot.ports.records.values import Artifact, Delivery, Job, NewRun, Remote, StateVersion, TimelineEntry
from bot.ports.terraform import (
    CHANGES,
    OVERRIDE_FILE,
    PURPOSE_FILE,
    READS,
    ApplyOutput,
    Backend,
    Engine,
    OnLine,
    PlanMode,
    PlanOutput,
    Stop,
    Terraform,
    TerraformJob,
)
from bot.ports.workspace import (
    GitTree,
    LaidOut,
    LeftBehind,
    Merge,
    ReviewedTree,
    Slot,
    SourceBundle,
    Workspace,
)

__all__ = [
    "CHANGES",
    "OVERRIDE_FILE",
    "PURPOSE_FILE",
    "READS",
    "ActiveRepo",
    "Annotation",
    "ApplyOutput",
    "Artifact",
    "Backend",
    "Check",
    "CheckButton",
    "Cipher",
    "Clock",
    "Collaborator",
    "Delivery",
    "Download",
    "Engine",
    "FailedDelivery",
    "GitHub",
    "GitTree",
    "Hooks",
    "Job",
    "LaidOut",
    "LeftBehind",
    "LogChunk",
    "Merge",
    "NewRun",
    "ObjectStore",
    "OldPlan",
    "OnLine",
    "PlanMode",
    "PlanOutline",
    "PlanOutput",
    "Posted",
    "Pruned",
    "Reader",
    "Records",
    "Remote",
    "ReviewedTree",
    "RunFilter",
    "SealedObjects",
    "Slot",
    "SourceBundle",
    "StateVersion",
    "Stop",
    "Terraform",
    "TerraformJob",
    "TimelineEntry",
    "Workspace",
    "Writer",
]
