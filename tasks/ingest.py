"""Ingest: a catalogue is cleaned and split into the lake, every line accounted for.

A map over chunks of lines and a reduce per shard. Every step is keyed by the hash of what it reads and of its
options, so that a run that was killed is taken up where it was.
"""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest

from data_lake.data_settings import DataSettings
from data_lake.dataset import SCHEMA_VERSION, DatasetManifest, DeliveryRecord, find_manifest
from data_lake.errors import InputError, LakeError
from data_lake.layout import Lake
from tasks.accounting import delivery_record, input_records, plan_of
from tasks.chunks import Cutter
from tasks.clean_chunk import ChunkResult, ChunkTask, clean_chunk
from tasks.delivery import Delivery
from tasks.ingest_commit import clear_work, commit, finish_commits, staged_in
from tasks.ingest_lock import hold, tell_disk_full
from tasks.known_inputs import KnownInputs, delivered, stamp
from tasks.peak_memory import PeakMemory
from tasks.processes import LocalProcesses, RunMap
from tasks.read import Source, find_sources
from tasks.rejects import RejectsWriter, rejects_of_buckets, rejects_of_pieces
from tasks.split import FirstSplit, LaterSplit
from tasks.work_files import write_work_record

_SMALL = 32 << 20
"""Bytes of input that are cleaned sooner in this process than others are started."""
_PART = 128 << 20
"""Bytes of text that a later delivery compares at a time."""
_PACKED = 4
"""How many times larger packed text becomes when it is unpacked, about."""


class IngestReport(BaseModel):
    """What an ingest read, kept and rejected."""

    lines: int
    kept: int
    rejected: dict[str, int]
    """Reason → lines; `lines == kept + sum(rejected.values())`."""
    shards: int
    """Training shards of the dataset, all deliveries together."""
    validation_rows: int
    """Rows held out by this delivery."""
    seconds: float
    rows_per_second: float
    """Lines read a second."""
    peak_rss_mb: float
    """Peak memory of this process and its children, 10⁶ bytes."""
    delivery: int
    """The delivery's number, from 0."""
    unchanged: bool
    """Every input had been ingested before with these options: nothing was done."""
    chunks: int = 0
    """Chunks of lines that the inputs were cut into."""
    chunks_reused: int = 0
    """Of these, how many an earlier run, killed or cut short, had cleaned already."""


def ingest(
    lake: Lake,
    inputs: list[str],
    settings: DataSettings,
    *,
    run_map: RunMap | None = None,
    accept_truncated: bool = False,
) -> IngestReport:
    """Cleans and splits a catalogue into the lake: the first delivery, or a later one beside what is there.

    Of several inputs those that were ingested before with the same options are passed over.

    Args:
        lake: where to; its dataset grows, and no shard it has is changed.
        inputs: paths, globs and URLs of JSON lines, plain or packed as `.gz`, `.zst` or `.zip`.
        settings: how to clean and split.
        run_map: how to run a step over its items; by default processes of this machine.
        accept_truncated: take a packed file that is cut short for what it holds.

    Raises:
        InputError: an input is missing, empty, of another format, damaged or cut short, or holds no row to keep.
        LakeError: another process ingests, the disk is full, or a newer Roundhouse made the dataset.
    """
    started = time.monotonic()
    lake = Lake(lake.root.absolute())
    with tell_disk_full(lake), hold(lake), PeakMemory() as memory:
        finish_commits(lake)
        report = _Ingest(lake, settings, accept_truncated, find_manifest(lake)).run(inputs, run_map)
        seconds = time.monotonic() - started
    measured = {
        "seconds": round(seconds, 3),
        "rows_per_second": round(report.lines / seconds, 1),
        "peak_rss_mb": memory.megabytes,
    }
    return report.model_copy(update=measured)


