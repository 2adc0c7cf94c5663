"""The layout of the lake: the only place that spells a path below it."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lake:
    """A lake's root folder and the places in it.

    ```
    LAKE/
      dataset/            what is published: data/shard-*.parquet, data/validation*.parquet, manifest.json
      rejects/            one Parquet per delivery: every line that was not kept, and why
      work/               work in progress; may be removed at any time, costs only time
      base/               the base model that Roundhouse built (profile tiny)
      cache/              what was downloaded from a Hub, one folder per Hub; the hashes of input files
      search/             the full-text index over titles; may be removed, is built again
      hub/                the local Hub: its blobs, its token, its lock, its address
      prefect/            Prefect's home: database of runs, states and artifacts
      reports/            HTML reports
    ```
    """

    root: Path

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def manifest(self) -> Path:
        return self.dataset / "manifest.json"

    @property
    def data(self) -> Path:
        return self.dataset / "data"

    def shard(self, number: int) -> Path:
        return self.data / f"{shard_name(number)}.parquet"

    def validation(self, delivery: int) -> Path:
        return self.data / f"{validation_name(delivery)}.parquet"

    @property
    def rejects(self) -> Path:
        return self.root / "rejects"

    def delivery_rejects(self, delivery: int) -> Path:
        return self.rejects / f"delivery-{delivery:05d}.parquet"

    @property
    def work(self) -> Path:
        return self.root / "work"

    def ingest_work(self, key: str) -> Path:
        return self.work / f"ingest-{key}"

    def round_work(self, key: str) -> Path:
        return self.work / f"round-{key}"

    @property
    def base(self) -> Path:
        return self.root / "base"

    def hub_cache(self, endpoint: str, *, local: bool) -> Path:
        """Downloads from one Hub; two Hubs may hold different repositories of one name."""
        name = "local" if local else re.sub(r"[^A-Za-z0-9.-]+", "-", endpoint)
        return self.root / "cache" / name

    @property
    def known_inputs(self) -> Path:
        return self.root / "cache" / "inputs.json"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    def search_index(self, manifest_sha256: str) -> Path:
        """The full-text index of the dataset with this manifest."""
        return self.root / "search" / manifest_sha256[:16]

    @property
    def hub(self) -> Path:
        return self.root / "hub"

    @property
    def prefect(self) -> Path:
        return self.root / "prefect"

    @property
    def reports(self) -> Path:
        return self.root / "reports"


def shard_name(number: int) -> str:
    """The name of shard `number` (0, 1, …): a position, never an identity."""
    return f"shard-{number:05d}"


def validation_name(delivery: int) -> str:
    """The name of a delivery's validation file: `validation` for the first, then `validation-00001`, …"""
    return "validation" if delivery == 0 else f"validation-{delivery:05d}"
