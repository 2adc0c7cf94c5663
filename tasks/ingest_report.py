"""The report of an ingest: one HTML page that stands alone, with plots."""

import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import polars as pl
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from data_lake.dataset import REASONS, TRAIN, DatasetManifest, DeliveryRecord, Lengths, read_manifest, shard_path
from data_lake.files import write_text
from data_lake.layout import Lake

EXAMPLES = 10
"""Rejects shown of each reason, and kept rows."""
_SHOWN = 300
"""Characters shown of a text."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Ingest: delivery {{ delivery.number }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; table-layout: fixed; overflow-wrap: anywhere; }
td, th { border-bottom: 1px solid #ddd; padding: .25rem .5rem; text-align: left; vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; } svg { max-width: 100%; height: auto; }
summary { cursor: pointer; font-weight: 600; } code { background: #f4f4f4; }
</style></head><body>
<h1>Delivery {{ delivery.number }}:
{{ "{:,}".format(delivery.kept) }} of {{ "{:,}".format(delivery.lines) }} lines kept</h1>
<table><tr><th>file</th><th class="n">lines</th><th class="n">bytes</th><th>sha256</th></tr>
{% for given in delivery.inputs %}<tr><td>{{ given.name }}{% if given.truncated %} (cut short){% endif %}</td>
<td class="n">{{ "{:,}".format(given.lines) }}</td><td class="n">{{ "{:,}".format(given.bytes) }}</td>
<td><code>{{ given.sha256 }}</code></td></tr>{% endfor %}</table>
<h2>Where the lines went</h2>{{ plots.reasons }}
<table><tr><th>reason</th><th>meaning</th><th class="n">lines</th></tr>
{% for reason, lines in delivery.rejected.items() %}<tr><td>{{ reason }}</td><td>{{ reasons[reason] }}</td>
<td class="n">{{ "{:,}".format(lines) }}</td></tr>{% endfor %}
<tr><th>kept</th><th>training and validation</th><th class="n">{{ "{:,}".format(delivery.kept) }}</th></tr></table>
<h2>What cleaning did</h2>
<table>{% for what, rows in facts %}<tr><td>{{ what }}</td><td class="n">{{ "{:,}".format(rows) }}</td></tr>
{% endfor %}</table>
<h2>Lengths before and after</h2>{{ plots.titles }}{{ plots.contents }}
<h2>Shards</h2>{{ plots.shards }}
<h2>Kept rows</h2>
<table><tr><th>uid</th><th>title</th><th>content</th></tr>
{% for row in kept %}<tr>{% for text in row %}<td>{{ text or "" }}</td>{% endfor %}</tr>{% endfor %}</table>
<h2>Rejects</h2>
{% for reason, rows in rejects.items() %}<details><summary>{{ reason }}: {{ reasons[reason] }}</summary>
<table><tr><th>file</th><th class="n">line</th><th>title, or the raw line</th><th>content</th></tr>
{% for file, line, first, content in rows %}<tr><td>{{ file }}</td><td class="n">{{ "{:,}".format(line) }}</td>
<td>{{ first or "" }}</td><td>{{ content or "" }}</td></tr>{% endfor %}</table></details>{% endfor %}
</body></html>
"""


@dataclass
class _Plots:
    reasons: Markup
    titles: Markup
    contents: Markup
    shards: Markup


def write_ingest_report(lake: Lake, delivery: int | None = None) -> Path:
    """Writes the page of a delivery (the newest by default) and returns where it lies.

    Raises:
        LakeError: there is no dataset yet.
    """
    manifest = read_manifest(lake)
    record = manifest.deliveries[-1 if delivery is None else delivery]
    path = lake.reports / f"ingest-{record.number:05d}.html"
    write_text(path, _render(lake, manifest, record))
    return path