@dataclass
class _Ingest:
    lake: Lake
    settings: DataSettings
    accept_truncated: bool
    manifest: DatasetManifest | None

    def run(self, inputs: list[str], run_map: RunMap | None) -> IngestReport:
        sources = find_sources(inputs, self.settings.fields)
        known = KnownInputs(self.lake)
        if self.manifest:
            before = delivered(self.manifest, self.settings.cleaning_options())
            new = [source for source in sources if known.sha256(source) not in before]
            known.save()
            if not new:
                return self._unchanged(self.manifest, max(before[known.sha256(source)] for source in sources))
            sources = new
        with ExitStack() as stack:
            run_map = run_map or self._local(sources, stack)
            # What this process does while others clean and write: hash the inputs, then write the rejects.
            beside = stack.enter_context(ThreadPoolExecutor(1))
            report = self._deliver(sources, beside.map(known.sha256, sources), run_map, beside)
        known.save()
        return report

    def _local(self, sources: list[Source], stack: ExitStack) -> RunMap:
        if not self.settings.workers and sum(map(_text_bytes, sources)) <= _SMALL:
            return map
        return stack.enter_context(LocalProcesses(self.settings.workers))

    def _deliver(self, sources: list[Source], hashes: Iterable[str], run_map: RunMap, beside: Executor) -> IngestReport:
        split = self._split(sources)
        work = self.lake.ingest_work(_key(self.settings, split))
        stamps = [stamp(source) for source in sources]
        cutter = Cutter(self.settings, _prepared(work / "pieces"))
        results = self._clean(cutter, sources, split, run_map)
        self._refuse_cut_short(cutter, sources, results)
        plan = plan_of(sources, results)
        delivery = self._delivery(work, split, plan)
        rejects = RejectsWriter(delivery.staged_rejects(), plan)
        early = beside.submit(rejects.add, rejects_of_pieces(plan, delivery.pieces))
        buckets, shards = delivery.reduce(run_map)
        early.result()
        rejects.add(rejects_of_buckets(delivery.folder, split.buckets))
        rejects.close()
        inputs = input_records(sources, list(hashes), results, cutter.cut_short)
        _refuse_changed(sources, stamps)
        record = delivery_record(delivery.number, inputs, self.settings, [result.piece for result in results], buckets)
        if record.kept == 0 and self.manifest is None:
            clear_work(self.lake)
            raise _nothing_kept(record)
        manifest = delivery.grown_manifest(record, shards)
        commit(self.lake, delivery.staged, manifest)
        return _report(manifest, record).model_copy(
            update={"chunks": len(results), "chunks_reused": sum(result.reused for result in results)}
        )

    def _split(self, sources: list[Source]) -> FirstSplit | LaterSplit:
        if self.manifest is None:
            return FirstSplit(self.settings.shards, self.settings.validation_percent)
        held = 2 * sum(shard.bytes for shard in self.manifest.shards)
        return LaterSplit(1 + (held + sum(map(_text_bytes, sources))) // _PART)

    def _clean(self, cutter: Cutter, sources: list[Source], split, run_map: RunMap) -> list[ChunkResult]:
        tasks = (ChunkTask(chunk, self.settings, split, str(cutter.spool)) for chunk in cutter.chunks(sources))
        results, before = [], [sum(source.bytes for source in sources[:at]) for at in range(len(sources))]
        total = sum(source.bytes for source in sources)
        with tqdm(desc="cleaning", total=total, unit="B", unit_scale=True, disable=None) as bar:
            for result in run_map(clean_chunk, tasks):
                results.append(result)
                bar.update(before[result.chunk.source] + result.chunk.read - bar.n)
        return results

    def _refuse_cut_short(self, cutter: Cutter, sources: list[Source], results: list[ChunkResult]) -> None:
        if self.accept_truncated or not cutter.cut_short:
            return
        at, position = next(iter(cutter.cut_short.items()))
        lines = sum(result.piece.lines for result in results if result.chunk.source == at)
        raise InputError(
            f"{sources[at].location} is cut short: it ends at byte {position:,}, in line {lines:,}",
            left="There is no dataset of it; what was cleaned is kept as work in progress",
            mend="Fetch the file again and run the same command, or take what there is: "
            f"roundhouse ingest {sources[at].location} --accept-truncated",
        )

    def _delivery(self, work: Path, split, plan) -> Delivery:
        text = plan.model_dump_json()
        before = self.manifest.model_dump_json() if self.manifest else ""
        folder = _prepared(work / xxh3_128_hexdigest((text + before).encode()))
        path = folder / "plan.json"
        write_work_record(path, plan)
        return Delivery(
            self.lake, self.manifest, self.settings, split, path, work / "pieces", folder, staged_in(folder)
        )

    def _unchanged(self, manifest: DatasetManifest, number: int) -> IngestReport:
        if "shards" in self.settings.model_fields_set:
            made = manifest.deliveries[0].options["shards"]
            if made != self.settings.shards:
                raise LakeError(
                    f"These rows are in {made} shards, which never change; {self.settings.shards} were asked for",
                    left="The lake was not touched",
                    mend=f"Make another lake: roundhouse ingest FILE --lake NEW --shards {self.settings.shards}",
                )
        clear_work(self.lake)
        return _report(manifest, manifest.deliveries[number]).model_copy(update={"unchanged": True})


def _text_bytes(source: Source) -> int:
    return source.bytes * (_PACKED if source.packed else 1)


def _key(settings: DataSettings, split: FirstSplit | LaterSplit) -> str:
    return xxh3_128_hexdigest(f"{SCHEMA_VERSION} {settings.cleaning_options()} {split}".encode())


def _prepared(folder: Path) -> Path:
    """A folder of work in progress, without what a killed run left unfinished."""
    folder.mkdir(parents=True, exist_ok=True)
    for unfinished in (*folder.rglob(".*.partial"), *folder.glob("*.spool")):
        unfinished.unlink()
    return folder


def _refuse_changed(sources: list[Source], stamps: list) -> None:
    for source, before in zip(sources, stamps, strict=True):
        if stamp(source) != before:
            raise InputError(
                f"{source.location} changed while it was read",
                left="There is no dataset of it; what was cleaned is kept as work in progress",
                mend=f"Let it come to rest, then: roundhouse ingest {source.location}",
            )


def _nothing_kept(record: DeliveryRecord) -> InputError:
    names = ", ".join(given.name for given in record.inputs)
    why = ", ".join(f"{reason} {lines:,}" for reason, lines in Counter(record.rejected).most_common())
    return InputError(
        f"Of {record.lines:,} lines in {names} none could be kept: {why}",
        left="The lake was not touched",
        mend="It must be JSON lines; name its fields: roundhouse ingest FILE --fields title=NAME,content=NAME,uid=NAME",
    )


def _report(manifest: DatasetManifest, record: DeliveryRecord) -> IngestReport:
    return IngestReport(
        lines=record.lines,
        kept=record.kept,
        rejected=record.rejected,
        shards=len(manifest.train),
        validation_rows=record.validation_rows,
        seconds=0,
        rows_per_second=0,
        peak_rss_mb=0,
        delivery=record.number,
        unchanged=False,
    )
