"""The body of a commit request: one JSON object a line, a header and then what to do with files.

Read from disk line by line, so that memory is bounded by the longest line and not by the commit.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from infra.hub.blobs import BlobStore
from infra.hub.errors import bad_request, entry_not_found, too_large
from infra.hub.history import Commit
from infra.hub.names import check_path, check_sha256
from infra.hub.trees import File, Tree, lfs_file, regular_file

MAX_LINE = 16 * 2**20  # bytes: a regular file of 10 MB in base64, with room
MAX_TITLE = 1_000  # characters
MAX_DESCRIPTION = 100_000  # characters


@dataclass(frozen=True)
class Header:
    """What a commit says about itself; `parent` is the commit it insists on following."""

    title: str
    description: str
    parent: str | None


@dataclass(frozen=True)
class Add:
    """A file to put at a path. Large ones are named by their sha256 and must have been uploaded before."""

    path: str
    file: File | None
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Copy:
    """A file of the repository to put at another path; `revision` None means the commit's own parent."""

    path: str
    source: str
    revision: str | None


@dataclass(frozen=True)
class Delete:
    """A file, or a folder with all that is in it."""

    path: str
    folder: bool


Operation = Add | Copy | Delete


@dataclass(frozen=True)
class Sources:
    """Where `apply` finds what an operation only names: an uploaded content's size, another revision's files."""

    uploaded_size: Callable[[str], int | None]
    tree_at: Callable[[str], Tree]


def read_operations(body: IO[bytes], blobs: BlobStore) -> tuple[Header, list[Operation]]:
    """Reads a commit's body, storing the contents it carries; raises 400 or 413 for what is not one."""
    lines = _objects(body)
    key, value = next(lines, ("", {}))
    if key != "header":
        raise bad_request("The first line of a commit must be its header")
    return _header(value), [_operation(key, value, blobs) for key, value in lines]


def apply(operations: list[Operation], head: Commit, files: Tree, sources: Sources) -> Tree:
    """The files after the operations, in their order.

    Raises 404 EntryNotFound for a file that is not there, 400 for a content that was never uploaded or that is not of
    the size it should be, and for a path that would be a file and a folder at once.
    """
    result = dict(files)
    for operation in operations:
        if isinstance(operation, Add):
            result[operation.path] = operation.file or _uploaded(operation, sources)
        elif isinstance(operation, Copy):
            source = result if operation.revision is None else sources.tree_at(operation.revision)
            if operation.source not in source:
                raise entry_not_found(operation.source, head.id)
            result[operation.path] = source[operation.source]
        else:
            doomed = _matching(result, operation)
            if not doomed:
                raise entry_not_found(operation.path, head.id)
            for path in doomed:
                del result[path]
    _check_no_file_is_a_folder(result, operations)
    return result


def _objects(body: IO[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    while line := body.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise too_large(f"A line of the commit is longer than {MAX_LINE} bytes: upload large files with Git LFS")
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            raise bad_request("A line of the commit is not JSON") from None
        if not isinstance(item, dict) or not isinstance(item.get("value"), dict):
            raise bad_request("A line of the commit is not an object with a key and a value")
        yield str(item.get("key")), item["value"]


def _header(value: dict[str, Any]) -> Header:
    title, description = _text(value, "summary", MAX_TITLE), _text(value, "description", MAX_DESCRIPTION, default="")
    parent = value.get("parentCommit")
    if not title:
        raise bad_request("The commit has no summary")
    if parent is not None and not isinstance(parent, str):
        raise bad_request("parentCommit is not a commit id")
    return Header(title, description, parent)


def _operation(key: str, value: dict[str, Any], blobs: BlobStore) -> Operation:
    path = _text(value, "path", MAX_LINE)
    if key == "file":
        content = _content(value)
        sha256 = blobs.put(content)
        return Add(check_path(path), regular_file(content, sha256), sha256, len(content))
    if key == "lfsFile":
        size = value.get("size")
        if value.get("algo", "sha256") != "sha256" or not (size is None or isinstance(size, int)):
            raise bad_request("An lfsFile needs algo sha256 and its size in bytes")
        return Add(check_path(path), None, check_sha256(_text(value, "oid", 64)), size)
    if key == "copyFile":
        revision = _text(value, "srcRevision", 200) if value.get("srcRevision") is not None else None
        return Copy(check_path(path), check_path(_text(value, "srcPath", MAX_LINE)), revision)
    if key in ("deletedFile", "deletedFolder"):
        return Delete(check_path(path.removesuffix("/")), folder=key == "deletedFolder")
    raise bad_request(f"Unknown operation in the commit: {key[:40]!r}")


def _content(value: dict[str, Any]) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise bad_request("A file of the commit has no content")
    try:
        if value.get("encoding", "utf-8") == "base64":
            return base64.b64decode(content, validate=True)
        return content.encode("utf-8")
    except (binascii.Error, ValueError):
        raise bad_request("A file of the commit has a content that cannot be decoded") from None


def _text(value: dict[str, Any], field: str, limit: int, default: str | None = None) -> str:
    """A text that fits into the database: of bounded length and free of lone surrogates."""
    text = value.get(field, default)
    if not isinstance(text, str) or len(text) > limit:
        raise bad_request(f"{field} is missing or not a text of at most {limit} characters")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise bad_request(f"{field} is not Unicode text") from None
    return text


def _uploaded(operation: Add, sources: Sources) -> File:
    size = sources.uploaded_size(operation.sha256)
    if size is None:
        raise bad_request(f"Content of {operation.path} was not uploaded: {operation.sha256}")
    if operation.size not in (None, size):
        raise bad_request(f"Content of {operation.path} has {size} bytes, not {operation.size}")
    return lfs_file(operation.sha256, size)


def _matching(files: Tree, operation: Delete) -> list[str]:
    if operation.folder:
        return [path for path in files if path.startswith(operation.path + "/")]
    return [operation.path] if operation.path in files else []


def _check_no_file_is_a_folder(files: Tree, operations: list[Operation]) -> None:
    folders = {path[:i] for path in files for i, character in enumerate(path) if character == "/"}
    for operation in operations:
        if operation.path in files:
            parts = operation.path.split("/")
            parents = {"/".join(parts[:i]) for i in range(1, len(parts))}
            if operation.path in folders or any(parent in files for parent in parents):
                raise bad_request(f"Invalid path: {operation.path!r} would be a file and a folder at once")
