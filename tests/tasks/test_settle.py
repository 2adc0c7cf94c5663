"""Duplicates and repeated contents, against a plain rule of what should stay."""

from collections import defaultdict

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from data_lake.data_settings import Rules
from tasks.settle import settle

_TYPES = {
    "uid": pl.String,
    "title": pl.String,
    "content": pl.String,
    "fingerprint": pl.UInt64,
    "part": pl.UInt32,
    "line": pl.UInt64,
}
_ROWS = st.lists(
    st.tuples(st.sampled_from([None, "a", "b", "c"]), st.sampled_from("tuvw"), st.sampled_from(["x", "X", "y", "z"])),
    max_size=25,
)


def _frame(rows: list[tuple]) -> pl.DataFrame:
    placed = [(*row, ord(row[2].lower()), at // 10, at % 10) for at, row in enumerate(rows)]
    return pl.DataFrame(placed, schema=_TYPES, orient="row")


def _expected(rows: list[tuple], known: list[tuple], copies: int) -> list[tuple]:
    """The rows that stay: (content's letter, title, uid, content) in shard order."""
    held = {(title, content) for _, title, content in known}
    smallest: dict[tuple, tuple] = {}
    for uid, title, content in rows:
        key = (uid is None, uid or "")
        if (title, content) not in held and key < smallest.get((title, content), (2,)):
            smallest[title, content] = key
    count = defaultdict(int)
    for _, _, content in known:
        count[content.lower()] += 1
    stay = []
    for letter, title, key, content in sorted((c.lower(), t, key, c) for (t, c), key in smallest.items()):
        count[letter] += 1
        if count[letter] <= copies:
            stay.append((ord(letter), title, None if key[0] else key[1], content))
    return stay


@given(
    _ROWS,
    st.lists(st.tuples(st.none(), st.sampled_from("tuvw"), st.sampled_from(["x", "X", "y"])), max_size=5),
    st.integers(1, 4),
)
def test_what_stays(rows, known, copies):
    frame = _frame(rows)
    before = _frame(known).select("title", "content", "fingerprint") if known else None
    positions, rejects = settle(frame, before, Rules(max_copies=copies))
    stay = frame[positions].select("fingerprint", "title", "uid", "content").rows()
    assert stay == _expected(rows, known, copies)
    assert sorted([*positions, *rejects["position"]]) == list(range(len(rows)))


@given(_ROWS, st.randoms(use_true_random=False))
def test_order_of_lines_does_not_matter(rows, chance):
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    first, second = (_frame(some)[settle(_frame(some), None, Rules())[0]] for some in (rows, shuffled))
    assert first.drop("part", "line").rows() == second.drop("part", "line").rows()


def test_reasons_and_switches():
    frame = _frame([("b", "t", "x"), ("a", "t", "x"), ("c", "u", "x"), ("d", "v", "X"), ("e", "w", "z")])
    known = _frame([(None, "w", "z")]).select("title", "content", "fingerprint")

    def reasons(rules: Rules) -> dict[int, str]:
        return dict(settle(frame, known, rules)[1].rows())

    assert reasons(Rules(max_copies=2)) == {0: "duplicate", 3: "repeated_content", 4: "already_kept"}
    assert reasons(Rules(max_copies=2, duplicate=False)) == {
        2: "repeated_content",
        3: "repeated_content",
        4: "already_kept",
    }
    assert reasons(Rules(max_copies=2, repeated_content=False)) == {0: "duplicate", 4: "already_kept"}
