"""What may be the name of a repository, a branch or tag, or a file inside a repository."""

import re

from infra.hub.errors import bad_request

MAX_NAME = 96  # characters, the Hub's own limit
MAX_REF = 200  # characters
MAX_PATH = 1024  # bytes of UTF-8
MAX_COMPONENT = 255  # bytes of UTF-8: longer ones cannot be downloaded to common file systems

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REF = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+-]*[A-Za-z0-9_+-])?")
_OID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_name(name: str) -> str:
    """Returns a namespace or repository name unchanged; raises 400 unless the Hub would accept it."""
    wrong = len(name) > MAX_NAME or not _NAME.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git")
    if wrong:
        raise bad_request(f"Invalid repository name: {name[:MAX_NAME]!r}")
    return name


def check_ref(name: str) -> str:
    """Returns a branch or tag name unchanged; raises 400 for what git refuses and for what looks like a commit."""
    wrong = (
        len(name) > MAX_REF
        or not _REF.fullmatch(name)
        or ".." in name
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in name.split("/"))
        or _OID.fullmatch(name)
        or name.startswith("refs/")
    )
    if wrong:
        raise bad_request(f"Invalid reference name: {name[:MAX_REF]!r}")
    return name


def check_path(path: str) -> str:
    """Returns a file path inside a repository unchanged; raises 400 if it could lead out of a checkout of it."""
    try:
        parts = path.encode("utf-8").split(b"/")
    except UnicodeEncodeError:
        raise bad_request(f"Invalid path: {path[:MAX_NAME]!r} is not Unicode text") from None
    wrong = (
        len(path.encode("utf-8")) > MAX_PATH
        or "\\" in path
        or any(ord(character) < 32 or ord(character) == 127 for character in path)
        or any(part in (b"", b".", b"..") or part.lower() == b".git" or len(part) > MAX_COMPONENT for part in parts)
    )
    if wrong:
        raise bad_request(f"Invalid path: {path[:MAX_NAME]!r}")
    return path


def check_sha256(oid: str) -> str:
    """Returns a lower-case hexadecimal sha256 unchanged; raises 400 for anything else."""
    if not _SHA256.fullmatch(oid):
        raise bad_request("Invalid oid: expected a sha256 of 64 hexadecimal digits")
    return oid
