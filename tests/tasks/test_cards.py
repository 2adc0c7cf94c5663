"""The cards that people read on the Hub, read back by the Hub's own parser."""

from huggingface_hub import DatasetCard, ModelCard

from data_lake.dataset import read_manifest
from data_lake.layout import Lake
from data_lake.settings import Settings
from flows.session import Workplace, hub_of
from tasks.hub import DATASET, MODEL
from tasks.ledger import read_ledger


def test_the_dataset_card_counts_what_the_manifest_counts(published_lake: Lake, small_settings: Settings) -> None:
    with hub_of(Workplace(published_lake, small_settings)) as hub:
        card = DatasetCard.load(hub.file(hub.dataset_repo, DATASET, "main", "README.md"))
    manifest = read_manifest(published_lake)
    splits = {split["name"]: split["num_examples"] for split in card.data.to_dict()["dataset_info"]["splits"]}
    assert splits["train"] == sum(shard.rows for shard in manifest.train)
    assert splits["validation"] == sum(shard.rows for shard in manifest.validation)
    for reason, count in manifest.deliveries[0].rejected.items():
        assert f"| {reason} | {count} |" in card.text


def test_the_adapter_card_names_base_dataset_and_rounds(trained_lake: Lake, small_settings: Settings) -> None:
    with hub_of(Workplace(trained_lake, small_settings)) as hub:
        ledger = read_ledger(hub)
        card = ModelCard.load(hub.file(hub.adapter_repo, MODEL, "rounds", "README.md"))
    head = card.data.to_dict()
    assert head["base_model"] == ledger.rounds[0].manifest.base.repo
    assert head["datasets"] == [ledger.rounds[0].manifest.shard.dataset_repo]
    for entry in ledger.rounds:
        assert f"| {entry.manifest.round} | {entry.manifest.shard.name} |" in card.text
    assert "{{" not in card.text
