"""Each thing that can be wrong is told in one line, and nothing half done is to be seen."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import polars as pl
import pytest
import zstandard

from data_lake.data_settings import DataSettings
from data_lake.dataset import SCHEMA_VERSION, read_manifest
from data_lake.errors import InputError, LakeError
from data_lake.layout import Lake
from tasks.ingest import ingest
from tasks.processes import LocalProcesses

SETTINGS = DataSettings(shards=3, chunk_mb=1)
GOOD = {"title": "A lamp", "content": "It gives light."}


def _visible(lake: Lake) -> list[Path]:
    return [path for folder in (lake.dataset, lake.rejects) for path in folder.rglob("*") if path.is_file()]


def _refused(lake: Lake, *inputs: str, error: type[Exception] = InputError, match: str, **options) -> Exception:
    with pytest.raises(error, match=match) as caught:
        ingest(lake, list(inputs), SETTINGS, **options)
    assert "\n" not in str(caught.value)
    assert _visible(lake) == []
    return caught.value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "Of 3 lines in c.jsonl none could be kept: bad_json 3"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "none could be kept"),
        (b"just some text\nand more\n", "none could be kept: bad_json 2"),
        (b'{"title": "a", "content": ""}\n', "none could be kept: empty_content 1.*--fields"),
        (b'{"name": "a", "about": "b c"}\n', "none could be kept: empty_title 1.*--fields"),
        (b'{\n  "title": "a"\n}\n', "none could be kept"),
        (b"\xff\xfe{\x00", "is UTF-16"),
        (b'[{"title": "a"}]', "is a JSON array"),
    ],
)
def test_files_without_a_row(data, says, tmp_path, lake):
    (tmp_path / "c.jsonl").write_bytes(data)
    _refused(lake, str(tmp_path / "c.jsonl"), match=says)
    assert list(lake.work.glob("*")) == []


def test_a_missing_file(lake, tmp_path):
    _refused(lake, str(tmp_path / "none.json"), match="No such file")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x" * (100 << 20), "too_long"),
        (orjson.dumps(GOOD | {"content": "two " + "w" * 30_000}), "too_long"),
        (b'{"title": "a", "content": "one\x00two"}', "bad_json"),
        (orjson.dumps(GOOD | {"content": {"text": "nested"}}), "not_text"),
        (orjson.dumps(GOOD | {"title": 5}), "not_text"),
        (orjson.dumps(GOOD | {"content": None}), "empty_content"),
        (b'{"title": "a", "content": "lone \\ud800 half"}', "bad_json"),
        (b"\r", "bad_json"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_bad_line_is_a_reject_and_not_the_end(line, reason, packed, tmp_path, lake):
    data = orjson.dumps(GOOD) + b"\n" + line + b"\n" + orjson.dumps(GOOD | {"title": "Another"}) + b"\n"
    path = tmp_path / "c.jsonl"
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    report = ingest(lake, [str(path)], SETTINGS)
    assert (report.lines, report.kept, report.rejected) == (3, 2, {reason: 1})
    reject = pl.read_parquet(lake.delivery_rejects(0)).to_dicts()[0]
    assert (reject["line"], reject["offset"]) == (2, len(orjson.dumps(GOOD)) + 1)
    assert len(reject["raw"] or "") <= 2_000


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark(end, mark, tmp_path, lake):
    rows = [GOOD, GOOD | {"title": "Nul", "content": "one\x00 two\x07 three"}]
    (tmp_path / "c.jsonl").write_bytes(mark + end.join(orjson.dumps(row) for row in rows) + end)
    report = ingest(lake, [str(tmp_path / "c.jsonl")], DataSettings(shards=1, validation_percent=0))
    assert (report.lines, report.kept) == (2, 2)
    assert "one two three" in pl.read_parquet(lake.shard(0))["content"].to_list()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_file_cut_short(pack, catalogue, tmp_path, lake, bytes_of):
    whole = pack(catalogue.read_bytes())
    path = tmp_path / "trn.json.packed"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    error = _refused(lake, str(path), match=rf"is cut short: it ends at byte {len(whole) * 9 // 10:,}, in line [\d,]+")
    assert "--accept-truncated" in error.mend
    kept_work = list(lake.work.glob("ingest-*/pieces/*.json"))
    assert len(kept_work) >= 2

    # Fetched again, whole: what was cleaned is taken up, and the result is that of an undisturbed run.
    other = Lake(tmp_path / "other")
    path.write_bytes(whole)
    report = ingest(lake, [str(path)], SETTINGS)
    assert report.chunks_reused >= 2
    assert ingest(other, [str(path)], SETTINGS).chunks_reused == 0
    assert bytes_of(lake) == bytes_of(other)


def test_a_file_cut_short_taken_for_what_it_holds(catalogue, tmp_path, lake):
    whole = gzip.compress(catalogue.read_bytes())
    path = tmp_path / "trn.json.gz"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    _refused(lake, str(path), match="is cut short")
    report = ingest(lake, [str(path)], SETTINGS, accept_truncated=True)
    assert report.chunks_reused == report.chunks
    assert report.rejected["bad_json"] == 1  # the line that was cut through
    assert read_manifest(lake).deliveries[0].inputs[0].truncated


def test_a_lake_of_a_newer_version(catalogue, lake):
    ingest(lake, [str(catalogue)], SETTINGS)
    manifest = json.loads(lake.manifest.read_text())
    lake.manifest.write_text(json.dumps(manifest | {"schema_version": SCHEMA_VERSION + 1}))
    before = {path: path.read_bytes() for path in _visible(lake)}
    with pytest.raises(
        LakeError, match=rf"has format {SCHEMA_VERSION + 1}, this Roundhouse knows {SCHEMA_VERSION} only"
    ):
        ingest(lake, [str(catalogue)], SETTINGS)
    assert {path: path.read_bytes() for path in _visible(lake)} == before


def test_two_ingests_at_once(catalogue, lake):
    begun, go_on = threading.Event(), threading.Event()

    def waiting(function, items):
        for item in items:
            begun.set()
            assert go_on.wait(20)
            yield function(item)

    first = threading.Thread(target=ingest, args=(lake, [str(catalogue)], SETTINGS), kwargs={"run_map": waiting})
    first.start()
    try:
        assert begun.wait(20)
        _refused(
            lake, str(catalogue), error=LakeError, match=rf"held by another ingest, process {os.getpid()}, since 20"
        )
    finally:
        go_on.set()
        first.join()
    assert ingest(lake, [str(catalogue)], SETTINGS).unchanged


@pytest.mark.timeout(60)
def test_a_disk_that_fills_up(catalogue, lake, bytes_of, tmp_path):
    """The limit on a file's size stands in for the full disk: the system's error is of the same kind."""
    code = (
        "import sys, resource; from pathlib import Path; from data_lake.data_settings import DataSettings;"
        "from data_lake.layout import Lake; from data_lake.errors import LakeError; from tasks.ingest import ingest\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "try: ingest(Lake(Path(sys.argv[1])), [sys.argv[2]], DataSettings(shards=3, chunk_mb=1), run_map=map)\n"
        "except LakeError as error: sys.exit(str(error))"
    )
    command = [sys.executable, "-c", code, str(lake.root), str(catalogue)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ran.returncode == 1
    assert ran.stderr.strip().startswith("There is no room left to write under")
    assert ran.stderr.strip().count("\n") == 0
    assert _visible(lake) == []
    ingest(lake, [str(catalogue)], SETTINGS)
    other = Lake(tmp_path / "other")
    ingest(other, [str(catalogue)], SETTINGS)
    assert bytes_of(lake) == bytes_of(other)


def test_a_file_that_changes_while_it_is_read(catalogue, tmp_path, lake):
    path = tmp_path / "trn.json"
    path.write_bytes(catalogue.read_bytes())

    def appending(function, items):
        for item in items:
            yield function(item)
        with path.open("ab") as file:
            file.write(b"{}\n")

    _refused(lake, str(path), match="changed while it was read", run_map=appending)


def _die(item: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_told():
    with LocalProcesses(1) as run_map, pytest.raises(LakeError, match="A worker process was killed.*WORKERS=1"):
        list(run_map(_die, [1]))
