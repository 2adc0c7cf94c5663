"""What a commit holds: every file's path with the ids git and Git LFS give its content.

A tree is stored flat, as one row for the whole repository, under the sha1 that git computes for the nested one.
"""

import hashlib
import json
import zlib
from collections import defaultdict
from typing import NamedTuple

Tree = dict[str, "File"]


class File(NamedTuple):
    """One file of a tree. `oid` is git's blob sha1: of the content, or of the pointer if it is kept by Git LFS."""

    oid: str
    sha256: str
    size: int  # bytes of the content
    lfs: bool

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


def regular_file(content: bytes, sha256: str) -> File:
    return File(git_oid("blob", content), sha256, len(content), lfs=False)


def lfs_file(sha256: str, size: int) -> File:
    return File(git_oid("blob", lfs_pointer(sha256, size)), sha256, size, lfs=True)


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text that git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def git_oid(kind: str, content: bytes) -> str:
    """git's sha1 of an object of a kind (`blob`, `tree`, `commit`)."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def folder_oids(tree: Tree) -> dict[str, str]:
    """git's tree sha1 of every folder by its path; the whole repository is the folder `""`."""
    children: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    children[""] = {}
    for path, file in tree.items():
        folder, _, name = path.rpartition("/")
        children[folder][name] = ("100644", file.oid)
        while folder:
            parent, _, name = folder.rpartition("/")
            if name in children[parent]:
                break
            children[parent][name] = ("40000", "")
            folder = parent
    oids: dict[str, str] = {}
    for folder in sorted(children, key=lambda path: path.count("/") + bool(path), reverse=True):
        oids[folder] = _tree_oid(folder, children[folder], oids)
    return oids


def _tree_oid(folder: str, children: dict[str, tuple[str, str]], oids: dict[str, str]) -> str:
    def git_order(name: str) -> bytes:
        return name.encode() + (b"/" if children[name][0] == "40000" else b"")

    content = bytearray()
    for name in sorted(children, key=git_order):
        mode, oid = children[name]
        oid = oid or oids[f"{folder}/{name}" if folder else name]
        content += f"{mode} {name}\0".encode() + bytes.fromhex(oid)
    return git_oid("tree", bytes(content))


def pack(tree: Tree) -> bytes:
    """A tree as it is stored."""
    return zlib.compress(json.dumps(tree, separators=(",", ":"), sort_keys=True).encode(), 1)


def unpack(data: bytes) -> Tree:
    """The tree that `pack` stored, paths in order."""
    return {path: File(*values) for path, values in json.loads(zlib.decompress(data)).items()}
