"""A round is exact: a chain of rounds equals one uninterrupted run, and a killed round its undisturbed self."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load_file

from data_lake.files import sha256_of
from data_lake.rounds import TrainingReport

RUNNER = Path(__file__).with_name("round_runner.py")
ROWS = 32  # a shard's rows: a multiple of the effective batch, so that both runs cut at the same places
BATCH = {"micro_batch_size": 2, "gradient_accumulation_steps": 2}
STEPS = ROWS // 4


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shards")
    paths = []
    for number in range(2):
        rows = [
            {
                "uid": f"{number}-{row}",
                "title": f"Acme Red Chair {row}",
                "content": f"The chair number {row} is made of steel" + " and wood" * (row % 9) + ".",
                "fingerprint": row * 7919 + number,
            }
            for row in range(ROWS)
        ]
        path = folder / f"shard-{number:05d}.parquet"
        pl.DataFrame(rows, schema_overrides={"fingerprint": pl.UInt64}).write_parquet(path)
        paths.append(path)
    return paths


def start(
    folder: Path,
    base: Path,
    shards: list[Path],
    parent: Path | None = None,
    optimizer: str = "adamw",
    rank: int = 4,
    **training: object,
) -> subprocess.Popen:
    """Begins a round below `folder` in a new process."""
    folder.mkdir(parents=True, exist_ok=True)
    case = folder / "case.json"
    case.write_text(
        json.dumps(
            {
                "base": str(base),
                "shards": [str(shard) for shard in shards],
                "parent_adapter": parent and str(parent / "work" / "adapter"),
                "parent_state": parent and str(parent / "work" / "state"),
                "work": str(folder / "work"),
                "environment": {},
                "settings": {
                    "model": {"max_sequence_length": 128},
                    "generation": {"max_new_tokens": 8},
                    "lora": {"rank": rank, "alpha": 8, "dropout": 0.1},
                    "training": {"optimizer": optimizer, "learning_rate": 1e-3, "warmup_steps": 3, **BATCH, **training},
                },
            }
        )
    )
    return subprocess.Popen([sys.executable, str(RUNNER), str(case)], stderr=subprocess.PIPE, text=True)


def finish(folder: Path, process: subprocess.Popen) -> TrainingReport:
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return report_of(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, small_base: Path, shards: list[Path]) -> TrainingReport:
    """One uninterrupted run over both shards."""
    folder = tmp_path_factory.mktemp("whole")
    return finish(folder, start(folder, small_base, shards))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, small_base: Path, shards: list[Path]) -> Path:
    """The folder of a first round on the first shard."""
    folder = tmp_path_factory.mktemp("first")
    finish(folder, start(folder, small_base, shards[:1]))
    return folder


def report_of(folder: Path) -> TrainingReport:
    return TrainingReport.model_validate_json((folder / "case.report").read_text())


def test_two_rounds_in_two_processes_equal_one_run(
    tmp_path: Path, small_base: Path, shards: list[Path], whole: TrainingReport, first: Path
) -> None:
    base_before = sha256_of(small_base / "model.safetensors")
    one = report_of(first)
    two = finish(tmp_path, start(tmp_path, small_base, shards[1:], first))
    assert len(whole.losses) == 2 * STEPS
    assert one.losses + two.losses == whole.losses
    assert two.adapter_sha256 == whole.adapter_sha256 != one.adapter_sha256
    assert (two.global_step_before, two.global_step_after) == (STEPS, 2 * STEPS)
    assert one.quantised_layers == two.quantised_layers == 2 * 7, "4-bit layers of the small base"
    assert sha256_of(small_base / "model.safetensors") == base_before
    adapter = load_file(tmp_path / "work" / "adapter" / "adapter_model.safetensors")
    assert {str(value.dtype) for value in adapter.values()} == {"torch.float32"}
    assert sum(value.numel() for value in adapter.values()) == two.trainable_parameters


def test_the_8_bit_optimizer_is_handed_over_too(tmp_path: Path, small_base: Path, shards: list[Path]) -> None:
    runs = {name: tmp_path / name for name in ("whole", "one", "two")}
    # bitsandbytes keeps 8 bit only for parameters of 4,096 values and more: rank 64 times width 64.
    options = {"optimizer": "adamw_8bit", "rank": 64}
    whole = finish(runs["whole"], start(runs["whole"], small_base, shards, **options))
    one = finish(runs["one"], start(runs["one"], small_base, shards[:1], **options))
    two = finish(runs["two"], start(runs["two"], small_base, shards[1:], runs["one"], **options))
    assert one.losses + two.losses == whole.losses
    assert two.adapter_sha256 == whole.adapter_sha256
    state = load_file(runs["two"] / "work" / "state" / "optimizer.safetensors")
    assert {str(value.dtype) for name, value in state.items() if name.endswith("/state1")} == {"torch.uint8"}


def test_another_schedule_position_alone_breaks_the_equality(
    tmp_path: Path, small_base: Path, shards: list[Path], whole: TrainingReport, first: Path
) -> None:
    parent = tmp_path / "parent"
    shutil.copytree(first, parent)
    state = parent / "work" / "state" / "state.json"
    state.write_text(state.read_text().replace(f'"global_step": {STEPS}', '"global_step": 0'))
    other = finish(tmp_path / "two", start(tmp_path / "two", small_base, shards[1:], parent))
    assert other.losses[0] == whole.losses[STEPS], "the first loss comes before the first step"
    assert other.losses != whole.losses[STEPS:]


def test_a_killed_round_goes_on_at_its_checkpoint(
    tmp_path: Path, small_base: Path, shards: list[Path], whole: TrainingReport
) -> None:
    process = start(tmp_path, small_base, shards, checkpoint_steps=3)
    deadline = time.monotonic() + 200
    while not list((tmp_path / "work").glob("checkpoint-*/trainer_state.json")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.poll() is None, "the round must still run when it is killed"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "case.report").exists()
    resumed = finish(tmp_path, start(tmp_path, small_base, shards, checkpoint_steps=3))
    assert resumed.losses == whole.losses
    assert resumed.adapter_sha256 == whole.adapter_sha256
    assert not list((tmp_path / "work").glob("checkpoint-*"))
