"""Adding up what the steps of an ingest report: where every line went."""

from collections import Counter
from collections.abc import Iterable

from data_lake.data_settings import DataSettings
from data_lake.dataset import REASONS, CleaningFigures, DeliveryRecord, InputRecord
from tasks.clean_chunk import ChunkResult, PieceRecord
from tasks.lengths import by_length
from tasks.read import Source
from tasks.shards import BucketRecord, PieceRef, Plan


def plan_of(sources: list[Source], results: list[ChunkResult]) -> Plan:
    """The pieces in the order of their lines, each with what comes before it in its source."""
    lines: Counter[int] = Counter()
    pieces = []
    for result in results:
        chunk = result.chunk
        pieces.append(
            PieceRef(
                id=result.piece.id,
                source=sources[chunk.source].name,
                first_line=lines[chunk.source],
                offset=chunk.offset,
            )
        )
        lines[chunk.source] += result.piece.lines
    return Plan(pieces=pieces)


def input_records(
    sources: list[Source], hashes: list[str], results: list[ChunkResult], cut_short: Iterable[int]
) -> list[InputRecord]:
    """One record a source; `cut_short` holds the positions of those taken although they end too early."""
    lines: Counter[int] = Counter()
    for result in results:
        lines[result.chunk.source] += result.piece.lines
    return [
        InputRecord(
            name=source.name, bytes=source.bytes, sha256=sha256, lines=lines[position], truncated=position in cut_short
        )
        for position, (source, sha256) in enumerate(zip(sources, hashes, strict=True))
    ]


def delivery_record(
    number: int,
    inputs: list[InputRecord],
    settings: DataSettings,
    pieces: list[PieceRecord],
    buckets: list[BucketRecord],
) -> DeliveryRecord:
    """The delivery as a whole.

    Raises:
        AssertionError: a line was lost or counted twice.
    """
    rejected = _sum(piece.rejected for piece in pieces) + _sum(bucket.rejected for bucket in buckets)
    train_rows, validation_rows = (sum(getattr(b, name) for b in buckets) for name in ("train_rows", "validation_rows"))
    record = DeliveryRecord(
        number=number,
        inputs=inputs,
        options=settings.cleaning_options(),
        lines=sum(given.lines for given in inputs),
        kept=train_rows + validation_rows,
        rejected={reason: rejected[reason] for reason in REASONS if rejected[reason]},
        train_rows=train_rows,
        validation_rows=validation_rows,
        figures=_figures(pieces, buckets),
    )
    lost = record.lines - record.kept - sum(rejected.values())
    assert lost == 0, f"{record.lines} lines, but {record.kept} kept and {rejected} rejected"
    return record


def _figures(pieces: list[PieceRecord], buckets: list[BucketRecord]) -> CleaningFigures:
    return CleaningFigures(
        lengths_before=by_length(_sum(p.title_lengths for p in pieces), _sum(p.content_lengths for p in pieces)),
        lengths_after=by_length(_sum(b.title_lengths for b in buckets), _sum(b.content_lengths for b in buckets)),
        titles_with_entities=sum(piece.titles_with_entities for piece in pieces),
        contents_with_entities=sum(piece.contents_with_entities for piece in pieces),
        trailers_cut=sum(piece.trailers_cut for piece in pieces),
        distinct_contents=sum(bucket.distinct_contents for bucket in buckets),
    )


def _sum(counts: Iterable[dict]) -> Counter:
    total: Counter = Counter()
    for count in counts:
        total.update(count)
    return total
