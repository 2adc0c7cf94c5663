"""Knowing an input again: its hash, remembered for as long as its size and time of change stay the same."""

import json
import os

from data_lake.dataset import DatasetManifest
from data_lake.files import PARTIAL_SUFFIX, write_text
from data_lake.layout import Lake
from tasks.read import Source

Stamp = tuple[int, int]
"""A local file's size in bytes and time of change in nanoseconds."""


def stamp(source: Source) -> Stamp | None:
    """A local source's stamp; None for a URL, which has none that holds everywhere."""
    if not source.local:
        return None
    status = os.stat(source.location)
    return status.st_size, status.st_mtime_ns


class KnownInputs:
    """The hashes of the inputs a lake has seen. Losing them costs the time of hashing again."""

    def __init__(self, lake: Lake) -> None:
        self._path = lake.known_inputs
        for unfinished in self._path.parent.glob(f".{self._path.name}.*{PARTIAL_SUFFIX}"):
            unfinished.unlink()  # of a run that was killed: the lake is held, so nobody writes one now
        try:
            self._hashes: dict[str, list] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            self._hashes = {}

    def sha256(self, source: Source) -> str:
        """A source's hash: remembered, or computed now."""
        now = stamp(source)
        held = self._hashes.get(source.location)
        if now is None or held is None or tuple(held[:2]) != now:
            held = [*(now or (0, 0)), source.sha256()]
            self._hashes[source.location] = held
        return held[2]

    def save(self) -> None:
        write_text(self._path, json.dumps(self._hashes))


def delivered(manifest: DatasetManifest, options: dict) -> dict[str, int]:
    """The sha256 of every input that was ingested with these options → the number of its delivery.

    The number of shards does not count: it was settled by the first delivery.
    """
    return {
        given.sha256: delivery.number
        for delivery in manifest.deliveries
        if delivery.options | {"shards": 0} == options | {"shards": 0}
        for given in delivery.inputs
    }
