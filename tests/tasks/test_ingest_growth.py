"""A later delivery adds shards of what is new and changes nothing that is there."""

import math
import os
import shutil

import polars as pl
import pytest

from data_lake.data_settings import DataSettings, Rules
from data_lake.dataset import read_manifest, shard_path
from data_lake.errors import LakeError
from data_lake.layout import Lake
from tasks.growth import Slice, slices_of
from tasks.ingest import ingest

SETTINGS = DataSettings(shards=5, validation_percent=10)


def _lines(path, start: int, stop: int | None) -> bytes:
    return b"".join(path.read_bytes().splitlines(keepends=True)[start:stop])


@pytest.fixture(scope="module")
def first(catalogue, tmp_path_factory) -> Lake:
    """A lake of the first 2,000 lines."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "trn.json").write_bytes(_lines(catalogue, 0, 2_000))
    ingest(Lake(folder / "lake"), [str(folder / "trn.json")], SETTINGS)
    return Lake(folder / "lake")


@pytest.fixture
def grown(first, lake) -> Lake:
    shutil.copytree(first.root, lake.root)
    return lake


def _texts(lake: Lake, delivery: int | None = None, split: str | None = None) -> pl.DataFrame:
    shards = read_manifest(lake).shards
    held = [s for s in shards if delivery in (None, s.delivery) and split in (None, s.split)]
    return pl.concat([pl.read_parquet(shard_path(lake, shard)) for shard in held])


def test_the_same_file_again_does_nothing(first, grown, bytes_of):
    before = bytes_of(grown)
    report = ingest(grown, [str(first.root.parent / "trn.json")], SETTINGS)
    assert (report.unchanged, report.delivery, report.lines, report.shards) == (True, 0, 2_000, 5)
    assert bytes_of(grown) == before


def test_the_same_bytes_at_another_place_are_known_again(first, grown, tmp_path, bytes_of):
    before = bytes_of(grown)
    shutil.copyfile(first.root.parent / "trn.json", tmp_path / "copy.json")
    assert ingest(grown, [str(tmp_path / "copy.json")], SETTINGS).unchanged
    assert bytes_of(grown) == before


def test_a_file_changed_in_place_is_read_again(grown, catalogue, tmp_path):
    path = tmp_path / "trn.json"
    path.write_bytes(_lines(catalogue, 2_000, 3_000))
    assert ingest(grown, [str(path)], SETTINGS).delivery == 1
    text = path.read_bytes()
    path.write_bytes(text.replace(b"small", b"SMALL").replace(b"large", b"LARGE"))
    assert path.stat().st_size == len(text)
    assert not ingest(grown, [str(path)], SETTINGS).unchanged


def test_a_grown_file_makes_new_shards_and_touches_no_old_one(first, grown, catalogue, bytes_of):
    before, old = bytes_of(first), read_manifest(first)
    report = ingest(grown, [str(catalogue)], SETTINGS)
    manifest = read_manifest(grown)
    after = bytes_of(grown)
    assert all(after[path] == held for path, held in before.items() if path != "dataset/manifest.json")
    new = [shard for shard in manifest.shards if shard.delivery == 1]
    assert [shard for shard in manifest.shards if shard.delivery == 0] == old.shards
    train = [shard for shard in new if shard.split == "train"]
    rows = sum(shard.rows for shard in train)
    assert [shard.name for shard in train] == [
        f"shard-{5 + n:05d}" for n in range(math.ceil(rows / old.rows_per_shard))
    ]
    assert all(shard.rows == old.rows_per_shard for shard in train[:-1])
    assert [shard.name for shard in new if shard.split == "validation"] == ["validation-00001"]
    assert [shard.name for shard in manifest.shards][-2:] == ["validation", "validation-00001"]
    assert report.lines == 4_000 == report.kept + sum(report.rejected.values())
    assert report.rejected["already_kept"] >= old.deliveries[0].kept
    assert (report.shards, report.delivery) == (5 + len(train), 1)


def test_grown_in_two_steps_or_at_once_holds_the_same_rows(grown, catalogue, tmp_path):
    ingest(grown, [str(catalogue)], SETTINGS)
    once = Lake(tmp_path / "once")
    ingest(once, [str(catalogue)], SETTINGS)
    for split in ("train", "validation"):
        # Of rows alike but for their uid the earlier delivery's stays; of many titles of one content the earlier ones.
        assert set(_texts(grown, split=split)["content"]) == set(_texts(once, split=split)["content"])
    assert _texts(grown).select("title", "content").is_unique().all()
    assert _texts(grown)["fingerprint"].value_counts()["count"].max() <= SETTINGS.rules.max_copies


def test_new_shards_are_in_order_and_the_last_may_be_small(grown, catalogue):
    ingest(grown, [str(catalogue)], SETTINGS)
    rows = _texts(grown, delivery=1, split="train")
    assert rows.equals(rows.sort("fingerprint", "title", "uid", nulls_last=True))


def test_a_content_stays_in_its_split_whatever_is_held_out_now(grown, catalogue):
    ingest(grown, [str(catalogue)], DataSettings(shards=5, validation_percent=50, rules=Rules(max_copies=100)))
    train, validation = (set(_texts(grown, split=split)["fingerprint"]) for split in ("train", "validation"))
    assert not train & validation
    assert len(_texts(grown, delivery=1, split="validation")) > 100


def test_nothing_new_makes_a_delivery_without_shards(first, grown, catalogue, tmp_path):
    shuffled = _lines(catalogue, 0, 2_000).splitlines(keepends=True)[::-1]
    (tmp_path / "shuffled.json").write_bytes(b"".join(shuffled))
    report = ingest(grown, [str(tmp_path / "shuffled.json")], SETTINGS)
    assert (report.kept, report.unchanged, report.delivery) == (0, False, 1)
    assert read_manifest(grown).shards == read_manifest(first).shards
    assert ingest(grown, [str(tmp_path / "shuffled.json")], SETTINGS).unchanged


def test_of_several_files_the_known_ones_are_passed_over(first, grown, catalogue, tmp_path):
    (tmp_path / "more.json").write_bytes(_lines(catalogue, 2_000, None))
    report = ingest(grown, [str(first.root.parent / "trn.json"), str(tmp_path / "more.json")], SETTINGS)
    assert (report.lines, report.delivery) == (2_000, 1)
    assert [given.name for given in read_manifest(grown).deliveries[1].inputs] == [f"{tmp_path.name}/more.json"]


def test_a_published_split_cannot_be_cut_anew(first, grown, bytes_of):
    before = bytes_of(grown)
    with pytest.raises(LakeError, match=r"are in 5 shards, which never change; 7 were asked for.*--shards 7"):
        ingest(grown, [str(first.root.parent / "trn.json")], SETTINGS.model_copy(update={"shards": 7}))
    assert bytes_of(grown) == before


def test_a_second_delivery_does_not_depend_on_how_it_is_cut_up(first, catalogue, tmp_path, bytes_of, processes):
    found = []
    for chunk_mb in (1, 64):
        lake = Lake(tmp_path / f"lake-{chunk_mb}")
        shutil.copytree(first.root, lake.root)
        ingest(lake, [str(catalogue)], SETTINGS.model_copy(update={"chunk_mb": chunk_mb}), run_map=processes)
        found.append(bytes_of(lake))
    assert found[0] == found[1]


def test_an_input_that_was_only_touched_is_hashed_and_known(first, grown):
    path = first.root.parent / "trn.json"
    os.utime(path)
    assert ingest(grown, [str(path)], SETTINGS).unchanged


@pytest.mark.parametrize(
    ("counts", "rows", "shards"),
    [
        ([], 3, []),
        ([0, 0], 3, []),
        ([2], 3, [[(0, 0, 2)]]),
        ([3, 3], 3, [[(0, 0, 3)], [(1, 0, 3)]]),
        ([2, 0, 5], 3, [[(0, 0, 2), (2, 0, 1)], [(2, 1, 4)], [(2, 4, 5)]]),
    ],
)
def test_slices(counts, rows, shards):
    assert slices_of(counts, rows) == [tuple(Slice(*part) for part in shard) for shard in shards]
