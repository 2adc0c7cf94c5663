"""A training state that is damaged or belongs elsewhere is refused in one line, and nothing is unpickled."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_lake.errors import TrainingError
from tasks.handover import STATE_FILE, TENSORS_FILE, load_state, read_global_step, save_state, state_sha256


def trained() -> tuple[torch.optim.Optimizer, dict[str, torch.nn.Parameter]]:
    torch.manual_seed(0)
    names = {f"layer.{number}.weight": torch.nn.Parameter(torch.randn(4, 3)) for number in range(2)}
    optimizer = torch.optim.AdamW(names.values(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        sum(value.square().sum() for value in names.values()).backward()
        optimizer.step()
    return optimizer, names


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    save_state(folder, *trained(), global_step=3)
    return folder


def fresh() -> tuple[torch.optim.Optimizer, dict[str, torch.nn.Parameter]]:
    names = {f"layer.{number}.weight": torch.nn.Parameter(torch.zeros(4, 3)) for number in range(2)}
    return torch.optim.AdamW(names.values(), lr=0.1), names


def test_what_is_loaded_is_what_was_saved(state: Path) -> None:
    wanted, wanted_names = trained()
    found, names = fresh()
    randoms = load_state(state, found, names)
    for name in names:
        for key, value in wanted.state[wanted_names[name]].items():
            assert torch.equal(found.state[names[name]][key], value)
    assert read_global_step(state) == 3
    assert randoms["cpu"].dtype == torch.uint8


def test_the_hash_follows_every_byte(state: Path) -> None:
    before = state_sha256(state)
    (state / STATE_FILE).write_text((state / STATE_FILE).read_text() + " ")
    assert state_sha256(state) != before


def damage_truncate(folder: Path) -> None:
    data = (folder / TENSORS_FILE).read_bytes()
    (folder / TENSORS_FILE).write_bytes(data[: len(data) // 2])


def damage_pickle(folder: Path) -> None:
    (folder / TENSORS_FILE).write_bytes(pickle.dumps({"a": 1}))


def damage_not_finite(folder: Path) -> None:
    tensors = load_file(folder / TENSORS_FILE)
    tensors["layer.0.weight/exp_avg"][0, 0] = float("nan")
    save_file(tensors, folder / TENSORS_FILE)


def damage_missing_parameter(folder: Path) -> None:
    tensors = load_file(folder / TENSORS_FILE)
    save_file({key: value for key, value in tensors.items() if "layer.1" not in key}, folder / TENSORS_FILE)


def damage_shape(folder: Path) -> None:
    tensors = load_file(folder / TENSORS_FILE)
    tensors["layer.0.weight/exp_avg"] = torch.zeros(2, 2)
    save_file(tensors, folder / TENSORS_FILE)


def damage_other_optimizer(folder: Path) -> None:
    state = json.loads((folder / STATE_FILE).read_text())
    (folder / STATE_FILE).write_text(json.dumps(state | {"optimizer": "AdamW8bit"}))


def damage_no_json(folder: Path) -> None:
    (folder / STATE_FILE).write_text("{")


def damage_absent(folder: Path) -> None:
    (folder / TENSORS_FILE).unlink()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (damage_truncate, "cannot be read"),
        (damage_pickle, "cannot be read"),
        (damage_not_finite, "not finite"),
        (damage_missing_parameter, "other parameters"),
        (damage_shape, "another shape"),
        (damage_other_optimizer, "written by AdamW8bit"),
        (damage_no_json, "cannot be read"),
        (damage_absent, "cannot be read"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state: Path, damage, why: str) -> None:
    damage(state)
    with pytest.raises(TrainingError, match=why) as caught:
        load_state(state, *fresh())
    assert "\n" not in str(caught.value)
