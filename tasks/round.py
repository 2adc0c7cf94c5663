"""A round from the plan to the publication, in steps that hand each other only paths, ids and records."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data_lake.dataset import ShardRecord, shard_path
from data_lake.errors import HubError, LakeError, TrainingError
from data_lake.files import sha256_of, write_record
from data_lake.layout import Lake
from data_lake.rounds import (
    BaseModelReference,
    Decision,
    Metrics,
    ParentReference,
    RoundManifest,
    ShardReference,
    TrainingReport,
    round_name,
)
from data_lake.settings import Settings
from tasks.hub import DATASET, MODEL, Hub
from tasks.ledger import Ledger, LedgerRound, next_shard, read_dataset
from tasks.promote import decide
from tasks.prompts import PROMPT_TEMPLATE, PROMPT_VERSION
from tasks.publish_base import provide_base
from tasks.publish_round import publish_round, publish_state

_VERSIONS = ("torch", "transformers", "trl", "peft", "bitsandbytes", "unsloth", "unsloth_zoo", "datasets")
_RESULT = "result.json"


class RoundPlan(BaseModel):
    """A round before it is trained: what it is made of and where that lies on this machine."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    round: int
    shard: ShardReference
    parent: ParentReference | None
    base: BaseModelReference
    base_folder: Path
    shard_file: Path
    validation_file: Path
    parent_adapter: Path | None
    parent_state: Path | None
    promoted: int | None
    promoted_adapter: Path | None
    work: Path


class RoundResult(BaseModel):
    """A round trained and measured, not yet published; kept in its work folder."""

    model_config = ConfigDict(frozen=True)

    report: TrainingReport
    state_sha256: str
    base_metrics: Metrics
    metrics: Metrics
    decision: Decision


def plan_round(lake: Lake, hub: Hub, ledger: Ledger, settings: Settings) -> RoundPlan:
    """Decides what the next round is and brings everything it needs to this machine, each hash checked.

    Raises:
        NothingToDoError: every shard has its round.
        HubError, LakeError: something is missing or not what its manifest says.
    """
    dataset, revision = read_dataset(hub)
    shard = next_shard(dataset, ledger)
    if not dataset.validation:
        raise LakeError(
            "The dataset has no validation split, so no round could be evaluated",
            left="Nothing was trained",
            mend="Raise data.validation_percent in the profile and ingest into a new lake",
        )
    base = provide_base(lake, hub, settings.model)
    parent = ledger.newest
    _check_base(base.reference, parent)
    number = parent.manifest.round + 1 if parent else 1
    reference = ShardReference(
        name=shard.name,
        sha256=shard.sha256,
        rows=shard.rows,
        dataset_repo=hub.dataset_repo,
        dataset_revision=revision,
    )
    return RoundPlan(
        round=number,
        shard=reference,
        parent=_parent_reference(parent),
        base=base.reference,
        base_folder=base.folder,
        shard_file=_shard_file(lake, hub, shard, revision),
        validation_file=_shard_file(lake, hub, dataset.validation[0], revision),
        parent_adapter=hub.folder(hub.adapter_repo, MODEL, parent.revision) if parent else None,
        parent_state=_state_folder(hub, parent) if parent else None,
        promoted=ledger.promoted.manifest.round if ledger.promoted else None,
        promoted_adapter=hub.folder(hub.adapter_repo, MODEL, ledger.promoted.revision) if ledger.promoted else None,
        work=lake.round_work(_key(number, reference, parent, base.reference, settings)),
    )


def run_round(plan: RoundPlan, ledger: Ledger, settings: Settings) -> RoundResult:
    """Trains and evaluates a planned round; a round that was finished but not published is not trained again.

    Raises:
        TrainingError: see `tasks.train.train_round`.
    """
    kept = plan.work / _RESULT
    if kept.is_file():
        return RoundResult.model_validate_json(kept.read_text(encoding="utf-8"))
    # Imported here: what only reads the Hub must not wait for torch.
    from tasks.evaluate import evaluate, measured_with
    from tasks.train import Round, train_round

    trained = train_round(
        Round(plan.base_folder, (plan.shard_file,), plan.parent_adapter, plan.parent_state, plan.work), settings
    )
    hash_now = measured_with(plan.validation_file, settings)
    base_metrics = _known(ledger.newest.manifest.base_metrics if ledger.newest else None, hash_now)
    if base_metrics is None:
        base_metrics = evaluate(trained.loaded, None, plan.validation_file, settings)
    metrics = evaluate(trained.loaded, "default", plan.validation_file, settings)
    against, name = base_metrics, "the base"
    if plan.promoted is not None:
        against = _known(ledger.round(plan.promoted).manifest.metrics, hash_now) or _measure(plan, settings)
        name = round_name(plan.promoted)
    result = RoundResult(
        report=trained.report,
        state_sha256=trained.state_sha256,
        base_metrics=base_metrics,
        metrics=metrics,
        decision=decide(metrics, against, name, settings.promotion),
    )
    write_record(kept, result)
    return result


