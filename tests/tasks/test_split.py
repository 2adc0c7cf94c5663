"""A content's fingerprint decides its shard, alone and for ever."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.split import FirstSplit, LaterSplit, fingerprints, fold, held_out

MARKS = st.integers(0, 2**64 - 1)


def _bucket(split, *marks: int) -> list[int]:
    rows = pl.DataFrame({"fingerprint": pl.Series(marks, dtype=pl.UInt64)})
    return rows.select(split.bucket(pl.col("fingerprint"))).to_series().to_list()


def test_fingerprints_never_change():
    """Values of the reference XXH3-64; another value would move published rows to other shards."""
    assert fingerprints([""]).to_list() == [0x2D06800538D394C2]
    upper, lower = fingerprints(
        fold(pl.Series(["High Quality ballet tutu: STRASSE", "high quality ballet tutu: Straße"]))
    )
    assert upper == lower


@given(st.lists(MARKS, min_size=1), st.integers(1, 100), st.floats(0, 50))
def test_first_delivery(marks, shards, percent):
    split = FirstSplit(shards, percent)
    for mark, bucket in zip(marks, _bucket(split, *marks), strict=True):
        held = mark % 10_000 < round(percent * 100)
        assert bucket == (shards if held else mark // 10_000 % shards)
        assert bucket < split.buckets


@given(MARKS, st.integers(1, 5_000))
def test_later_delivery_in_ranges(mark, buckets):
    split = LaterSplit(buckets)
    (bucket,) = _bucket(split, mark)
    low, high = split.bounds(bucket)
    assert low <= mark <= high
    assert _bucket(split, low, high) == [bucket, bucket]


@pytest.mark.parametrize("buckets", [1, 2, 3, 7, 64])
def test_ranges_cover_all_fingerprints_once(buckets):
    bounds = [LaterSplit(buckets).bounds(bucket) for bucket in range(buckets)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == 2**64 - 1
    assert all(before[1] + 1 == after[0] for before, after in zip(bounds, bounds[1:], strict=False))


def test_sizes_are_even():
    marks = fingerprints([str(number) for number in range(140_000)])
    buckets = pl.Series(_bucket(FirstSplit(70, 1.0), *marks)).value_counts(sort=True)
    counts = dict(buckets.iter_rows())
    assert counts.pop(70) == pytest.approx(1_400, rel=0.1)
    assert all(count == pytest.approx(1_980, rel=0.08) for count in counts.values())


def test_held_out_share():
    rows = pl.DataFrame({"m": pl.Series(range(100_000), dtype=pl.UInt64)})
    assert rows.select(held_out(pl.col("m"), 1.0).sum()).item() == 1_000
    assert rows.select(held_out(pl.col("m"), 0).sum()).item() == 0
