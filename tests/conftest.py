"""What many tests share: a small base model, a small lake, and a chain of two rounds on its Hub."""

import os

# Read by huggingface_hub when it is imported: the local Hub does not speak Xet.
os.environ["HF_HUB_DISABLE_XET"] = "1"

import flows  # noqa: F401  (switches telemetry off before anything else is imported)

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_lake.layout import Lake
from data_lake.settings import Settings, load_settings
from flows.session import Workplace, hub_of
from tasks.base_model import BaseRecipe, build_base
from tasks.hub import Hub
from support import copy_lake, train_one

# Everything a test of a command passes in its environment beside the command's own.
for name in ("HF_ENDPOINT", "HF_TOKEN", "PREFECT_API_URL", "ROUNDHOUSE_LAKE", "ROUNDHOUSE_PROFILE"):
    os.environ.pop(name, None)

SMALL_BASE = BaseRecipe(vocabulary=600, hidden=64, layers=2, heads=2, intermediate=128, steps=60, documents=4000)
SMALL_PROFILE = """
[data]
shards = 6
validation_percent = 5.0
workers = 1

[model]
max_sequence_length = 160

[lora]
rank = 4
alpha = 8

[training]
learning_rate = 5e-3
warmup_steps = 2
checkpoint_steps = 4

[evaluation]
rows = 16
prompts = 4

[generation]
max_new_tokens = 24
"""


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a base model in the real layout, pre-trained for seconds."""
    folder = tmp_path_factory.mktemp("base") / "base"
    build_base(folder, SMALL_BASE)
    return folder


@pytest.fixture(scope="session")
def small_profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a profile for the small base: 6 shards, few steps."""
    path = tmp_path_factory.mktemp("profile") / "small.toml"
    path.write_text(SMALL_PROFILE)
    return str(path)


@pytest.fixture(scope="session")
def small_settings(small_profile: str) -> Settings:
    return load_settings(small_profile)


@pytest.fixture(scope="session")
def published_lake(tmp_path_factory: pytest.TempPathFactory, small_base: Path, small_settings: Settings) -> Lake:
    """A lake with a catalogue in 6 shards, its dataset and base model on its own Hub. Not to be changed."""
    from tasks.ingest import ingest
    from tasks.publish_base import provide_base
    from tasks.publish_dataset import publish_dataset
    from tasks.sample import write_sample

    lake = Lake(tmp_path_factory.mktemp("published") / "lake")
    lake.root.mkdir()
    catalogue = lake.root / "trn.json"
    write_sample(catalogue, 600, 7)
    ingest(lake, [str(catalogue)], small_settings.data)
    shutil.copytree(small_base, lake.base)
    with hub_of(Workplace(lake, small_settings)) as hub:
        publish_dataset(lake, hub)
        provide_base(lake, hub, small_settings.model)
    return lake


@pytest.fixture(scope="session")
def trained_lake(tmp_path_factory: pytest.TempPathFactory, published_lake: Lake, small_settings: Settings) -> Lake:
    """A copy of the published lake with two rounds on its Hub, the newest passing one promoted. Not to be changed."""
    lake = copy_lake(published_lake, tmp_path_factory.mktemp("trained") / "lake")
    with hub_of(Workplace(lake, small_settings)) as hub:
        for _ in range(2):
            train_one(lake, hub, small_settings)
    return lake


@pytest.fixture
def own_lake(tmp_path: Path, published_lake: Lake) -> Lake:
    """A copy of the published lake for one test to change."""
    return copy_lake(published_lake, tmp_path / "lake")


@pytest.fixture
def own_trained_lake(tmp_path: Path, trained_lake: Lake) -> Lake:
    """A copy of the trained lake for one test to change."""
    return copy_lake(trained_lake, tmp_path / "lake")


@pytest.fixture
def own_hub(own_lake: Lake, small_settings: Settings) -> Iterator[Hub]:
    """The running Hub of `own_lake`."""
    with hub_of(Workplace(own_lake, small_settings)) as hub:
        yield hub
