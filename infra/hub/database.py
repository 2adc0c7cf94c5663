"""The SQLite database of repositories, refs, commits and trees.

One transaction per change: a commit's row, its tree and the moved branch appear together or not at all.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('model', 'dataset')),
    namespace TEXT NOT NULL, name TEXT NOT NULL,
    private INTEGER NOT NULL,
    created INTEGER NOT NULL,              -- milliseconds since 1970
    UNIQUE (kind, namespace, name));
CREATE TABLE IF NOT EXISTS refs (
    repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('heads', 'tags')),
    name TEXT NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (repo, kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commits (
    repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    id TEXT NOT NULL,                      -- git's sha1
    parent TEXT, tree TEXT NOT NULL, author TEXT NOT NULL,
    date INTEGER NOT NULL,                 -- milliseconds since 1970
    title TEXT NOT NULL, description TEXT NOT NULL,
    PRIMARY KEY (repo, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trees (
    repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    id TEXT NOT NULL,                      -- git's sha1
    files BLOB NOT NULL,                   -- zlib of JSON, see trees.py
    PRIMARY KEY (repo, id));
CREATE TABLE IF NOT EXISTS uploads (       -- large contents a repository has proved to own by sending them
    repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (repo, sha256)) WITHOUT ROWID;
"""


class Database:
    """One connection per thread, and one writer at a time."""

    def __init__(self, root: Path):
        self._path = root / "hub.sqlite"
        self._local = threading.local()
        self._writing = threading.Lock()
        self.connection().executescript(SCHEMA)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode, with rows addressable by column name."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL, not WAL's usual NORMAL: an acknowledged commit must survive a power cut too.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that excludes all other writers, rolled back if the block raises."""
        connection = self.connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self.connection().execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        return self.connection().execute(query, values).fetchone()
