"""Flows `train-rounds` and `train-round`: the next rounds of the chain, each evaluated, published, promoted or not."""

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel

from data_lake.errors import LostRaceError
from data_lake.rounds import Metrics
from flows.promote import settle
from flows.retries import when_unavailable
from flows.session import hub_of, workplace
from tasks.cards import adapter_card
from tasks.ledger import Ledger, mend_tags, read_dataset, read_ledger, shards_left
from tasks.round import RoundPlan, RoundResult, plan_round, publish_result, run_round


class RoundReport(BaseModel):
    """What a command says of a round."""

    round: int
    shard: str
    revision: str
    parent: str | None
    """The parent round's commit, None for the first round."""
    promoted: bool
    reason: str
    metrics: Metrics
    seconds: float
    """Spent in training steps."""


@task(name="plan", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=when_unavailable)
def plan(lake: str, profile: str) -> RoundPlan:
    """Decides what the next round is and brings what it needs to this machine."""
    place = workplace(lake, profile)
    with hub_of(place) as hub:
        ledger = read_ledger(hub)
        mend_tags(hub, ledger)
        return plan_round(place.lake, hub, ledger, place.settings)


@task(name="train-and-evaluate")
def train_and_evaluate(planned: RoundPlan, lake: str, profile: str) -> RoundResult:
    """Trains the planned round and measures it. The model stays inside this step."""
    place = workplace(lake, profile)
    with hub_of(place) as hub:
        return run_round(planned, _ledger_of(planned, read_ledger(hub)), place.settings)


@task(name="publish-round", retries=3, retry_delay_seconds=[2, 10, 30], retry_condition_fn=when_unavailable)
def publish(planned: RoundPlan, result: RoundResult, lake: str, profile: str) -> str:
    """Publishes the round in one commit and returns it."""
    place = workplace(lake, profile)
    with hub_of(place) as hub:
        ledger = read_ledger(hub)
        done = ledger.rounds[planned.round - 1 :]
        if done and done[0].manifest.training.adapter_sha256 == result.report.adapter_sha256:
            return done[0].revision  # committed before, and only the answer was lost
        return publish_result(hub, _ledger_of(planned, ledger), planned, result, place.settings).revision


@flow(name="train-round")
def train_round_flow(lake: str = "lake", profile: str = "tiny") -> RoundReport:
    """Trains, evaluates, publishes and settles the promotion of the chain's next round.

    Args:
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
    """
    with hub_of(workplace(lake, profile)) as hub:
        settle(lake, profile)
        planned = plan(lake, profile)
        result = train_and_evaluate(planned, lake, profile)
        revision = publish(planned, result, lake, profile)
        settle(lake, profile)
        ledger = read_ledger(hub)
        manifests = [entry.manifest for entry in ledger.rounds]
        create_markdown_artifact(adapter_card(hub.adapter_repo, manifests, None), key="rounds")
    return RoundReport(
        round=planned.round,
        shard=planned.shard.name,
        revision=revision,
        parent=planned.parent.revision if planned.parent else None,
        promoted=result.decision.promote,
        reason=result.decision.reason,
        metrics=result.metrics,
        seconds=result.report.seconds,
    )


@flow(name="train-rounds")
def train_rounds_flow(rounds: int = 1, lake: str = "lake", profile: str = "tiny") -> list[RoundReport]:
    """Trains the next rounds of the chain, one after the other; completes with what there was to do.

    Args:
        rounds: how many at most.
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
    """
    with hub_of(workplace(lake, profile)) as hub:
        dataset, _ = read_dataset(hub)
        left = len(shards_left(dataset, read_ledger(hub)))
        if not left:
            get_run_logger().info("Nothing to do: all %d shards have their round", len(dataset.train))
        return [train_round_flow(lake, profile) for _ in range(min(rounds, left))]


def _ledger_of(planned: RoundPlan, ledger: Ledger) -> Ledger:
    """The ledger, if it still is what the round was planned on.

    Raises:
        LostRaceError: another worker has published since.
    """
    parent = planned.parent.revision if planned.parent else None
    if (ledger.newest.revision if ledger.newest else None) == parent:
        return ledger
    raise LostRaceError(
        f"Round {planned.round} was published by another worker",
        left="Its work stands, this worker's was discarded",
        mend="Run roundhouse status to see it; the next roundhouse train continues from there",
    )
