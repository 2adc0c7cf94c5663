"""Training state between rounds: optimizer, schedule position and random state, as safetensors + JSON.

Nothing here is pickled: the state comes back from a Hub.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from data_lake.errors import TrainingError
from data_lake.files import sha256_of

TENSORS_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
_RANDOM = "random/"
_LIKE_PARAMETER = ("exp_avg", "exp_avg_sq", "state1", "state2")
"""Slots of the optimizers in use that have one value for each of their parameter's."""


def save_state(
    folder: Path, optimizer: torch.optim.Optimizer, names: dict[str, torch.nn.Parameter], global_step: int
) -> str:
    """Writes the state after a round to `folder` and returns its hash (see `state_sha256`).

    Args:
        folder: an empty folder.
        optimizer: after its last step.
        names: the trained parameters by name; the state is kept by name, not by position.
        global_step: optimizer steps since the chain began.
    """
    tensors: dict[str, torch.Tensor] = {}
    values: dict[str, Any] = {}
    for name, parameter in names.items():
        for key, value in optimizer.state[parameter].items():
            if isinstance(value, torch.Tensor):
                # A clone: 8-bit optimizers share their maps between parameters, safetensors refuses that.
                tensors[f"{name}/{key}"] = value.detach().cpu().clone().contiguous()
            else:
                values[f"{name}/{key}"] = value
    tensors[f"{_RANDOM}cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[f"{_RANDOM}cuda"] = torch.cuda.get_rng_state()
    save_file(tensors, folder / TENSORS_FILE)
    state = {"global_step": global_step, "optimizer": type(optimizer).__name__, "values": values}
    (folder / STATE_FILE).write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return state_sha256(folder)


def state_sha256(folder: Path) -> str:
    """The hash of a state: sha256 over `name sha256` lines of its two files."""
    lines = [f"{name} {sha256_of(folder / name)}\n" for name in (STATE_FILE, TENSORS_FILE)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_global_step(folder: Path) -> int:
    """Optimizer steps since the chain began, of a saved state.

    Raises:
        TrainingError: the state is missing or not what `save_state` writes.
    """
    return int(_read(folder)["global_step"])


def load_state(
    folder: Path, optimizer: torch.optim.Optimizer, names: dict[str, torch.nn.Parameter]
) -> dict[str, torch.Tensor]:
    """Puts a saved state into a new optimizer and returns the random states (`cpu`, perhaps `cuda`).

    Raises:
        TrainingError: truncated, of another optimizer, of other parameters, or not finite.
    """
    state = _read(folder)
    if state["optimizer"] != type(optimizer).__name__:
        raise _unusable(f"it was written by {state['optimizer']}, this round uses {type(optimizer).__name__}")
    try:
        tensors = load_file(folder / TENSORS_FILE)
    except (OSError, SafetensorError) as error:
        raise _unusable(f"{TENSORS_FILE} cannot be read ({error})") from error
    randoms = {key.removeprefix(_RANDOM): value for key, value in tensors.items() if key.startswith(_RANDOM)}
    if {key.rsplit("/", 1)[0] for key in tensors if not key.startswith(_RANDOM)} != set(names):
        raise _unusable("it belongs to an adapter with other parameters")
    for key, value in tensors.items():
        if key.startswith(_RANDOM):
            continue
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise _unusable(f"{key} holds values that are not finite")
        name, slot = key.rsplit("/", 1)
        if slot in _LIKE_PARAMETER and value.shape != names[name].shape:
            raise _unusable(f"{key} has another shape than its parameter")
        # `step` stays where the optimizer keeps it; fused AdamW wants it beside the parameter.
        optimizer.state[names[name]][slot] = value.to(names[name].device)
    for key, value in state["values"].items():
        name, slot = key.rsplit("/", 1)
        optimizer.state[names[name]][slot] = value
    return randoms


def restore_random(randoms: dict[str, torch.Tensor]) -> None:
    """Sets torch's random states as they were when the parent round ended."""
    torch.set_rng_state(randoms["cpu"])
    if "cuda" in randoms and torch.cuda.is_available():
        torch.cuda.set_rng_state(randoms["cuda"])


def _read(folder: Path) -> dict[str, Any]:
    try:
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        return {key: state[key] for key in ("global_step", "optimizer", "values")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(f"{STATE_FILE} cannot be read") from error


def _unusable(why: str) -> TrainingError:
    return TrainingError(
        f"The parent round's training state is unusable: {why}",
        left="Nothing was trained",
        mend="Run roundhouse verify to see which round is damaged",
    )
