"""Finding a catalogue's files and opening them as streams of unpacked bytes."""

import glob
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO

import fsspec
import zstandard

from data_lake.data_settings import FieldNames
from data_lake.errors import InputError

HEAD = 1 << 16
"""Bytes of a file that are looked at to tell what it is."""
_BLOCK = 1 << 16
"""Packed bytes unpacked at a time: small, because they can hold a thousand times as many."""
_UNTOUCHED = "The lake was not touched"
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"


@dataclass(frozen=True)
class Source:
    """One file to ingest."""

    location: str
    """A local path, or a URL that fsspec opens."""
    name: str
    """Its path below the folder that all sources share: what manifest and rejects call it."""
    bytes: int
    """Its size as it lies there."""
    packed: bool
    """It can only be read from its beginning: packed, or not a local file."""

    @property
    def local(self) -> bool:
        return not is_url(self.location)

    def sha256(self) -> str:
        """The hash of the file as it lies there; reads all of it."""
        digest = sha256()
        with open_raw(self.location) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


class CutShortError(Exception):
    """A packed file ends before its data does. `position`: packed bytes read; all before was handed out."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def is_url(location: str) -> bool:
    """Whether fsspec, not the file system, is to open it."""
    return "://" in location or "::" in location


def open_raw(location: str) -> BinaryIO:
    """Opens a path or URL for reading, as it lies there.

    Raises:
        InputError: it is missing, or may not be read.
    """
    try:
        return fsspec.open(location, "rb").open() if is_url(location) else open(location, "rb")
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{location} cannot be opened: {error}", left=_UNTOUCHED, mend="Check the path: roundhouse ingest FILE"
        ) from error


def find_sources(inputs: list[str], fields: FieldNames) -> list[Source]:
    """The files that `inputs` (paths, globs, URLs) name, each once, in the order of their names.

    Raises:
        InputError: nothing is there, a file is empty, or not of a kind that can be read.
    """
    locations = sorted({location for given in inputs for location in _expand(given)})
    if not locations:
        raise InputError("No file was named", left=_UNTOUCHED, mend="Name one: roundhouse ingest FILE")
    return [_describe(location, name, fields) for location, name in zip(locations, _names(locations), strict=True)]


def _expand(given: str) -> list[str]:
    if is_url(given):
        if not glob.has_magic(given) or "::" in given:
            return [given]
        files, _, paths = fsspec.get_fs_token_paths(given)
        found = [files.unstrip_protocol(path) for path in paths]
    elif os.path.isdir(given):
        raise InputError(
            f"{given} is a folder",
            left=_UNTOUCHED,
            mend=f"Name its files: roundhouse ingest '{given.rstrip('/')}/*.json'",
        )
    elif glob.has_magic(given) and not os.path.exists(given):
        found = [os.path.realpath(path) for path in glob.glob(given, recursive=True) if os.path.isfile(path)]
    else:
        return [os.path.realpath(given)]
    if not found:
        raise InputError(f"No file matches {given}", left=_UNTOUCHED, mend="Check the pattern: roundhouse ingest FILE")
    return found


def _names(locations: list[str]) -> list[str]:
    """The locations below what they all share: without the folders of this machine, which are nobody's business."""
    parts = [location.split("/") for location in locations]
    shared = len(os.path.commonprefix([part[:-1] for part in parts]))
    return ["/".join(part[shared:]) for part in parts]


def _describe(location: str, name: str, fields: FieldNames) -> Source:
    with open_raw(location) as file:
        head = file.read(HEAD)
        size = file.seek(0, os.SEEK_END)
    if not head:
        raise InputError(f"{location} is empty", left=_UNTOUCHED, mend="Name a file with data: roundhouse ingest FILE")
    source = Source(location, name, size, packed=is_url(location) or head.startswith((_GZIP, _ZSTD, _ZIP)))
    if not source.packed:
        refuse_other_formats(location, head, fields)
    return source


def refuse_other_formats(location: str, head: bytes, fields: FieldNames) -> None:
    """Passes what may be JSON lines.

    Args:
        location: the file's path, for the error.
        head: its first bytes, unpacked.
        fields: the names a CSV's first line would hold.

    Raises:
        InputError: it is Parquet, UTF-16, a JSON array or CSV; it names the command that converts it.
    """
    found = _other_format(location, head, fields)
    if found is None:
        return
    kind, command = found
    lines = f"{Path(location).name}.jsonl"
    raise InputError(
        f"{location} is {kind}, not JSON lines",
        left=_UNTOUCHED,
        mend=f"Convert it: {command.format(file=location, lines=lines)} && roundhouse ingest {lines}",
    )


