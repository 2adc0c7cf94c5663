"""One round: the parent's adapter and training state, one shard, and the adapter that comes out.

A chain of rounds equals one uninterrupted run over the same rows because a round takes over the
adapter in fp32, the optimizer's state, the schedule's position, the rows' order and the random state.
"""

import math
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tasks import model as models  # Unsloth has to be imported before trl and transformers.

import bitsandbytes
from accelerate.optimizer import AcceleratedOptimizer
import torch
from datasets import Dataset
from datasets.utils import disable_progress_bars
from transformers import PrinterCallback, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from data_lake.errors import TrainingError
from data_lake.files import sha256_of
from data_lake.rounds import TrainingReport
from data_lake.settings import Settings, TrainingSettings
from tasks import handover
from tasks.tokens import TokenisedRows, read_rows, tokenise

disable_progress_bars()  # tokenising a shard takes a second; the steps have their own bar


@dataclass(frozen=True)
class Round:
    """What a round works on. All of it is local."""

    base: Path
    """Folder of the base model."""
    shards: tuple[Path, ...]
    """Parquet files, trained on in this order; more than one makes an uninterrupted run."""
    parent_adapter: Path | None
    parent_state: Path | None
    work: Path
    """Folder of this round alone, named by all that it is made of: a checkpoint found in it is its own."""

    @property
    def adapter(self) -> Path:
        return self.work / "adapter"

    @property
    def state(self) -> Path:
        return self.work / "state"


@dataclass
class TrainedRound:
    """A finished round: its files, its report, and the model still in memory to be evaluated."""

    report: TrainingReport
    state_sha256: str
    loaded: models.LoadedModel


def train_round(this: Round, settings: Settings) -> TrainedRound:
    """Trains one round and writes its adapter and its state below `this.work`.

    Interrupted and called again, it goes on at its last checkpoint and ends with the same bits.

    Raises:
        TrainingError: the parts do not fit together, the loss was not finite, or nothing moved.
    """
    started = time.monotonic()
    this.work.mkdir(parents=True, exist_ok=True)
    loaded = models.load_for_round(
        this.base, this.parent_adapter, settings.model, settings.lora, settings.training.seed, this.work
    )
    rows = _tokenise_shards(this, loaded, settings)
    before = handover.read_global_step(this.parent_state) if this.parent_state else 0
    trainer = _trainer(this, loaded, rows, settings, before)
    base_before, adapter_before = _fingerprint(loaded, trained=False), _fingerprint(loaded, trained=True)
    checkpoint = get_last_checkpoint(str(this.work)) if any(this.work.glob("checkpoint-*")) else None
    steps_started = time.monotonic()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.monotonic() - steps_started
    _check_moved(loaded, base_before, adapter_before)
    state_sha256 = _save(this, trainer, loaded, before)
    report = TrainingReport(
        global_step_before=before,
        global_step_after=before + trainer.state.global_step,
        losses=_losses(trainer),
        rows=len(rows.input_ids),
        rows_left_out=rows.left_out,
        answer_tokens=rows.answer_tokens,
        tokens=rows.tokens,
        truncated_rows=rows.truncated_rows,
        seconds=round(seconds, 3),
        seconds_outside=round(time.monotonic() - started - seconds, 3),
        trainable_parameters=sum(value.numel() for value in loaded.trainable.values()),
        quantised_layers=loaded.quantised_layers,
        device=device_name(),
        optimizer=settings.training.optimizer,
        adapter_sha256=sha256_of(this.adapter / models.ADAPTER_WEIGHTS),
    )
    return TrainedRound(report, state_sha256, loaded)


def learning_rate_factor(step: int, settings: TrainingSettings) -> float:
    """The share of the learning rate at optimizer step `step` (0, 1, …) of the whole chain.

    Warm-up once, then constant: a chain that has no planned end needs no planned schedule.
    """
    return min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0