def _render(lake: Lake, manifest: DatasetManifest, record: DeliveryRecord) -> str:
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    figures = record.figures
    facts = [
        ("titles in which HTML entities were decoded", figures.titles_with_entities),
        ("contents in which HTML entities were decoded", figures.contents_with_entities),
        ("contents that lost a trailer", figures.trailers_cut),
        ("duplicates dropped", record.rejected.get("duplicate", 0)),
        ("different contents among the kept rows", figures.distinct_contents),
        ("kept rows whose content stands under another title too", record.kept - figures.distinct_contents),
    ]
    return page.render(
        delivery=record,
        reasons=REASONS,
        facts=facts,
        plots=_plots(manifest, record),
        kept=_kept_rows(lake, manifest, record),
        rejects=_examples(lake, record),
    )


def _kept_rows(lake: Lake, manifest: DatasetManifest, record: DeliveryRecord) -> list[tuple]:
    files = [shard_path(lake, shard) for shard in manifest.train if shard.delivery == record.number and shard.rows]
    if not files:
        return []
    rows = pl.scan_parquet(files).head(EXAMPLES).select("uid", _shortened("title"), _shortened("content"))
    return rows.collect().rows()


def _examples(lake: Lake, record: DeliveryRecord) -> dict[str, list[tuple]]:
    rejects = pl.scan_parquet(lake.delivery_rejects(record.number))
    first = pl.coalesce(_shortened("raw"), _shortened("title"))
    shown = rejects.group_by("reason", maintain_order=True).head(EXAMPLES)
    rows = shown.select("reason", "file", "line", first, _shortened("content")).collect()
    return {reason: rows.filter(reason=reason).drop("reason").rows() for reason in record.rejected}


def _shortened(name: str) -> pl.Expr:
    text = pl.col(name)
    short = text.str.slice(0, _SHOWN)
    return pl.when(text.str.len_chars() > _SHOWN).then(short + "…").otherwise(short).alias(name)


def _plots(manifest: DatasetManifest, record: DeliveryRecord) -> _Plots:
    before, after = record.figures.lengths_before, record.figures.lengths_after
    return _Plots(
        reasons=_plot_reasons(record),
        titles=_plot_lengths("title", before, before.title, after.title),
        contents=_plot_lengths("content", before, before.content, after.content),
        shards=_plot_shards(manifest, record),
    )


def _plot_reasons(record: DeliveryRecord) -> Markup:
    counts = {"kept": record.kept} | record.rejected
    figure = Figure(figsize=(9, 0.6 + 0.35 * len(counts)))
    axes = figure.subplots()
    bars = axes.barh(list(counts), list(counts.values()), color=["#2a7f62"] + ["#c44e52"] * len(record.rejected))
    axes.bar_label(bars, [f" {count:,}" for count in counts.values()])
    axes.invert_yaxis()
    axes.set_xlabel("lines")
    return _svg(figure)


def _plot_lengths(text: str, lengths: Lengths, before: list[int], after: list[int]) -> Markup:
    figure = Figure(figsize=(9, 3))
    axes = figure.subplots()
    # Empty texts have no place on a logarithmic scale; the table of reasons counts them.
    edges = [*lengths.edges[1:], 2 * lengths.edges[-1]]
    axes.stairs(before[1:], edges, label="as read", fill=True, color="#cccccc")
    axes.stairs(after[1:], edges, label="kept", color="#2a7f62", linewidth=2)
    axes.set_xscale("log", base=2)
    axes.set_xlabel(f"characters of the {text}")
    axes.set_ylabel("rows")
    axes.legend()
    return _svg(figure)


def _plot_shards(manifest: DatasetManifest, record: DeliveryRecord) -> Markup:
    shards = [shard for shard in manifest.shards if shard.delivery == record.number]
    figure = Figure(figsize=(9, 3))
    axes = figure.subplots()
    colours = ["#4c72b0" if shard.split == TRAIN else "#dd8452" for shard in shards]
    axes.bar(range(len(shards)), [shard.rows for shard in shards], color=colours)
    axes.set_xlabel("shards of this delivery in order; orange: validation")
    axes.set_ylabel("rows")
    return _svg(figure)


def _svg(figure: Figure) -> Markup:
    """A figure as inline SVG: the same figure gives the same text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "roundhouse", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    # Markup: made by matplotlib from numbers and fixed names, none of it from the catalogue.
    return Markup(text[text.index("<svg") :])
