"""The base model that adapters stand on: found on the Hub, in a folder, or built here and published."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from data_lake.layout import Lake
from data_lake.rounds import BaseModelReference
from data_lake.settings import BUILT_BASE, ModelSettings
from tasks.base_model import build_base, weights_sha256
from tasks.cards import base_card
from tasks.hub import MODEL, Hub, told

# Weights as pickles are never fetched.
_PATTERNS = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]


@dataclass(frozen=True)
class Base:
    """A base model on this machine, and what the adapters call it."""

    folder: Path
    reference: BaseModelReference


def provide_base(lake: Lake, hub: Hub, settings: ModelSettings) -> Base:
    """Returns the base model's folder; the profile's `tiny` is built and published where it is missing.

    A base that the Hub holds is downloaded, so every worker trains around the same weights.

    Raises:
        HubError: the base is not on the Hub, or cannot be published.
    """
    if settings.base == BUILT_BASE:
        return _built(lake, hub)
    if Path(settings.base).is_dir():
        folder = Path(settings.base)
        return Base(folder, BaseModelReference(repo=settings.base, revision="", weights_sha256=weights_sha256(folder)))
    return _downloaded(hub, settings.base, settings.revision)


def _built(lake: Lake, hub: Hub) -> Base:
    published = hub.head(hub.base_repo, MODEL, "main")
    if published is None or "config.json" not in hub.hashes(hub.base_repo, MODEL, published):
        build_base(lake.base)
        hub.create(hub.base_repo, MODEL)
        operations = [CommitOperationAdd(file.name, file) for file in sorted(lake.base.iterdir())]
        operations.append(CommitOperationAdd("README.md", base_card(hub.base_repo).encode()))
        with told(f"publish {hub.base_repo}"):
            hub.api.create_commit(hub.base_repo, operations, repo_type=MODEL, commit_message="The base model")
    return _downloaded(hub, hub.base_repo, "main")


def _downloaded(hub: Hub, repo: str, revision: str) -> Base:
    with told(f"look up {repo}"):
        commit = str(hub.api.model_info(repo, revision=revision).sha)
    folder = hub.folder(repo, MODEL, commit, _PATTERNS)
    return Base(folder, BaseModelReference(repo=repo, revision=commit, weights_sha256=weights_sha256(folder)))
