"""The outside world as Gatewright needs it: small protocols, named by the need.

Adapters implement them and translate library errors into `bot.domain.errors`; `bot.composition` picks the adapters.
"""

from __future__ import annotations

from bot.ports.clock import Clock
from bot.ports.github import Annotation, Check, CheckButton, GitHub, Posted
from bot.ports.hooks import FailedDelivery, Hooks
from bot.ports.live_log import LogChunk
from bot.ports.objects import Cipher, ObjectStore
from bot.ports.outlines import PlanOutline
from bot.ports.records import (
    Artifact,
    Delivery,
    Job,
    NewRun,
    Reader,
    Records,
    Remote,
    StateVersion,
    TimelineEntry,
    Writer,
)
from bot.ports.run_audit import Download
from bot.ports.run_list import ActiveRepo, RunFilter
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
from bot.ports.upkeep import OldPlan, Pruned
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
