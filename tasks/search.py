"""Full-text search over the catalogue's titles: the rows an answer should agree with."""

import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import tantivy
from pydantic import BaseModel
from tqdm import tqdm

from data_lake.dataset import DatasetManifest, read_manifest, shard_path
from data_lake.files import sha256_of
from data_lake.layout import Lake
from tasks.prompts import title_in_question

_BATCH_ROWS = 20_000
_WRITER_BYTES = 64 << 20
_WORD = re.compile(r"\w+")


class Source(BaseModel):
    """A catalogue row that matches a question."""

    uid: str | None
    title: str
    content: str
    shard: str


class Catalogue:
    """The searchable catalogue of a lake."""

    def __init__(self, index: tantivy.Index) -> None:
        self._index = index

    def search(self, text: str, limit: int = 3) -> list[Source]:
        """The rows whose titles match best (BM25), best first.

        Args:
            text: a question in one of the five wordings, or words of a title.
        """
        # Words alone: a title's colons, dashes, brackets and capital NOTs are no query language.
        words = " ".join(_WORD.findall(title_in_question(text).lower()))
        query, _ = self._index.parse_query_lenient(words, ["title"])
        searcher = self._index.searcher()
        found = (searcher.doc(address) for _, address in searcher.search(query, limit).hits)
        return [
            Source(
                uid=document.get_first("uid") or None,
                title=document.get_first("title"),
                content=document.get_first("content"),
                shard=document.get_first("shard"),
            )
            for document in found
        ]


def open_catalogue(lake: Lake) -> Catalogue:
    """Opens the index of the lake's dataset; it is built when the dataset is new or has grown.

    Raises:
        LakeError: there is no dataset in the lake.
    """
    manifest = read_manifest(lake)
    folder = lake.search_index(sha256_of(lake.manifest))
    if not folder.is_dir():
        _build(lake, manifest, folder)
    return Catalogue(tantivy.Index.open(str(folder)))


def _build(lake: Lake, manifest: DatasetManifest, folder: Path) -> None:
    shutil.rmtree(folder.parent, ignore_errors=True)  # indexes of earlier manifests
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(partial))
    writer = index.writer(_WRITER_BYTES, 1)
    rows = sum(shard.rows for shard in manifest.shards)
    with tqdm(total=rows, desc="search index", unit="rows", disable=None) as progress:
        for shard in manifest.shards:
            for batch in pq.ParquetFile(shard_path(lake, shard)).iter_batches(
                _BATCH_ROWS, columns=["uid", "title", "content"]
            ):
                for row in batch.to_pylist():
                    writer.add_document(
                        tantivy.Document(
                            uid=row["uid"] or "", title=row["title"], content=row["content"], shard=shard.name
                        )
                    )
                progress.update(batch.num_rows)
    writer.commit()
    writer.wait_merging_threads()
    partial.rename(folder)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("title", stored=True)
    for name in ("uid", "content", "shard"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()
