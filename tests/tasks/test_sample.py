"""The made-up catalogue has the shares, lengths and dirt of the real one, and something to learn."""

import gzip
from collections import Counter
from pathlib import Path
from statistics import quantiles

import orjson
import pytest

from tasks import sample
from tasks.sample import write_sample


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    path = tmp_path_factory.mktemp("sample") / "trn.json"
    write_sample(path, 20_000, seed=3)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_lines_have_the_form_of_the_real_file(rows, tmp_path):
    assert list(rows[0]) == ["uid", "title", "content", "target_ind", "target_rel"]
    assert len({row["uid"] for row in rows}) == len(rows)
    assert all(len(row["target_ind"]) == len(row["target_rel"]) for row in rows)
    write_sample(tmp_path / "one.json", 1, seed=3)
    assert (tmp_path / "one.json").read_text().startswith('{"uid": "0000031895", "title": "')


@pytest.mark.parametrize(("field", "share"), [("title", 126_834 / 2_248_619), ("content", 749_901 / 2_248_619)])
def test_share_of_empty_texts(rows, field, share):
    assert sum(not row[field] for row in rows) / len(rows) == pytest.approx(share, abs=0.012)


def test_share_of_rows_with_both_texts(rows):
    assert sum(bool(row["title"] and row["content"]) for row in rows) / len(rows) == pytest.approx(0.618, abs=0.012)


@pytest.mark.parametrize(
    ("field", "quartiles", "mean", "longest"),
    [("title", (37, 54, 75), 61, 1_999), ("content", (194, 398, 805), 619, 197_622)],
)
def test_lengths(rows, field, quartiles, mean, longest):
    lengths = [len(row[field]) for row in rows if row[field]]
    assert quantiles(lengths, n=4) == pytest.approx(quartiles, rel=0.12)
    assert sum(lengths) / len(lengths) == pytest.approx(mean, rel=0.15)
    assert max(lengths) <= longest


def test_dirt_and_duplicates(rows):
    full = [(row["title"], row["content"]) for row in rows if row["title"] and row["content"]]
    titles, contents = [title for title, _ in full], [content for _, content in full]
    assert sum("&" in title for title in titles) / len(full) == pytest.approx(0.022, abs=0.01)
    assert sum("&" in content for content in contents) / len(full) == pytest.approx(0.204, abs=0.03)
    assert 1 - len(set(contents)) / len(full) == pytest.approx(0.125, abs=0.02)
    assert 1 - len(set(full)) / len(full) == pytest.approx(0.002, abs=0.002)
    assert sum("This text refers to" in content for content in contents) / len(full) == pytest.approx(0.2, abs=0.04)
    dirt = ("&#8217;", "&quot;", "&ntilde;", "&#x92;", "&amp;#39;", "  ", "Reed Business Information")
    assert all(any(kind in content for content in contents) for kind in dirt)


def test_target_lists_are_near_half_of_the_bytes(rows):
    text = sum(len(row["title"]) + len(row["content"]) for row in rows)
    assert 0.3 < 1 - text / sum(len(orjson.dumps(row)) for row in rows) < 0.6


def test_titles_tell_what_contents_say(rows):
    """Brand and series of a title stand in its content, or the content is one of those that are shared."""
    full = [row for row in rows if row["title"] and row["content"]]
    told = sum(row["title"].split()[0] in row["content"] for row in full)
    assert told / len(full) > 0.95
    assert len(Counter(word for row in full for word in row["content"].split())) < 8_000


def test_same_seed_same_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.json", "b.json", "longer.json", "other.json")]
    for path, rows, seed in zip(paths, (600, 600, 6_000, 600), (1, 1, 1, 2), strict=True):
        report = write_sample(path, rows, seed)
        assert (report.path, report.rows, report.bytes) == (path, rows, path.stat().st_size)
    first, again, longer, other = (path.read_bytes() for path in paths)
    assert first == again != other
    assert longer.startswith(first)


def test_blocks_made_beside_each_other_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "_FEW_BLOCKS", 0)
    write_sample(tmp_path / "processes.json", 11_000, seed=4)
    monkeypatch.setattr(sample, "_FEW_BLOCKS", 100)
    write_sample(tmp_path / "alone.json", 11_000, seed=4)
    assert (tmp_path / "processes.json").read_bytes() == (tmp_path / "alone.json").read_bytes()


def test_packed_by_its_name(tmp_path):
    write_sample(tmp_path / "trn.json", 6_000, seed=5)
    write_sample(tmp_path / "trn.json.gz", 6_000, seed=5)
    assert gzip.decompress((tmp_path / "trn.json.gz").read_bytes()) == (tmp_path / "trn.json").read_bytes()
    assert {path.name for path in Path(tmp_path).iterdir()} == {"trn.json", "trn.json.gz"}
