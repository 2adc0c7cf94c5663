"""Publishing, the ledger and promotion against the real Hub server and client."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from support import train_one, wait_for_hub_to_end

from data_lake.dataset import read_manifest, shard_path
from data_lake.errors import HubError, HubUnavailableError, LakeError, LostRaceError, NothingToDoError
from data_lake.layout import Lake
from data_lake.rounds import RoundManifest
from data_lake.settings import Settings
from flows.session import Workplace, hub_of
from tasks.hub import DATASET, MODEL, Hub, connect
from tasks.ledger import Ledger, LedgerRound, mend_tags, next_shard, read_dataset, read_ledger
from tasks.promote import roll_back, settle_promotion
from tasks.publish_dataset import publish_dataset
from tasks.publish_round import publish_round
from tasks.round import plan_round


@pytest.fixture
def trained_hub(own_trained_lake: Lake, small_settings: Settings):
    with hub_of(Workplace(own_trained_lake, small_settings)) as hub:
        yield hub


def _from_another_worker(entry: LedgerRound) -> RoundManifest:
    """The same round as another machine would have made it: it took another time."""
    training = entry.manifest.training.model_copy(update={"seconds": entry.manifest.training.seconds + 1})
    return entry.manifest.model_copy(update={"training": training})


def test_publishing_again_sends_nothing(own_lake: Lake, own_hub: Hub) -> None:
    before = own_hub.head(own_hub.dataset_repo, DATASET, "main")
    again = publish_dataset(own_lake, own_hub)
    assert (again.uploaded_files, again.uploaded_bytes, again.unchanged_files) == (0, 0, 7)
    assert again.revision == before


def test_a_shard_that_is_not_what_the_manifest_says_is_not_published(own_lake: Lake, own_hub: Hub) -> None:
    before = own_hub.head(own_hub.dataset_repo, DATASET, "main")
    path = shard_path(own_lake, read_manifest(own_lake).train[2])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeError, match="is not the file that the manifest names"):
        publish_dataset(own_lake, own_hub)
    assert own_hub.head(own_hub.dataset_repo, DATASET, "main") == before


def test_the_published_files_are_the_lakes(own_lake: Lake, own_hub: Hub) -> None:
    folder = own_hub.folder(own_hub.dataset_repo, DATASET, "main")
    manifest = read_manifest(own_lake)
    assert sum(pl.read_parquet(folder / "data" / f"{shard.name}.parquet").height for shard in manifest.shards) == sum(
        shard.rows for shard in manifest.shards
    )


def test_nothing_answers_at_the_address(tmp_path: Path) -> None:
    with pytest.raises(HubUnavailableError, match="does not answer.*roundhouse hub"):
        connect("http://127.0.0.1:9", "t", namespace="", name="n", private=False, cache=tmp_path, xet=False)


def test_a_wrong_token_is_told_without_the_token(own_hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="refuses the token.*HF_TOKEN") as caught:
        connect(own_hub.endpoint, "hf_wrong", namespace="", name="n", private=False, cache=tmp_path, xet=False)
    assert "hf_wrong" not in str(caught.value)


def test_rounds_form_a_chain(trained_hub: Hub) -> None:
    ledger = read_ledger(trained_hub)
    first, second = ledger.rounds
    assert (first.manifest.parent, first.manifest.shard.name) == (None, "shard-00000")
    assert second.manifest.shard.name == "shard-00001"
    assert second.manifest.parent is not None
    assert second.manifest.parent.revision == first.revision
    assert second.manifest.parent.manifest_sha256 == first.manifest.sha256
    assert second.manifest.training.global_step_before == first.manifest.training.global_step_after
    assert ledger.tip == second.revision
    tags = {tag.name: tag.target_commit for tag in trained_hub.api.list_repo_refs(trained_hub.adapter_repo).tags}
    assert tags == {"round-0001": first.revision, "round-0002": second.revision}


def test_an_empty_lake_goes_on_at_the_right_round(
    trained_hub: Hub, own_trained_lake: Lake, small_settings: Settings
) -> None:
    for folder in ("dataset", "base", "work", "cache"):
        shutil.rmtree(own_trained_lake.root / folder, ignore_errors=True)
    published = train_one(own_trained_lake, trained_hub, small_settings)
    assert published.manifest.round == 3
    assert published.manifest.shard.name == "shard-00002"


def test_a_lost_tag_is_put_right(trained_hub: Hub) -> None:
    trained_hub.api.delete_tag(trained_hub.adapter_repo, tag="round-0001")
    ledger = read_ledger(trained_hub)
    assert mend_tags(trained_hub, ledger) == ["round-0001"]
    assert mend_tags(trained_hub, ledger) == []


def test_a_round_on_a_stale_parent_is_discarded(trained_hub: Hub) -> None:
    ledger = read_ledger(trained_hub)
    stale = Ledger(ledger.rounds[:1], ledger.rounds[0].revision, None)
    adapter = trained_hub.folder(trained_hub.adapter_repo, MODEL, ledger.rounds[1].revision)
    with pytest.raises(LostRaceError, match="another worker published first"):
        publish_round(trained_hub, stale, _from_another_worker(ledger.rounds[1]), adapter)
    assert read_ledger(trained_hub).tip == ledger.tip


def test_a_first_round_that_comes_second_is_discarded(trained_hub: Hub) -> None:
    ledger = read_ledger(trained_hub)
    adapter = trained_hub.folder(trained_hub.adapter_repo, MODEL, ledger.rounds[0].revision)
    with pytest.raises(LostRaceError):
        publish_round(trained_hub, Ledger([], None, None), _from_another_worker(ledger.rounds[0]), adapter)
    assert read_ledger(trained_hub).tip == ledger.tip


def test_rolling_back_is_a_new_commit_and_is_not_undone_by_itself(trained_hub: Hub) -> None:
    ledger = read_ledger(trained_hub)
    assert ledger.promotion is not None
    other = 1 if ledger.promotion.round == 2 else 2
    before = trained_hub.api.list_repo_commits(trained_hub.adapter_repo, revision="main")
    moved = roll_back(trained_hub, ledger, other)
    after = trained_hub.api.list_repo_commits(trained_hub.adapter_repo, revision="main")
    assert [commit.commit_id for commit in after][1:] == [commit.commit_id for commit in before]
    assert settle_promotion(trained_hub, read_ledger(trained_hub)) == moved
    main = trained_hub.folder(trained_hub.adapter_repo, MODEL, "main")
    there = trained_hub.folder(trained_hub.adapter_repo, MODEL, ledger.round(other).revision)
    name = "adapter_model.safetensors"
    assert (main / name).read_bytes() == (there / name).read_bytes()
    with pytest.raises(HubError, match="promoted one already"):
        roll_back(trained_hub, read_ledger(trained_hub), other)
    with pytest.raises(HubError, match="no round 9: there are rounds 1 to 2"):
        roll_back(trained_hub, read_ledger(trained_hub), 9)


def test_a_crash_between_round_and_promotion_is_mended(trained_hub: Hub) -> None:
    ledger = read_ledger(trained_hub)
    newest = ledger.newest
    assert newest is not None
    forgotten = Ledger(ledger.rounds, ledger.tip, None)
    settled = settle_promotion(trained_hub, forgotten)
    assert (settled is None) is not newest.manifest.decision.promote


def test_no_shard_left(trained_hub: Hub) -> None:
    dataset, _ = read_dataset(trained_hub)
    ledger = read_ledger(trained_hub)
    only = dataset.model_copy(update={"shards": [shard for shard in dataset.shards if shard.name < "shard-00002"]})
    with pytest.raises(NothingToDoError, match="All 2 shards have their round"):
        next_shard(only, ledger)


def test_a_published_shard_with_other_bytes_is_not_trained_on(
    own_lake: Lake, own_hub: Hub, small_settings: Settings
) -> None:
    own_hub.api.upload_file(
        path_or_fileobj=shard_path(own_lake, read_manifest(own_lake).train[1]),
        path_in_repo="data/shard-00000.parquet",
        repo_id=own_hub.dataset_repo,
        repo_type=DATASET,
    )
    shutil.rmtree(own_lake.dataset)
    with pytest.raises(HubError, match="shard-00000 on the Hub is not the file"):
        plan_round(own_lake, own_hub, read_ledger(own_hub), small_settings)


def test_the_hub_ends_with_its_last_user(own_lake: Lake, small_settings: Settings) -> None:
    with hub_of(Workplace(own_lake, small_settings)) as one:
        with hub_of(Workplace(own_lake, small_settings)) as two:
            assert one.endpoint == two.endpoint
        assert one.head(one.dataset_repo, DATASET, "main")
    wait_for_hub_to_end(own_lake)
    assert not (own_lake.hub / "address.json").exists()
