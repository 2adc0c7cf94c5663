"""Results as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from flows.console import FIGURES, figures, print_table

if TYPE_CHECKING:  # a command loads only what it runs
    from flows.train_rounds import RoundReport
    from tasks.ask import Answer
    from tasks.ingest import IngestReport
    from tasks.status import Status


def ingest(done: IngestReport) -> None:
    """What became of the lines."""
    counts = [("kept", done.kept), *sorted(done.rejected.items(), key=lambda item: -item[1])]
    print_table(f"{done.lines} lines", ("what became of them", "lines"), counts)
    again = ", nothing new" if done.unchanged else ""
    typer.echo(
        f"{done.shards} shards, {done.validation_rows} validation rows, {done.seconds:.1f} s, "
        f"{done.rows_per_second:.0f} lines/s, {done.peak_rss_mb:.0f} MB{again}"
    )


def trained(done: list[RoundReport]) -> None:
    """The rounds of one command, each with its reason."""
    rows = [
        (entry.round, entry.shard, entry.revision[:12], "yes" if entry.promoted else "no", *figures(entry.metrics))
        for entry in done
    ]
    print_table("Rounds", ("round", "shard", "revision", "promoted", *FIGURES), rows)
    for entry in done:
        typer.echo(f"Round {entry.round} {entry.reason}")


def status(found: Status) -> None:
    """Dataset, rounds, and who answers."""
    dataset = found.dataset
    typer.echo(f"Hub {found.endpoint}")
    published = f"{dataset.shards} shards, {dataset.rows} rows published"
    typer.echo(f"Dataset {dataset.repo}: {published}; {dataset.lake_shards} in the lake")
    rows = [
        (entry.round, entry.shard, entry.revision[:12], "yes" if entry.promoted else "no", *figures(entry.metrics))
        for entry in found.rounds
    ]
    if found.base_metrics:
        rows.insert(0, ("base", "", "", "", *figures(found.base_metrics)))
    print_table("Rounds", ("round", "shard", "revision", "passed", *FIGURES), rows)
    promoted = f"round {found.promoted}" if found.promoted else "no round yet"
    typer.echo(f"Answering: {promoted}; next: {found.next_shard or 'no shard left'}")


def answer(done: Answer) -> None:
    """An answer and the rows it should agree with."""
    typer.echo(done.answer)
    typer.echo(f"— {f'round {done.round}' if done.round else 'base'}, {done.revision[:12]}")
    if done.sources:
        print_table("In the catalogue", ("uid", "title", "shard"), [(s.uid, s.title, s.shard) for s in done.sources])
