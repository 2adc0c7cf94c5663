"""Which of a bucket's rows stay: duplicates and repeated contents are found here, where equal contents meet."""

import polars as pl

from data_lake.data_settings import Rules

ORDER = ["fingerprint", "title", "uid", "content"]
"""The order of rows in a shard; a missing uid comes last."""

_FOUND_AT = ["part", "line"]
"""Where a row stood: makes the choice among rows that are alike in everything."""


def settle(rows: pl.DataFrame, known: pl.DataFrame | None, rules: Rules) -> tuple[pl.Series, pl.DataFrame]:
    """Decides which rows stay, and in which order.

    Args:
        rows: all rows of a range of fingerprints: `uid, title, content, fingerprint, part, line`.
        known: `title, content, fingerprint` of all rows of that range in earlier deliveries.
        rules: which rules hold.

    Returns:
        The positions of the rows that stay, in shard order, and `position, reason` of the others.
    """
    marks = rows.select("fingerprint").with_row_index("position")
    alone = ~marks["fingerprint"].is_duplicated()
    if known is not None:
        alone &= ~marks["fingerprint"].is_in(known["fingerprint"].unique().implode())
    # Only rows that share a content with another are compared as texts: about one in eight.
    shared = rows.filter(~alone).with_columns(marks.filter(~alone)["position"])
    judged = _judge(shared, known, rules)
    stay = judged.filter(pl.col("reason").is_null()).select("position", "fingerprint")
    ordered = pl.concat([marks.filter(alone), stay]).sort("fingerprint", maintain_order=True)
    return ordered["position"], judged.filter(pl.col("reason").is_not_null()).select("position", "reason")


def _judge(rows: pl.DataFrame, known: pl.DataFrame | None, rules: Rules) -> pl.DataFrame:
    """Gives rows in shard order a `reason`, null for those that stay."""
    same = ["fingerprint", "title", "content"]
    judged = rows.sort([*same, "uid", *_FOUND_AT], nulls_last=True).with_columns(reason=pl.lit(None, pl.String))
    if known is not None:
        held = known.select(same).unique().with_columns(held=pl.lit(True))
        judged = judged.join(held, on=same, how="left", maintain_order="left")
        judged = judged.with_columns(reason=pl.when("held").then(pl.lit("already_kept"))).drop("held")
    if rules.duplicate:
        first = pl.struct(same).is_first_distinct()
        judged = judged.with_columns(reason=pl.coalesce("reason", pl.when(~first).then(pl.lit("duplicate"))))
    judged = judged.sort([*ORDER, *_FOUND_AT], nulls_last=True)
    if rules.repeated_content:
        judged = _limit_copies(judged, known, rules.max_copies)
    return judged


def _limit_copies(judged: pl.DataFrame, known: pl.DataFrame | None, max_copies: int) -> pl.DataFrame:
    stays = pl.col("reason").is_null()
    copies = stays.cum_sum().over("fingerprint")
    if known is not None:
        counts = known.group_by("fingerprint").agg(before=pl.len())
        judged = judged.join(counts, on="fingerprint", how="left", maintain_order="left")
        copies += pl.col("before").fill_null(0)
    repeated = pl.when(stays & (copies > max_copies)).then(pl.lit("repeated_content"))
    return judged.with_columns(reason=pl.coalesce("reason", repeated))
