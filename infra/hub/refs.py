"""Branches and tags, and what a revision in an address stands for."""

import re
import sqlite3

from infra.hub.database import Database
from infra.hub.errors import conflict, forbidden, revision_not_found
from infra.hub.names import check_ref
from infra.hub.repositories import Repository

MAIN = "main"
BRANCH = "heads"
TAG = "tags"
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class Refs:
    """Every change is one transaction of its own, except `move`, which is part of a commit's."""

    def __init__(self, database: Database):
        self._database = database

    def resolve(self, repository: Repository, revision: str) -> str:
        """The commit id (40 hexadecimal digits) of a branch, a tag, a commit or its first 7 or more digits.

        Raises 404 RevisionNotFound for anything else.
        """
        for kind in (BRANCH, TAG):
            target = self.target(repository, kind, revision.removeprefix(f"refs/{kind}/"))
            if target is not None:
                return target
        if _COMMIT.fullmatch(revision):
            rows = self._database.all(
                "SELECT id FROM commits WHERE repo = ? AND id >= ? AND id < ? LIMIT 2",
                *(repository.id, revision, revision + "g"),
            )
            if len(rows) == 1:
                return rows[0]["id"]
        raise revision_not_found(revision)

    def target(self, repository: Repository, kind: str, name: str) -> str | None:
        row = self._database.one(
            "SELECT target FROM refs WHERE repo = ? AND kind = ? AND name = ?", repository.id, kind, name
        )
        return row["target"] if row else None

    def all(self, repository: Repository, kind: str) -> list[tuple[str, str]]:
        """(name, commit id) of every branch or tag, by name."""
        rows = self._database.all(
            "SELECT name, target FROM refs WHERE repo = ? AND kind = ? ORDER BY name", repository.id, kind
        )
        return [(row["name"], row["target"]) for row in rows]

    def create(self, repository: Repository, kind: str, name: str, revision: str) -> None:
        """Raises 400 for an impossible name, 404 for an unknown revision, 409 if the name is taken."""
        check_ref(name)
        with self._database.write() as connection:
            target = self.resolve(repository, revision)
            try:
                connection.execute("INSERT INTO refs VALUES (?, ?, ?, ?)", (repository.id, kind, name, target))
            except sqlite3.IntegrityError:
                raise conflict(f"Reference already exists: refs/{kind}/{name}") from None

    def delete(self, repository: Repository, kind: str, name: str) -> None:
        """Raises 403 for the main branch, 404 for a name that is not there."""
        if kind == BRANCH and name == MAIN:
            raise forbidden("The main branch cannot be deleted")
        with self._database.write() as connection:
            cursor = connection.execute(
                "DELETE FROM refs WHERE repo = ? AND kind = ? AND name = ?", (repository.id, kind, name)
            )
            if cursor.rowcount == 0:
                raise revision_not_found(name)

    def move(self, connection: sqlite3.Connection, repository: Repository, branch: str, target: str) -> None:
        """Points a branch to a commit, within the transaction that wrote the commit."""
        connection.execute(
            "INSERT INTO refs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET target = excluded.target",
            (repository.id, BRANCH, branch, target),
        )
