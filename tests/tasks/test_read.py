"""Every kind of input is read as the same lines, or refused in one line that says what to do."""

import gzip
import zipfile
from pathlib import Path

import pytest
import zstandard

from data_lake.data_settings import DataSettings
from data_lake.errors import InputError
from tasks.chunks import Chunk, Cutter
from tasks.read import find_sources

LINE = b'{"title": "a", "content": "one two"}\n'
TEXT = b"".join(b'{"title": "t%d", "content": "words %s"}\n' % (at, b"x" * (at % 97)) for at in range(60_000))
SETTINGS = DataSettings(chunk_mb=1, max_line_mb=1)


def _chunks(*inputs: Path | str, spool: Path, settings: DataSettings = SETTINGS) -> list[tuple[Chunk, bytes]]:
    sources = find_sources([str(given) for given in inputs], settings.fields)
    return [(chunk, chunk.data()) for chunk in Cutter(settings, spool).chunks(sources)]


def _zip(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _packed(path: Path, kind: str) -> Path:
    match kind:
        case "plain":
            path.write_bytes(TEXT)
        case "gzip":
            path.write_bytes(gzip.compress(TEXT))
        case "gzip members":
            path.write_bytes(b"".join(gzip.compress(TEXT[at : at + 100_000]) for at in range(0, len(TEXT), 100_000)))
        case "gzip padded":
            path.write_bytes(gzip.compress(TEXT) + b"\0" * 700)
        case "zstd":
            path.write_bytes(zstandard.compress(TEXT))
        case "zstd frames":
            path.write_bytes(zstandard.compress(TEXT[:1_000]) + zstandard.compress(TEXT[1_000:]))
        case "zip":
            _zip(
                path,
                **{"LF-Amazon/lbl.json.gz": b"x", "LF-Amazon/trn.json.gz": gzip.compress(TEXT), "LF/tst.json.gz": b"y"},
            )
        case "zip of one":
            _zip(path, **{"products.jsonl": TEXT, "README.txt": b"read me"})
    return path


KINDS = ["plain", "gzip", "gzip members", "gzip padded", "zstd", "zstd frames", "zip", "zip of one"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_packing_gives_the_same_chunks(kind, tmp_path):
    plain = _chunks(_packed(tmp_path / "plain", "plain"), spool=tmp_path)
    found = _chunks(_packed(tmp_path / "input", kind), spool=tmp_path)
    assert [data for _, data in found] == [data for _, data in plain]
    assert [chunk.offset for chunk, _ in found] == [chunk.offset for chunk, _ in plain]
    assert len(found) > 3
    assert all(data.endswith(b"\n") for _, data in found)
    assert b"".join(data for _, data in found) == TEXT


def test_a_url_and_a_member_of_a_zip(tmp_path):
    _zip(tmp_path / "two.zip", **{"a.json": TEXT, "b.json.gz": gzip.compress(LINE)})
    (tmp_path / "plain").write_bytes(TEXT)
    for url, text in ((f"zip://a.json::{tmp_path}/two.zip", TEXT), (f"zip://b.json.gz::{tmp_path}/two.zip", LINE)):
        assert b"".join(data for _, data in _chunks(url, spool=tmp_path)) == text
    assert b"".join(data for _, data in _chunks(f"file://{tmp_path}/plain", spool=tmp_path)) == TEXT


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_longer_than_lines_may_be(packed, end, tmp_path):
    long = b'{"title": "' + b"x" * (5 << 20)
    text = LINE + long + b"\n" + LINE + long + end
    path = tmp_path / "input"
    path.write_bytes(gzip.compress(text) if packed else text)
    found = _chunks(path, spool=tmp_path)
    assert all(len(data) <= 3 << 20 for _, data in found)
    assert sum(len(data) + chunk.skipped for chunk, data in found) == len(text)
    assert [chunk.skipped > 0 for chunk, _ in found] == [True, True]
    assert all(text[chunk.offset :].startswith(data) for chunk, data in found)


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_is_no_part_of_the_first_line(packed, tmp_path):
    text = b"\xef\xbb\xbf" + LINE + LINE
    (tmp_path / "input").write_bytes(gzip.compress(text) if packed else text)
    ((chunk, data),) = _chunks(tmp_path / "input", spool=tmp_path)
    assert (data, chunk.offset) == (LINE + LINE, 3)


def test_globs_and_names(tmp_path):
    for name in ("b/x.json", "a/x.json", "a/y.json", "a/z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(LINE)
    fields = DataSettings().fields
    found = find_sources([f"{tmp_path}/*/*.json", f"{tmp_path}/a/x.json"], fields)
    assert [source.name for source in found] == ["a/x.json", "a/y.json", "b/x.json"]
    assert find_sources([f"{tmp_path}/b/x.json"], fields)[0].name == "x.json"
    again = find_sources([f"{tmp_path}/b/x.json", f"{tmp_path}/a/[xy].json"], fields)
    assert again == found
    assert found[0].sha256() == found[2].sha256()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"PAR1\x15\x04", "is Parquet, not JSON lines.*scan_parquet"),
        ('{"title": "a"}\n'.encode("utf-16"), "is UTF-16, not JSON lines.*iconv"),
        (b'[{"title": "a"},\n{"title": "b"}]', "is a JSON array, not JSON lines.*jq -c"),
        (b'  [\n{"title": "a"}]', "is a JSON array"),
        (b"[]", "is a JSON array"),
        (b"uid,title,content\n1,a,b\n", "is CSV, not JSON lines.*scan_csv"),
        (b'"title";"content"\n"a";"b"\n', "is CSV"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_other_formats_are_refused_with_the_command_that_converts_them(data, says, packed, tmp_path):
    (tmp_path / "input").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(InputError, match=says if data else "is empty|holds no data") as refused:
        _chunks(tmp_path / "input", spool=tmp_path)
    assert "\n" not in str(refused.value)
    assert "roundhouse ingest" in refused.value.mend


@pytest.mark.parametrize("first", [b"[1, 2]", b'["a"]', b'["uid": "1"}', b"hello", b"null", b'"title"'])
def test_an_odd_first_line_is_not_taken_for_another_format(first, tmp_path):
    (tmp_path / "input").write_bytes(first + b"\n" + LINE)
    assert len(_chunks(tmp_path / "input", spool=tmp_path)) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.json", "cannot be opened"),
        ("*.none", "No file matches"),
        ("", "is a folder"),
        ("s4://a/b", "cannot be opened"),
    ],
)
def test_what_cannot_be_found(given, says, tmp_path):
    with pytest.raises(InputError, match=says):
        find_sources([given if "://" in given else f"{tmp_path}/{given}"], DataSettings().fields)
    with pytest.raises(InputError, match="No file was named"):
        find_sources([], DataSettings().fields)


def test_a_zip_that_holds_no_one_catalogue(tmp_path):
    _zip(tmp_path / "two.zip", **{"a.json": LINE, "b.json": LINE})
    with pytest.raises(InputError, match=r"holds a.json, b.json; .*zip://MEMBER::"):
        _chunks(tmp_path / "two.zip", spool=tmp_path)
    whole = (tmp_path / "two.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(InputError, match="cut short or damaged"):
        _chunks(tmp_path / "cut.zip", spool=tmp_path)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "gzip members"])
def test_what_comes_before_a_cut_is_read(kind, tmp_path):
    whole = _packed(tmp_path / "whole", kind).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 9 // 10])
    cutter = Cutter(SETTINGS, tmp_path)
    sources = find_sources([str(tmp_path / "cut")], SETTINGS.fields)
    read = b"".join(chunk.data() for chunk in cutter.chunks(sources))
    assert TEXT.startswith(read)
    assert len(read) > len(TEXT) * 0.5
    assert cutter.cut_short == {0: len(whole) * 9 // 10}


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_damage_is_told(kind, tmp_path):
    data = bytearray(_packed(tmp_path / "input", kind).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xaa" * 40
    (tmp_path / "input").write_bytes(data)
    with pytest.raises(InputError, match="is damaged at byte"):
        _chunks(tmp_path / "input", spool=tmp_path)
