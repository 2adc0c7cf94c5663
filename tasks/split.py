"""Splitting: which shard or split a row belongs to, by a fingerprint of its content alone."""

from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

_PARTS = 10_000
"""Validation is taken in steps of 1 / 10,000 of all contents."""


def fold(content: str) -> str:
    """A clean content as it is compared: case folded."""
    return content.casefold()


def fingerprint(folded: str) -> int:
    """The 64-bit XXH3 of a folded content's UTF-8: stable over versions and machines."""
    return xxh3_64_intdigest(folded.encode())


@dataclass(frozen=True)
class FirstSplit:
    """The first delivery: a bucket is a shard, and the last bucket is validation."""

    shards: int
    validation_percent: float

    @property
    def buckets(self) -> int:
        return self.shards + 1

    def bucket(self, fingerprint: int) -> int:
        """The bucket of a content: 0 … shards - 1, or `shards` for validation."""
        if self.held_out(fingerprint):
            return self.shards
        return fingerprint // _PARTS % self.shards

    def held_out(self, fingerprint: int) -> bool:
        """Whether a content is for validation."""
        return fingerprint % _PARTS < round(self.validation_percent * _PARTS / 100)


@dataclass(frozen=True)
class LaterSplit:
    """A later delivery: buckets are ranges of fingerprints, to be compared with what is there and cut into shards."""

    buckets: int

    def bucket(self, fingerprint: int) -> int:
        """The bucket of a content: buckets in order hold fingerprints in order."""
        return fingerprint * self.buckets >> 64

    def bounds(self, bucket: int) -> tuple[int, int]:
        """The smallest and the largest fingerprint of a bucket."""
        return -(-(bucket << 64) // self.buckets), -(-((bucket + 1) << 64) // self.buckets) - 1
