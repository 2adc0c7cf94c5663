"""The report is one page that stands alone, shows plots, and lets no text of the catalogue become HTML."""

import re
from html.parser import HTMLParser

import pytest

from data_lake.data_settings import DataSettings
from data_lake.dataset import read_manifest
from data_lake.errors import LakeError
from tasks.ingest import ingest
from tasks.ingest_report import write_ingest_report
from tasks.lengths import EDGES, by_length

SETTINGS = DataSettings(shards=4)


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href")]


def test_the_page_stands_alone(catalogue, lake):
    ingest(lake, [str(catalogue)], SETTINGS)
    path = write_ingest_report(lake)
    page = path.read_text()
    outline = _Outline()
    outline.feed(page)
    assert path == lake.reports / "ingest-00000.html"
    assert outline.tags.count("svg") == 4
    assert not {"script", "img", "link", "iframe"} & set(outline.tags)
    assert all(link.startswith("#") for link in outline.links)
    (delivery,) = read_manifest(lake).deliveries
    for reason, lines in delivery.rejected.items():
        assert re.search(rf'<td>{reason}</td>.*?<td class="n">{lines:,}</td>', page, re.DOTALL)
    assert page.count("<details>") == len(delivery.rejected)
    assert write_ingest_report(lake).read_text() == page


def test_texts_are_escaped_and_ten_rejects_shown(write_rows, lake):
    hostile = "<script>alert(1)</script> & more words"
    rows = [{"title": hostile, "content": f"{hostile} {at}"} for at in range(3)]
    path = write_rows("<b>.jsonl", *rows, *[b"<img src=x>" for _ in range(14)])
    ingest(lake, [path], SETTINGS)
    page = write_ingest_report(lake).read_text()
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("&lt;img src=x&gt;") == 10


def test_a_later_delivery_has_its_own_page(catalogue, write_rows, lake):
    ingest(lake, [str(catalogue)], SETTINGS)
    ingest(lake, [write_rows("more.jsonl", {"title": "New", "content": "Not there yet."})], SETTINGS)
    assert "Delivery 1" in write_ingest_report(lake).read_text()
    assert "Delivery 0" in write_ingest_report(lake, 0).read_text()


def test_no_dataset(lake):
    with pytest.raises(LakeError, match="roundhouse ingest FILE"):
        write_ingest_report(lake)


def test_lengths_are_binned():
    lengths = by_length({0: 2, 1: 3, 54: 4}, {10**6: 1})
    assert sum(lengths.title) == 9
    assert (lengths.title[0], lengths.title[1], lengths.content[-1]) == (2, 3, 1)
    at = lengths.title.index(4)
    assert EDGES[at] <= 54 < EDGES[at + 1]
    assert sorted(set(EDGES)) == EDGES


def test_lengths_and_counts_of_the_manifest(catalogue, lake):
    report = ingest(lake, [str(catalogue)], SETTINGS)
    figures = read_manifest(lake).deliveries[0].figures
    assert sum(figures.lengths_before.title) == report.lines
    assert sum(figures.lengths_after.title) == sum(figures.lengths_after.content) == report.kept
    assert figures.lengths_after.content[0] == 0
    assert 0 < figures.titles_with_entities < figures.contents_with_entities
    assert figures.trailers_cut > 100
    assert figures.distinct_contents < report.kept