def publish_result(hub: Hub, ledger: Ledger, plan: RoundPlan, result: RoundResult, settings: Settings) -> LedgerRound:
    """Publishes a round's state and then the round, and returns it as the ledger holds it from now on.

    Raises:
        LostRaceError: another worker was first.
        HubError: the Hub refused or did not answer; the same command publishes again without training.
    """
    from tasks.model import rename_base

    adapter = plan.work / "adapter"
    rename_base(adapter, plan.base.repo, plan.base.revision or None)
    state = publish_state(hub, plan.work / "state", result.state_sha256, plan.round)
    manifest = RoundManifest(
        round=plan.round,
        base=plan.base,
        parent=plan.parent,
        shard=plan.shard,
        state=state,
        settings=_recorded(settings),
        prompt_template=PROMPT_TEMPLATE,
        prompt_version=PROMPT_VERSION,
        versions={name: version(name) for name in (*_VERSIONS, "roundhouse")},
        training=result.report,
        base_metrics=result.base_metrics,
        metrics=result.metrics,
        decision=result.decision,
    )
    return LedgerRound(manifest, publish_round(hub, ledger, manifest, adapter))


def _measure(plan: RoundPlan, settings: Settings) -> Metrics:
    """The promoted round on today's rows, where its recorded figures are from others."""
    from tasks.evaluate import evaluate
    from tasks.model import load_for_answers, put_on_adapter

    assert plan.promoted_adapter is not None
    loaded = load_for_answers(plan.base_folder, settings.model)
    put_on_adapter(loaded, plan.promoted_adapter, "promoted")
    return evaluate(loaded, "promoted", plan.validation_file, settings)


def _known(metrics: Metrics | None, measured_with: str) -> Metrics | None:
    return metrics if metrics and metrics.measured_with == measured_with else None


def _recorded(settings: Settings) -> dict:
    return settings.model_dump(mode="json", include={"model", "lora", "training", "evaluation", "generation"})


def _key(
    number: int,
    shard: ShardReference,
    parent: LedgerRound | None,
    base: BaseModelReference,
    settings: Settings,
) -> str:
    """Names a round's work folder by all that decides its result, so no other round's work is taken for it."""
    parts = [number, shard.sha256, parent and parent.revision, base.weights_sha256, _recorded(settings)]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{number:04d}-{digest[:12]}"


def _parent_reference(parent: LedgerRound | None) -> ParentReference | None:
    if parent is None:
        return None
    return ParentReference(
        round=parent.manifest.round, revision=parent.revision, manifest_sha256=parent.manifest.sha256
    )


def _check_base(base: BaseModelReference, parent: LedgerRound | None) -> None:
    if parent and parent.manifest.base.weights_sha256 != base.weights_sha256:
        raise TrainingError(
            f"Round {parent.manifest.round} was trained around {parent.manifest.base.repo} with other weights "
            f"than {base.repo} has",
            left="Nothing was trained",
            mend="Use the profile the chain began with, or another hub.name for a new chain",
        )


def _shard_file(lake: Lake, hub: Hub, shard: ShardRecord, revision: str) -> Path:
    """The shard's file in the lake or from the Hub, whichever is what the manifest says."""
    local = shard_path(lake, shard)
    if local.is_file() and sha256_of(local) == shard.sha256:
        return local
    path = hub.file(hub.dataset_repo, DATASET, revision, f"data/{shard.name}.parquet")
    if sha256_of(path) != shard.sha256:
        raise HubError(
            f"{shard.name} on the Hub is not the file that the manifest names",
            left="Nothing was trained",
            mend="Run roundhouse publish from the lake that made the dataset",
        )
    return path


def _state_folder(hub: Hub, parent: LedgerRound) -> Path:
    from tasks.handover import state_sha256

    state = parent.manifest.state
    folder = hub.folder(state.repo, MODEL, state.revision)
    if state_sha256(folder) != state.sha256:
        raise HubError(
            f"The training state of round {parent.manifest.round} is not the one its manifest names",
            left="Nothing was trained",
            mend="Run roundhouse verify to see which round is damaged",
        )
    return folder
