"""Wire the services that restore states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.state_object import S3StateObjects
from bot.composition.adapters import Adapters
from bot.composition.services import Services
from bot.services.runs.run_completion import RunCompletion
from bot.services.stacks.states import Snapshots
from bot.services.state_restore.proposals import RestoreProposals
from bot.services.state_restore.reports import RestoreReports
from bot.services.state_restore.requests import Restoring
from bot.services.state_restore.runs import RestoreRuns


@dataclass(frozen=True)
class Restores:
    """Each service is built once, on first use."""

    adapters: Adapters
    services: Services
    completion: RunCompletion
    snapshots: Snapshots

    @cached_property
    def proposals(self) -> RestoreProposals:
        adapters = self.adapters
        return RestoreProposals(
            records=adapters.records, kept=adapters.stored_states, credentials=adapters.credentials
        )

    @cached_property
    def requests(self) -> Restoring:
        adapters = self.adapters
        return Restoring(
            records=adapters.records,
            objects=S3StateObjects(),
            kept=adapters.stored_states,
            proposals=self.proposals,
            credentials=adapters.credentials,
            clock=adapters.clock,
        )

    @cached_property
    def runs(self) -> RestoreRuns:
        adapters = self.adapters
        return RestoreRuns(
            records=adapters.records,
            workspace=adapters.workspace,
            objects=S3StateObjects(),
            snapshots=self.snapshots,
            proposals=self.proposals,
            owners=self.services.owners,
            credentials=adapters.credentials,
            completion=self.completion,
            clock=adapters.clock,
        )

    @cached_property
    def reports(self) -> RestoreReports:
        adapters, services = self.adapters, self.services
        return RestoreReports(
            records=adapters.records,
            github=adapters.github,
            poster=services.poster,
            plan_comments=services.plan_comments,
            reporting=services.reporting,
            links=services.links,
        )
