"""What a command shows: results on standard output, everything else on standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table

from data_lake.errors import RoundhouseError
from data_lake.rounds import Metrics

_INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C

Result = TypeVar("Result")


def report(work: Callable[[], Result], show: Callable[[Result], None], *, as_json: bool) -> None:
    """Runs a command's work and prints its result; an expected failure is one line and exit code 1.

    Args:
        work: does what was asked for and returns a record.
        show: prints the record for people.
        as_json: print one JSON object instead.
    """
    try:
        with _standard_output_kept():
            result = work()
    except RoundhouseError as error:
        typer.echo(f"roundhouse: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("roundhouse: Interrupted. What was finished is kept. Run the same command to go on.", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(to_jsonable_python(result), ensure_ascii=False))
    else:
        show(result)


def note(line: str) -> None:
    """Says something beside the result, on standard error."""
    typer.echo(line, err=True)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table on standard output."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


def figures(metrics: Metrics) -> list[str]:
    """An evaluation as cells: see `FIGURES`."""
    return [
        f"{metrics.validation_loss:.3f}",
        f"{metrics.validation_perplexity:.1f}",
        f"{metrics.form_share:.0%}",
        f"{metrics.title_share:.0%}",
        f"{metrics.chrf:.1f}",
    ]


FIGURES = ("loss", "perplexity", "in form", "title", "chrF")
"""Validation loss in nats, perplexity, answers in the expected form, answers with the asked title, chrF."""


@contextmanager
def _standard_output_kept() -> Iterator[None]:
    """Sends all that libraries print, from C code too, to standard error for as long as the block lasts."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
