from __future__ import annotations

from bot.domain.core.model import EnvName, RunKind, RunStatus
from bot.domain.core.refusals import Reason
from bot.metrics import Metrics, QueueLoad


def lines(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_names_that_people_choose_cannot_make_ever_more_series() -> None:
    metrics = Metrics()

    for number in range(500):
        metrics.run_finished(RunKind.PLAN, EnvName(f"env-{number}"), RunStatus.FAILED, 1.0)
        metrics.github_limit(f"resource-{number}", 1)

    counted = [line for line in lines(metrics) if line.startswith("gatewright_runs_total{")]
    assert len(counted) == 33
    assert 'gatewright_runs_total{env="other",kind="plan",status="failed"} 468.0' in counted
    assert not [line for line in lines(metrics) if "resource-" in line]


def test_every_reason_is_there_before_anything_was_refused() -> None:
    metrics = Metrics()

    metrics.refused(Reason.LOCKED)

    shown = [line for line in lines(metrics) if line.startswith("gatewright_refusals_total{")]
    assert len(shown) == len(Reason)
    assert 'gatewright_refusals_total{reason="locked"} 1.0' in shown


def test_a_queue_shows_what_waits_and_what_is_stuck() -> None:
    metrics = Metrics("1.2.3")

    metrics.queues(
        {"plans": QueueLoad(waiting=3, oldest_waiting=60.0, running=2, oldest_running=7.5)}, stranded=1
    )
    metrics.lost("execute_plan")
    metrics.tidied({"plans": 4})

    assert {
        'gatewright_queue_depth{queue="plans"} 3.0',
        'gatewright_queue_oldest_seconds{queue="plans"} 60.0',
        'gatewright_queue_running{queue="plans"} 2.0',
        'gatewright_queue_running_oldest_seconds{queue="plans"} 7.5',
        "gatewright_stranded_workflows 1.0",
        'gatewright_lost_workflows_total{workflow="execute_plan"} 1.0',
        'gatewright_pruned_total{what="plans"} 4.0',
    } <= set(lines(metrics))
    assert [line for line in lines(metrics) if 'version="1.2.3"' in line]