def _other_format(location: str, head: bytes, fields: FieldNames) -> tuple[str, str] | None:
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].strip()
    if head.startswith(b"PAR1"):
        return "Parquet", "python -c \"import polars; polars.scan_parquet('{file}').sink_ndjson('{lines}')\""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16", "iconv -f UTF-16 -t UTF-8 '{file}' > '{lines}'"
    if _begins_array(first):
        return "a JSON array", "jq -c '.[]' '{file}' > '{lines}'"
    if not first.startswith((b"{", b"[")) and _is_csv_header(location, first.decode(errors="replace"), fields):
        return "CSV", "python -c \"import polars; polars.scan_csv('{file}').sink_ndjson('{lines}')\""
    return None


def _begins_array(first_line: bytes) -> bool:
    if not first_line.startswith(b"["):
        return False
    rest = first_line[1:].lstrip()
    return not rest or rest.startswith((b"{", b"]"))


def _is_csv_header(location: str, line: str, fields: FieldNames) -> bool:
    for separator in ",;\t|":
        cells = {cell.strip().strip('"') for cell in line.split(separator)}
        if len(cells) > 1 and ({fields.title, fields.content} & cells or location.endswith((".csv", ".tsv"))):
            return True
    return False


@contextmanager
def open_unpacked(source: Source) -> Iterator[tuple[Iterator[bytes], BinaryIO]]:
    """Opens a source as blocks of unpacked bytes, and its packed stream, whose `tell()` shows how far it is read.

    The blocks end with `CutShortError` where the packed data is cut short, and with `InputError` where it is damaged.
    """
    with open_raw(source.location) as raw:
        head = raw.read(4)
        raw.seek(0)
        if head.startswith(_ZIP):
            with _zip_member(source.location, raw) as member:
                yield _unpack(source.location, member, raw), raw
        else:
            yield _unpack(source.location, raw, raw), raw


def _unpack(location: str, file: IO[bytes], raw: BinaryIO) -> Iterator[bytes]:
    try:
        head = file.read(_BLOCK)
        if head.startswith(_GZIP):
            yield from _inflate(head, file, raw, lambda: zlib.decompressobj(wbits=31), _GZIP)
        elif head.startswith(_ZSTD):
            yield from _inflate(head, file, raw, lambda: zstandard.ZstdDecompressor().decompressobj(), _ZSTD)
        else:
            while head:
                yield head
                head = file.read(1 << 20)
    except EOFError:
        raise CutShortError(raw.tell()) from None
    except (zlib.error, zstandard.ZstdError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{location} is damaged at byte {raw.tell():,}: {error}",
            left="There is no dataset of it; what was cleaned before is kept as work in progress",
            mend=f"Fetch the file again, then: roundhouse ingest {location}",
        ) from error


def _inflate(block: bytes, file: IO[bytes], raw: BinaryIO, new_unpacker: Callable, magic: bytes) -> Iterator[bytes]:
    """Unpacks gzip members or zstd frames, one behind the other."""
    unpacker = new_unpacker()
    while block:
        if unpacked := unpacker.decompress(block):
            yield unpacked
        if not unpacker.eof:
            block = file.read(_BLOCK)
            continue
        block = (unpacker.unused_data or file.read(_BLOCK)).lstrip(b"\0")  # tapes and some tools pad with zeros
        if block and len(block) < len(magic):
            block += file.read(_BLOCK)
        if not block or not block.startswith(magic):
            return
        unpacker = new_unpacker()
    raise CutShortError(raw.tell())


def _zip_member(location: str, raw: BinaryIO) -> IO[bytes]:
    """Opens the one catalogue in a zip: its only JSON file, or its `trn.json(.gz)`."""
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{location} is a zip cut short or damaged: {error}",
            left=_UNTOUCHED,
            mend=f"Fetch the file again, then: roundhouse ingest {location}",
        ) from error
    names = [name for name in archive.namelist() if name.removesuffix(".gz").endswith((".json", ".jsonl"))]
    training = [name for name in names if Path(name).name.startswith("trn.json")]
    chosen = training if len(training) == 1 else names
    if len(chosen) == 1:
        return archive.open(chosen[0])
    held = ", ".join(names or archive.namelist()) or "nothing"
    raise InputError(
        f"{location} holds {held}; which of it is the catalogue is not plain",
        left=_UNTOUCHED,
        mend=f"Name it: roundhouse ingest zip://MEMBER::{location}",
    )
