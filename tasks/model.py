"""Models in 4 bit with an adapter in fp32, loaded by Unsloth on GPU and CPU alike."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before Unsloth is imported: it calls home when a model is loaded, and that leaves a time-out of
# 3 seconds on every socket of the process.
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
os.environ.setdefault("UNSLOTH_DISABLE_LOGO", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import unsloth  # it patches trl, transformers and peft: it has to come first
import torch
from bitsandbytes.nn import Linear4bit
from peft import PeftModel
from transformers.utils import logging as transformers_logging

from data_lake.errors import TrainingError
from data_lake.settings import LoraSettings, ModelSettings

if not sys.stderr.isatty():
    transformers_logging.disable_progress_bar()

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


@dataclass
class LoadedModel:
    """A model with its tokenizer, on its device."""

    model: Any
    tokenizer: Any

    @property
    def quantised_layers(self) -> int:
        """How many linear layers are held in 4 bit."""
        return sum(isinstance(module, Linear4bit) for module in self.model.modules())

    @property
    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """The adapter's parameters by name, in the model's order."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}


def load_base(folder: Path, settings: ModelSettings) -> LoadedModel:
    """Loads a base model from a local folder, in 4 bit where the settings say so.

    Raises:
        TrainingError: the weights came out in 16 bit although 4 bit were asked for.
    """
    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
        str(folder),
        max_seq_length=settings.max_sequence_length,
        load_in_4bit=settings.load_in_4bit,
        load_in_16bit=not settings.load_in_4bit,
        local_files_only=True,
        # Unsloth would swap the folder's name for a model of its own on the Hub.
        use_exact_model_name=True,
    )
    return _checked(LoadedModel(model, tokenizer), folder, settings)


def load_for_round(
    base: Path, parent: Path | None, model: ModelSettings, lora: LoraSettings, seed: int, work: Path
) -> LoadedModel:
    """Loads the base with a new adapter, or with the parent round's adapter to be trained on.

    Args:
        base: folder of the base model.
        parent: folder of the parent round's adapter, or None for the first round.
        model, lora, seed: shape and start of the adapter.
        work: folder for a copy of the parent whose configuration names `base`.

    Raises:
        TrainingError: not in 4 bit, or the parent's adapter has another shape than the settings.
    """
    if parent is None:
        loaded = load_base(base, model)
        loaded.model = unsloth.FastLanguageModel.get_peft_model(
            loaded.model,
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=list(lora.targets),
            random_state=seed,
            use_gradient_checkpointing="unsloth" if torch.cuda.is_available() else False,
        )
    else:
        check_adapter(parent, lora)
        local = with_local_base(parent, base, work / "parent")
        found, tokenizer = unsloth.FastLanguageModel.from_pretrained(
            str(local),
            max_seq_length=model.max_sequence_length,
            load_in_4bit=model.load_in_4bit,
            load_in_16bit=not model.load_in_4bit,
            local_files_only=True,
            use_exact_model_name=True,
        )
        loaded = _checked(LoadedModel(found, tokenizer), base, model)
    for value in loaded.trainable.values():
        value.data = value.data.float()
    return loaded


def load_for_answers(base: Path, settings: ModelSettings) -> LoadedModel:
    """Loads a base model to generate with; adapters are put on by `with_adapter`."""
    loaded = load_base(base, settings)
    loaded.tokenizer.padding_side = "left"
    unsloth.FastLanguageModel.for_inference(loaded.model)
    return loaded


def put_on_adapter(loaded: LoadedModel, adapter: Path, name: str) -> None:
    """Puts a round's adapter on a base loaded by `load_for_answers`, in the place of any other.

    A page that is up for months would otherwise keep every round it has served in memory.
    """
    if isinstance(loaded.model, PeftModel):
        if name not in loaded.model.peft_config:
            loaded.model.load_adapter(str(adapter), adapter_name=name)
        loaded.model.set_adapter(name)
        for other in set(loaded.model.peft_config) - {name}:
            loaded.model.delete_adapter(other)
    else:
        loaded.model = PeftModel.from_pretrained(loaded.model, str(adapter), adapter_name=name)
    loaded.model.eval()


@contextmanager
def answering(loaded: LoadedModel, adapter_name: str | None) -> Iterator[Any]:
    """The model with one of its adapters, or (None) as the bare base, for as long as the block lasts."""
    if not isinstance(loaded.model, PeftModel):
        yield loaded.model
    elif adapter_name is None:
        with loaded.model.disable_adapter():
            yield loaded.model
    else:
        loaded.model.set_adapter(adapter_name)
        yield loaded.model


def check_adapter(folder: Path, lora: LoraSettings) -> None:
    """Compares an adapter's shape with the settings before anything is loaded.

    Raises:
        TrainingError: rank, alpha or targets differ, or the folder holds no adapter.
    """
    try:
        found = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            "The parent round's adapter_config.json cannot be read",
            left="Nothing was trained",
            mend="Run roundhouse verify to see which round is damaged",
        ) from error
    wanted = {"r": lora.rank, "lora_alpha": lora.alpha, "target_modules": sorted(lora.targets)}
    found["target_modules"] = sorted(found.get("target_modules") or [])
    other = [
        f"{key} is {found.get(key)} there and {value} here" for key, value in wanted.items() if found.get(key) != value
    ]
    if other:
        raise TrainingError(
            f"The parent round's adapter has another shape: {'; '.join(other)}",
            left="Nothing was trained",
            mend="Put the old values back into [lora] of the profile, or start a chain under another hub.name",
        )


def with_local_base(adapter: Path, base: Path, target: Path) -> Path:
    """Copies an adapter to `target` with a configuration that names the base's local folder.

    On the Hub an adapter names its base by repository and revision; here that base is a folder
    already, and Unsloth loads what the configuration names.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in adapter.iterdir():
        if file.is_file():
            shutil.copyfile(file, target / file.name)
    rename_base(target, str(base), None)
    return target


def rename_base(adapter: Path, base: str, revision: str | None) -> None:
    """Writes into an adapter's configuration which base (repository or folder, revision) it stands on."""
    path = adapter / ADAPTER_CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = base, revision
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _checked(loaded: LoadedModel, folder: Path, settings: ModelSettings) -> LoadedModel:
    if settings.load_in_4bit and not loaded.quantised_layers:
        # Unsloth falls back to 16 bit with a printed line only.
        raise TrainingError(
            f"The base in {folder.name} was loaded in 16 bit although 4 bit were asked for",
            left="Nothing was trained",
            mend="Install bitsandbytes with make setup, or set model.load_in_4bit = false in the profile",
        )
    return loaded
