"""Splitting: which shard or split a row belongs to, by a fingerprint of its content alone."""

from dataclasses import dataclass

import polars as pl
from xxhash import xxh3_64_intdigest

_PARTS = 10_000
"""Validation is taken in steps of 1 / 10,000 of all contents."""
_HALF = 1 << 32


def fold(contents: pl.Series) -> list[str]:
    """Clean contents as they are compared: case folded."""
    return [content.casefold() for content in contents.to_list()]


def fingerprints(folded: list[str]) -> pl.Series:
    """The 64-bit XXH3 of each folded content's UTF-8: stable over versions and machines."""
    marks = [xxh3_64_intdigest(content.encode()) for content in folded]
    return pl.Series("fingerprint", marks, pl.UInt64)


def held_out(fingerprint: pl.Expr, validation_percent: float) -> pl.Expr:
    """Whether contents are for validation."""
    return fingerprint % _PARTS < round(validation_percent * _PARTS / 100)


@dataclass(frozen=True)
class FirstSplit:
    """The first delivery: a bucket is a shard, and the last bucket is validation."""

    shards: int
    validation_percent: float

    @property
    def buckets(self) -> int:
        return self.shards + 1

    def bucket(self, fingerprint: pl.Expr) -> pl.Expr:
        """The buckets of contents: 0 … shards - 1, or `shards` for validation."""
        shard = fingerprint // _PARTS % self.shards
        for_validation = held_out(fingerprint, self.validation_percent)
        return pl.when(for_validation).then(self.shards).otherwise(shard).cast(pl.UInt32)


@dataclass(frozen=True)
class LaterSplit:
    """A later delivery: buckets are ranges of fingerprints, to be compared with what is there and cut into shards."""

    buckets: int

    def bucket(self, fingerprint: pl.Expr) -> pl.Expr:
        """The buckets of contents: buckets in order hold fingerprints in order."""
        return (fingerprint // _HALF * self.buckets // _HALF).cast(pl.UInt32)

    def bounds(self, bucket: int) -> tuple[int, int]:
        """The smallest and the largest fingerprint of a bucket."""
        first, after = (-(-at * _HALF // self.buckets) * _HALF for at in (bucket, bucket + 1))
        return first, after - 1