def device_name() -> str:
    """The GPU's name, or `cpu`."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _tokenise_shards(this: Round, loaded: models.LoadedModel, settings: Settings) -> TokenisedRows:
    rows = [row for shard in this.shards for row in read_rows(shard)]
    tokenised = tokenise(rows, loaded.tokenizer, settings.model.max_sequence_length)
    if not tokenised.input_ids:
        raise TrainingError(
            f"No row of {this.shards[0].name} leaves room for an answer in {settings.model.max_sequence_length} tokens",
            left="Nothing was trained",
            mend="Raise model.max_sequence_length in the profile",
        )
    return tokenised


class _Trainer(SFTTrainer):
    """TRL's trainer over rows in their own order, with the adapter kept in fp32."""

    def __init__(self, *, loaded: models.LoadedModel, **options: Any) -> None:
        # TRL casts the trained weights of a quantised model to bf16. Casting back afterwards would be
        # too late, the parent's bits are gone: the fp32 tensors are kept and put back.
        kept = {name: value.data for name, value in loaded.trainable.items()}
        super().__init__(model=loaded.model, processing_class=loaded.tokenizer, **options)
        for name, value in loaded.trainable.items():
            value.data = kept[name]


class _Guard(TrainerCallback):
    """Sets the handed-over random state at the first step, and stops at a loss that is not finite."""

    def __init__(self, randoms: dict[str, torch.Tensor] | None) -> None:
        self.randoms = randoms

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # At the first step and not before: building the data loader draws from the random state too.
        if self.randoms is not None and state.global_step == 0:
            handover.restore_random(self.randoms)
            self.randoms = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss was {loss} at step {state.global_step} of the round",
                left="Nothing was published; the last checkpoint is kept",
                mend="Lower training.learning_rate in the profile and run roundhouse train again",
            )


def _trainer(this: Round, loaded: models.LoadedModel, rows: TokenisedRows, settings: Settings, before: int) -> _Trainer:
    training = settings.training
    trainer = _Trainer(
        loaded=loaded,
        args=_arguments(this, settings),
        train_dataset=Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels}),
    )
    names = loaded.trainable
    trainer.optimizer = _optimizer(list(names.values()), training)
    randoms = handover.load_state(this.parent_state, trainer.optimizer, names) if this.parent_state else None
    trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
        trainer.optimizer, lambda step: learning_rate_factor(before + step, training)
    )
    trainer.add_callback(_Guard(randoms))
    trainer.remove_callback(PrinterCallback)  # it prints every step on standard output
    return trainer


def _arguments(this: Round, settings: Settings) -> SFTConfig:
    training = settings.training
    return SFTConfig(
        output_dir=str(this.work),
        per_device_train_batch_size=training.micro_batch_size,
        gradient_accumulation_steps=training.gradient_accumulation_steps,
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_gradient_norm,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=not sys.stderr.isatty(),
        save_strategy="steps",
        save_steps=training.checkpoint_steps,
        save_total_limit=2,
        report_to="none",
        seed=training.seed,
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        fp16=False,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _optimizer(parameters: list[torch.nn.Parameter], training: TrainingSettings) -> torch.optim.Optimizer:
    kind = bitsandbytes.optim.AdamW8bit if training.optimizer == "adamw_8bit" else torch.optim.AdamW
    return kind(parameters, lr=training.learning_rate, weight_decay=training.weight_decay)


def _save(this: Round, trainer: _Trainer, loaded: models.LoadedModel, before: int) -> str:
    """Writes adapter, tokenizer and state; the checkpoints have served and go."""
    for folder in (this.adapter, this.state):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    loaded.model.save_pretrained(str(this.adapter))
    loaded.tokenizer.save_pretrained(str(this.adapter))
    (this.adapter / "README.md").unlink(missing_ok=True)  # peft's empty card; the repository has its own
    optimizer = cast(AcceleratedOptimizer, trainer.optimizer).optimizer
    state_sha256 = handover.save_state(this.state, optimizer, loaded.trainable, before + trainer.state.global_step)
    for checkpoint in this.work.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    return state_sha256


def _losses(trainer: _Trainer) -> tuple[float, ...]:
    return tuple(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)


def _fingerprint(loaded: models.LoadedModel, *, trained: bool) -> list[float]:
    """A sum per parameter, enough to tell whether any of them moved."""
    return [
        float(value.detach().float().abs().sum())
        for value in loaded.model.parameters()
        if value.requires_grad == trained
    ]


def _check_moved(loaded: models.LoadedModel, base: list[float], adapter: list[float]) -> None:
    wrong = None
    if _fingerprint(loaded, trained=False) != base:
        wrong = "The base model's weights changed"
    elif _fingerprint(loaded, trained=True) == adapter:
        wrong = "The adapter's weights did not change"
    if wrong:
        raise TrainingError(
            f"{wrong} in this round", left="Nothing was published", mend="Report this with the profile that was used"
        )
