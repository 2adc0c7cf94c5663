"""Atomic writes and hashes: a file is there whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

PARTIAL_SUFFIX = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to; on success it is flushed to disk and renamed to `path`.

    On an exception the temporary file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        yield partial
        _fsync(partial)
        os.replace(partial, path)
        _fsync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 to `path`, atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_record(path: Path, record: BaseModel) -> None:
    """Writes a record as indented JSON to `path`, atomically."""
    write_text(path, record.model_dump_json(indent=2) + "\n")


def write_secret(path: Path, secret: str) -> None:
    """Writes `secret` to `path`, readable by its owner only from the first instant, atomically."""
    with replacing(path) as partial:
        partial.touch(mode=0o600, exist_ok=False)
        partial.write_text(secret, encoding="utf-8")


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
