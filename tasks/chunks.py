"""Cutting a source into chunks of whole lines: what one map task cleans."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from data_lake.data_settings import DataSettings
from data_lake.errors import InputError
from tasks.read import HEAD, CutShortError, Source, open_unpacked, refuse_other_formats

_BOM = b"\xef\xbb\xbf"
_SLICE = 1 << 20
"""Unpacked bytes looked at together."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one source: bytes [`start`, `stop`) of the file at `path`."""

    path: str
    start: int
    stop: int
    source: int
    """Which source, by its position."""
    offset: int
    """Where the lines begin in the unpacked source, in bytes."""
    skipped: int = 0
    """Bytes of the last line that are left out: it is longer than any line may be, and a reject."""
    read: int = 0
    """Bytes of the source as it lies there that had been read when the chunk was cut: for the progress bar."""
    spooled: bool = False
    """The file was made for this chunk, and goes with it."""

    def data(self) -> bytes:
        """The lines. Reads `stop - start` bytes."""
        with open(self.path, "rb") as file:
            file.seek(self.start)
            return file.read(self.stop - self.start)


@dataclass
class Cutter:
    """Cuts sources into chunks.

    A plain local file is cut by reading only around the cuts. Any other source is unpacked here, and its chunks are
    spooled: one file each, made when the chunk is asked for and removed by the task that cleans it, so that only a
    few lie there at a time.
    """

    settings: DataSettings
    spool: Path
    cut_short: dict[int, int] = field(default_factory=dict)
    """Sources found cut short, by position → packed bytes that could be read."""

    @property
    def _chunk_bytes(self) -> int:
        return self.settings.chunk_mb << 20

    @property
    def _max_line(self) -> int:
        return self.settings.max_line_mb << 20

    def chunks(self, sources: list[Source]) -> Iterator[Chunk]:
        """Yields the chunks of all sources, in order."""
        for position, source in enumerate(sources):
            yield from self._spool(source, position) if source.packed else self._cut(source, position)

    def _cut(self, source: Source, position: int) -> Iterator[Chunk]:
        with open(source.location, "rb") as file:
            start = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
            while start < source.bytes:
                file.seek(start + self._chunk_bytes)
                file.readline(self._max_line)
                stop = min(file.tell(), source.bytes)
                skipped = _skip_line(file, stop)
                yield Chunk(source.location, start, stop, position, start, skipped, stop + skipped)
                start = stop + skipped

    def _spool(self, source: Source, position: int) -> Iterator[Chunk]:
        with open_unpacked(source) as (blocks, raw):
            number, offset = 0, 0
            for data, skipped in self._gather(blocks, source, position):
                start = len(_BOM) if offset == 0 and data.startswith(_BOM) else 0
                path = self.spool / f"{position}-{number}.spool"
                path.write_bytes(data)
                read = min(raw.tell(), source.bytes)
                yield Chunk(str(path), start, len(data), position, offset + start, skipped, read, spooled=True)
                number, offset = number + 1, offset + len(data) + skipped
            if offset == 0:
                raise InputError(
                    f"{source.location} holds no data",
                    left="The lake was not touched",
                    mend="Name a file with data: roundhouse ingest FILE",
                )

    def _gather(self, blocks: Iterator[bytes], source: Source, position: int) -> Iterator[tuple[bytes, int]]:
        """Joins blocks to chunks that end with a line; yields each with the bytes left out of its last line."""
        data, skipped, first = bytearray(), 0, True
        for block in self._until_cut_short(blocks, position):
            if skipped:
                end = block.find(b"\n") + 1
                skipped += end or len(block)
                if not end:
                    continue
                yield bytes(data), skipped
                data, skipped, block = bytearray(), 0, block[end:]
            data += block
            if first and len(data) >= HEAD:
                refuse_other_formats(source.location, bytes(data[:HEAD]), self.settings.fields)
                first = False
            while (end := data.find(b"\n", self._chunk_bytes) + 1) > 0:
                yield bytes(data[:end]), 0
                del data[:end]
            if len(data) > self._chunk_bytes + self._max_line:
                skipped = len(data) - (self._chunk_bytes + self._max_line)
                del data[self._chunk_bytes + self._max_line :]
        if first:
            refuse_other_formats(source.location, bytes(data[:HEAD]), self.settings.fields)
        if data:
            yield bytes(data), skipped

    def _until_cut_short(self, blocks: Iterator[bytes], position: int) -> Iterator[bytes]:
        try:
            for block in blocks:
                # A packed block can hold a thousand times its size.
                yield from (block[at : at + _SLICE] for at in range(0, len(block), _SLICE))
        except CutShortError as error:
            self.cut_short[position] = error.position


def _skip_line(file: BinaryIO, position: int) -> int:
    """Bytes from `position` to the end of the line it lies in; 0 where a line or the file ends there."""
    file.seek(position - 1)
    if file.read(1) == b"\n":
        return 0
    while block := file.readline(1 << 20):
        if block.endswith(b"\n"):
            break
    return file.tell() - position
