"""The rules a clean row must keep, each under the name its rejects carry."""

import polars as pl

from data_lake.data_settings import Rules


def broken_rule(rows: pl.DataFrame, rules: Rules) -> pl.Series:
    """The first rule that each row breaks, or null.

    Args:
        rows: clean rows with `title, content, says_title` (the content is the title, case aside).
        rules: which rules hold, and their thresholds.
    """
    verdicts = [pl.when(broken).then(pl.lit(name)) for name, broken in _rules(rules) if getattr(rules, name)]
    return rows.select(reason=pl.coalesce(*verdicts, pl.lit(None, pl.String)))["reason"]


def _rules(rules: Rules) -> list[tuple[str, pl.Expr]]:
    title, content = pl.col("title"), pl.col("content")
    return [
        ("empty_title", title == ""),
        ("empty_content", content == ""),
        ("content_equals_title", pl.col("says_title")),
        ("too_short", _fewer_words(content, rules.min_words)),
        ("too_long", (content.str.len_chars() > rules.max_content) | (title.str.len_chars() > rules.max_title)),
    ]


def _fewer_words(content: pl.Expr, words: int) -> pl.Expr:
    """Whether a clean text, whose words have one space between them, has fewer than `words`."""
    if words == 2:
        return ~content.str.contains(" ", literal=True)  # three times faster than counting
    return content.str.count_matches(" ", literal=True) + 1 < words


def says_title(titles: pl.Series, folded: list[str]) -> pl.Series:
    """Whether each folded content is its title, case aside."""
    # Folding makes a text at most three times as long: most pairs need not be folded to be told apart.
    same = [
        len(content) <= 3 * len(title) and content == title.casefold()
        for title, content in zip(titles.to_list(), folded, strict=True)
    ]
    return pl.Series("says_title", same, pl.Boolean)
