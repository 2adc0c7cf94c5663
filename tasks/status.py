"""Where everything stands: dataset, rounds, promoted round, next shard."""

from pydantic import BaseModel

from data_lake.dataset import find_manifest
from data_lake.errors import NothingToDoError
from data_lake.layout import Lake
from data_lake.rounds import Metrics
from tasks.hub import Hub
from tasks.ledger import Ledger, find_dataset, next_shard, read_ledger


class DatasetStatus(BaseModel):
    """The dataset in the lake, and on the Hub."""

    lake_shards: int
    lake_rows: int
    repo: str
    revision: str | None
    """The published commit, None where nothing is published."""
    shards: int
    """Published training shards."""
    rows: int
    """Published rows, validation among them."""


class RoundStatus(BaseModel):
    """A round in one line."""

    round: int
    shard: str
    revision: str
    parent: str | None
    promoted: bool
    """Its decision was to promote it."""
    reason: str
    metrics: Metrics


class Status(BaseModel):
    """What the lake and the Hub hold."""

    endpoint: str
    dataset: DatasetStatus
    rounds: list[RoundStatus]
    promoted: int | None
    promoted_revision: str | None
    base_metrics: Metrics | None
    next_shard: str | None


def read_status(lake: Lake, hub: Hub) -> Status:
    """Reads the lake's manifest and the Hub's history.

    Raises:
        HubError: the Hub is unreachable or damaged.
    """
    ledger = read_ledger(hub)
    local = find_manifest(lake)
    dataset, revision = find_dataset(hub) or (None, None)
    upcoming = None
    if dataset:
        try:
            upcoming = next_shard(dataset, ledger).name
        except NothingToDoError:
            upcoming = None
    return Status(
        endpoint=hub.endpoint,
        dataset=DatasetStatus(
            lake_shards=len(local.train) if local else 0,
            lake_rows=sum(shard.rows for shard in local.shards) if local else 0,
            repo=hub.dataset_repo,
            revision=revision,
            shards=len(dataset.train) if dataset else 0,
            rows=sum(shard.rows for shard in dataset.shards) if dataset else 0,
        ),
        rounds=_rounds(ledger),
        promoted=ledger.promotion.round if ledger.promotion else None,
        promoted_revision=ledger.promotion.revision if ledger.promotion else None,
        base_metrics=ledger.newest.manifest.base_metrics if ledger.newest else None,
        next_shard=upcoming,
    )


def _rounds(ledger: Ledger) -> list[RoundStatus]:
    return [
        RoundStatus(
            round=entry.manifest.round,
            shard=entry.manifest.shard.name,
            revision=entry.revision,
            parent=entry.manifest.parent.revision if entry.manifest.parent else None,
            promoted=entry.manifest.decision.promote,
            reason=entry.manifest.decision.reason,
            metrics=entry.manifest.metrics,
        )
        for entry in ledger.rounds
    ]
