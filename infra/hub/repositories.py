"""Repositories: who owns them, who may see them, what they are called."""

import sqlite3
import time
from dataclasses import dataclass

from infra.hub.database import Database
from infra.hub.errors import HubError, bad_request, conflict, forbidden, repo_not_found, unauthorized
from infra.hub.names import check_name

KINDS = ("model", "dataset")


@dataclass(frozen=True)
class Repository:
    """One row of `repos`; `created` is in milliseconds since 1970."""

    id: int
    kind: str
    namespace: str
    name: str
    private: bool
    created: int

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def web_path(self) -> str:
        """The path below the endpoint where the Hub shows the repository."""
        return f"datasets/{self.full_name}" if self.kind == "dataset" else self.full_name


class Repositories:
    """Finds, creates, renames and deletes repositories, and decides who may read and write them."""

    def __init__(self, database: Database):
        self._database = database

    def readable(self, kind: str, namespace: str, name: str, user: str | None) -> Repository:
        """The repository, if `user` may see it; raises 401 or 404 otherwise."""
        row = self._database.one(
            "SELECT * FROM repos WHERE kind = ? AND namespace = ? AND name = ?",
            kind,
            check_name(namespace),
            check_name(name),
        )
        if row is None or (row["private"] and row["namespace"] != user):
            raise repo_not_found(anonymous=user is None)
        return _repository(row)

    def writable(self, kind: str, namespace: str, name: str, user: str | None) -> Repository:
        """The repository, if `user` may change it; raises 401, 403 or 404 otherwise."""
        repository = self.readable(kind, namespace, name, user)
        if user is None:
            raise unauthorized("Authentication is required to change a repository")
        if user != repository.namespace:
            raise forbidden(f"You do not have the rights to change {repository.full_name}")
        return repository

    def by_id(self, repo_id: int) -> Repository:
        row = self._database.one("SELECT * FROM repos WHERE id = ?", repo_id)
        if row is None:
            raise repo_not_found(anonymous=False)
        return _repository(row)

    def visible(self, kind: str, user: str | None, author: str | None, search: str, limit: int) -> list[Repository]:
        """Repositories `user` may see, newest first, of one author and with `search` in their name if given."""
        rows = self._database.all(
            "SELECT * FROM repos WHERE kind = ? AND (NOT private OR namespace IS ?) AND (? IS NULL OR namespace = ?)"
            " AND instr(lower(namespace || '/' || name), lower(?)) ORDER BY created DESC, id DESC LIMIT ?",
            *(kind, user, author, author, search, limit),
        )
        return [_repository(row) for row in rows]

    def insert(self, connection: sqlite3.Connection, kind: str, user: str, name: str, private: bool) -> Repository:
        """Adds a repository to the caller's transaction; raises 409 if there is one of that name."""
        created = int(time.time() * 1000)
        try:
            cursor = connection.execute(
                "INSERT INTO repos (kind, namespace, name, private, created) VALUES (?, ?, ?, ?, ?)",
                (kind, user, check_name(name), private, created),
            )
        except sqlite3.IntegrityError:
            raise conflict(f"You already created this {kind} repo") from None
        return Repository(cursor.lastrowid or 0, kind, user, name, private, created)

    def delete(self, repository: Repository) -> None:
        """Removes a repository with its whole history; its contents stay on disk until they are collected."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM repos WHERE id = ?", (repository.id,))

    def rename(self, repository: Repository, name: str) -> None:
        """Raises 409 if there is a repository of the new name."""
        try:
            with self._database.write() as connection:
                connection.execute("UPDATE repos SET name = ? WHERE id = ?", (check_name(name), repository.id))
        except sqlite3.IntegrityError:
            raise conflict(f"{repository.namespace}/{name} already exists") from None

    def set_private(self, repository: Repository, private: bool) -> None:
        with self._database.write() as connection:
            connection.execute("UPDATE repos SET private = ? WHERE id = ?", (private, repository.id))


def check_owner(user: str | None, namespace: str | None) -> str:
    """The user, who must be known and write to a namespace of their own; raises 401 or 403."""
    if user is None:
        raise unauthorized("Authentication is required to create or delete a repository")
    if namespace is not None and check_name(namespace) != user:
        raise HubError(403, f"You don't have the rights to create or delete under the namespace {namespace!r}")
    return user


def check_kind(kind: str | None) -> str:
    """Returns the kind of repository, a model where none is named; raises 400 for what is not served here."""
    if kind is None:
        return "model"
    if kind not in KINDS:
        raise bad_request(f"Repositories of type {kind[:40]!r} are not kept here: expected one of {', '.join(KINDS)}")
    return kind


def _repository(row: sqlite3.Row) -> Repository:
    return Repository(row["id"], row["kind"], row["namespace"], row["name"], bool(row["private"]), row["created"])
