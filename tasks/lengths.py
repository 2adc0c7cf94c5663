"""Counting texts by their length."""

from bisect import bisect_right
from collections.abc import Mapping

from data_lake.dataset import Lengths

EDGES = sorted({0} | {round(2 ** (step / 4)) for step in range(73)})
"""Quarter octaves of characters, up to 2 ** 18 = 262,144; what is longer counts in the last bin."""


def by_length(title: Mapping[int, int], content: Mapping[int, int]) -> Lengths:
    """Bins the counts of lengths (characters → texts) of titles and contents."""
    return Lengths(edges=EDGES, title=_binned(title), content=_binned(content))


def _binned(counts: Mapping[int, int]) -> list[int]:
    bins = [0] * len(EDGES)
    for length, count in counts.items():
        bins[bisect_right(EDGES, length) - 1] += count
    return bins
