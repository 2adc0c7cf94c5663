"""The reduce half of an ingest: the pieces of a delivery become its shards."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data_lake.data_settings import DataSettings
from data_lake.dataset import TRAIN, VALIDATION, DatasetManifest, DeliveryRecord, ShardRecord, shard_path
from data_lake.layout import Lake
from tasks.growth import CutTask, PartTask, cut_shard, find_new_rows, slices_of
from tasks.processes import RunMap
from tasks.shards import BucketRecord, BucketTask, FileRecord, ShardTask, make_shard
from tasks.split import FirstSplit, LaterSplit
from tasks.work_files import flush


@dataclass(frozen=True)
class Delivery:
    """What a delivery is reduced from and where its files go."""

    lake: Lake
    manifest: DatasetManifest | None
    """The dataset before it; None for the first delivery."""
    settings: DataSettings
    split: FirstSplit | LaterSplit
    plan: Path
    pieces: Path
    folder: Path
    """Records and rejects of its buckets."""
    staged: Lake
    """Its finished files, laid out as they will be in the lake."""

    @property
    def number(self) -> int:
        return len(self.manifest.deliveries) if self.manifest else 0

    def staged_rejects(self) -> Path:
        """Where the delivery's rejects are to be written."""
        path = self.staged.delivery_rejects(self.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def reduce(self, run_map: RunMap) -> tuple[list[BucketRecord], list[ShardRecord]]:
        """Makes the delivery's shards.

        Returns:
            What became of each bucket, and the new shards: training by number, then validation.
        """
        self.staged.data.mkdir(parents=True, exist_ok=True)
        if self.manifest is not None and isinstance(self.split, LaterSplit):
            return self._later(self.manifest, self.split, run_map)
        return self._first(run_map)

    def grown_manifest(self, record: DeliveryRecord, shards: list[ShardRecord]) -> DatasetManifest:
        """The dataset's manifest with this delivery and its shards."""
        if self.manifest is None:
            per_shard = max(1, -(-record.train_rows // self.settings.shards))
            return DatasetManifest(rows_per_shard=per_shard, deliveries=[record], shards=shards)
        held = self.manifest
        every = [*held.shards, *shards]
        ordered = [shard for split in (TRAIN, VALIDATION) for shard in every if shard.split == split]
        return held.model_copy(update={"deliveries": [*held.deliveries, record], "shards": ordered})

    def _first(self, run_map: RunMap) -> tuple[list[BucketRecord], list[ShardRecord]]:
        shards = self.split.buckets - 1
        paths = [*(self.staged.shard(number) for number in range(shards)), self.staged.validation(0)]
        tasks = [
            ShardTask(self._bucket(bucket), str(path), validation=bucket == shards) for bucket, path in enumerate(paths)
        ]
        buckets, made = [], []
        for path, record in zip(paths, _watched("shards", run_map(make_shard, tasks), len(tasks)), strict=True):
            buckets.append(record)
            made.append(self._shard(path, record.file))
        return buckets, made

    def _later(
        self, manifest: DatasetManifest, split: LaterSplit, run_map: RunMap
    ) -> tuple[list[BucketRecord], list[ShardRecord]]:
        train, validation = (
            tuple(str(shard_path(self.lake, shard)) for shard in shards)
            for shards in (manifest.train, manifest.validation)
        )
        percent = self.settings.validation_percent
        tasks = [
            PartTask(self._bucket(bucket), train, validation, percent, split.bounds(bucket))
            for bucket in range(split.buckets)
        ]
        buckets = list(_watched("compared", run_map(find_new_rows, tasks), len(tasks)))
        cuts = self._cuts(manifest, buckets)
        files = _watched("shards", run_map(cut_shard, cuts), len(cuts))
        return buckets, [self._shard(Path(cut.path), file) for cut, file in zip(cuts, files, strict=True)]

    def _cuts(self, manifest: DatasetManifest, buckets: list[BucketRecord]) -> list[CutTask]:
        slices = slices_of([bucket.train_rows for bucket in buckets], manifest.rows_per_shard)
        held_out = [bucket.validation_rows for bucket in buckets]
        first = len(manifest.train)
        cuts = [
            CutTask(str(self.folder), TRAIN, parts, str(self.staged.shard(first + number)))
            for number, parts in enumerate(slices)
        ]
        for parts in slices_of(held_out, sum(held_out)):
            cuts.append(CutTask(str(self.folder), VALIDATION, parts, str(self.staged.validation(self.number))))
        return cuts

    def _bucket(self, bucket: int) -> BucketTask:
        return BucketTask(bucket, str(self.plan), str(self.pieces), str(self.folder), self.settings.rules)

    def _shard(self, path: Path, file: FileRecord) -> ShardRecord:
        # Here, while other processes make the next ones: nothing waits for the disk but this.
        flush(path)
        split = VALIDATION if path == self.staged.validation(self.number) else TRAIN
        return ShardRecord(name=path.stem, split=split, delivery=self.number, **file.model_dump())


def _watched(name: str, results: Iterable, total: int) -> Iterable:
    return tqdm(results, name, total, unit="shard", disable=None)
