"""The services that restore states, each said once: what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.adapters.state_object import S3StateObjects
from bot.composition.outside import Outside
from bot.composition.services import Services
from bot.services.endings import Endings
from bot.services.restore_proposals import RestoreProposals
from bot.services.restore_reports import RestoreReports
from bot.services.restore_runs import RestoreRuns
from bot.services.restoring import Restoring
from bot.services.states import Snapshots


@dataclass(frozen=True)
class Restores:
    """Each is built when it is first asked for, and once."""

    outside: Outside
    services: Services
    endings: Endings
    snapshots: Snapshots

    @cached_property
    def proposals(self) -> RestoreProposals:
        o = self.outside
        return RestoreProposals(records=o.records, kept=o.stored_states, credentials=o.credentials)

    @cached_property
    def asking(self) -> Restoring:
        o = self.outside
        return Restoring(
            records=o.records,
            objects=S3StateObjects(),
            kept=o.stored_states,
            proposals=self.proposals,
            credentials=o.credentials,
            clock=o.clock,
        )

    @cached_property
    def runs(self) -> RestoreRuns:
        o = self.outside
        return RestoreRuns(
            records=o.records,
            workspace=o.workspace,
            objects=S3StateObjects(),
            snapshots=self.snapshots,
            proposals=self.proposals,
            owners=self.services.owners,
            credentials=o.credentials,
            endings=self.endings,
            clock=o.clock,
        )

    @cached_property
    def reports(self) -> RestoreReports:
        o, s = self.outside, self.services
        return RestoreReports(
            records=o.records,
            github=o.github,
            poster=s.poster,
            plan_comments=s.plan_comments,
            reporting=s.reporting,
            links=s.links,
        )
