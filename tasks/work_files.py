"""Files of work in progress: whole or not there when a process is killed, but not flushed to disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from data_lake.files import PARTIAL_SUFFIX

Record = TypeVar("Record", bound=BaseModel)


@contextmanager
def work_file(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to, renamed to `path` on success.

    Unlike `data_lake.files.replacing` it does not wait for the disk: a power cut may lose or spoil work in
    progress, never the dataset, whose files are flushed when they are committed.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_work_record(path: Path, record: BaseModel) -> None:
    """Writes a record as JSON."""
    with work_file(path) as partial:
        partial.write_bytes(record.model_dump_json().encode())


def read_work_record(path: Path, kind: type[Record]) -> Record | None:
    """The record at `path`, or None where that work is not done."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def flush(path: Path) -> None:
    """Waits until a file or a folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
