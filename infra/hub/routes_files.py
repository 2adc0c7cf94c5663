"""Listing and downloading files."""

from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from infra.hub import trees
from infra.hub.dependencies import API, FILES, REVISION, CurrentHub, Readable, checked_path, endpoint_of
from infra.hub.errors import HubError, bad_request, entry_not_found
from infra.hub.history import Commit, iso_date
from infra.hub.repositories import Repository
from infra.hub.storage import Storage
from infra.hub.trees import File, Tree

router = APIRouter()

TREE_PAGE = 1000  # entries an answer, as on the real Hub
EXPANDED_PAGE = 100  # with each entry's last commit, which costs a walk through the history
MAX_PATHS = 1000  # paths that can be asked about at once

AskedPaths = tuple[list[str], bool]


class BlobResponse(FileResponse):
    """A content, whole or in ranges, read in pieces large enough for the disk to be the limit."""

    chunk_size = 2**20


async def _asked_paths(request: Request) -> AskedPaths:
    """The paths and the `expand` flag of a body that is a form, as the Python client sends it, or JSON."""
    try:
        if "json" in request.headers.get("content-type", ""):
            body = await request.json()
            paths, expand = body["paths"], body.get("expand") is True
        else:
            form = parse_qs((await request.body()).decode("ascii"), max_num_fields=MAX_PATHS + 10)
            paths, expand = form["paths"], form.get("expand", [""])[-1].lower() in ("true", "1")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise bad_request("The body is not a list of at most 1,000 paths") from None
    if not isinstance(paths, list) or len(paths) > MAX_PATHS or not all(isinstance(path, str) for path in paths):
        raise bad_request("The body is not a list of at most 1,000 paths")
    return paths, expand


@router.get(API + "/tree" + REVISION)
@router.get(API + "/tree" + REVISION + "/{path:rest}")
def list_tree(
    request: Request,
    hub: CurrentHub,
    repository: Readable,
    revision: str,
    path: str = "",
    recursive: bool = False,
    expand: bool = False,
    cursor: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=TREE_PAGE)] = TREE_PAGE,
) -> JSONResponse:
    """Folders before files, both by name. Pages after the first name the commit, so that a new one shifts nothing."""
    commit, tree = hub.storage.tree_at(repository, revision)
    folder = checked_path(path) if path.strip("/") else ""
    folders = hub.storage.history.folders(repository, commit)
    if folder not in folders:
        raise entry_not_found(folder, commit.id)
    limit = min(limit, EXPANDED_PAGE) if expand else limit
    paths = _children(tree, folders, folder, recursive)
    entries = _describe(hub.storage, repository, commit, tree, folders, paths[cursor : cursor + limit], expand)
    headers = {}
    if cursor + limit < len(paths):
        query = f"recursive={recursive}&expand={expand}&limit={limit}&cursor={cursor + limit}"
        base = f"{endpoint_of(request)}/api/{repository.kind}s/{quote(repository.full_name)}/tree/{commit.id}"
        headers["Link"] = f'<{base}/{quote(folder, safe="")}?{query}>; rel="next"'
    return JSONResponse(entries, headers=headers)


@router.post(API + "/paths-info" + REVISION)
def paths_info(
    hub: CurrentHub, repository: Readable, revision: str, asked: Annotated[AskedPaths, Depends(_asked_paths)]
) -> JSONResponse:
    """Files and folders among the paths asked about; paths that are neither are left out."""
    paths, expand = asked
    commit, tree = hub.storage.tree_at(repository, revision)
    folders = hub.storage.history.folders(repository, commit)
    known = [path for path in dict.fromkeys(path.strip("/") for path in paths) if path in tree or path in folders]
    known = [path for path in known if path]
    return JSONResponse(_describe(hub.storage, repository, commit, tree, folders, known, expand))


@router.api_route(FILES + "/resolve" + REVISION + "/{path:rest}", methods=["GET", "HEAD"])
def resolve(request: Request, hub: CurrentHub, repository: Readable, revision: str, path: str) -> Response:
    """A file's content. HEAD tells a client its commit, size and etag: git's sha1, or the sha256 under Git LFS."""
    commit, tree = hub.storage.tree_at(repository, revision)
    path = checked_path(path)
    file = tree.get(path)
    if file is None:
        raise entry_not_found(path, commit.id)
    headers = {"ETag": f'"{file.etag}"', "X-Repo-Commit": commit.id, "X-Content-Type-Options": "nosniff"}
    if file.lfs:
        headers |= {"X-Linked-ETag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or f'"{file.etag}"' in known:
        return Response(status_code=304, headers=headers)
    if hub.storage.blobs.size(file.sha256) != file.size:
        raise HubError(500, f"The content of {path} is damaged or missing on the server's disk", headers=headers)
    return BlobResponse(
        hub.storage.blobs.path(file.sha256),
        headers=headers,
        filename=path.rpartition("/")[2],
        # Never as what its name says: a page kept in a repository must not run with the Hub's address.
        media_type="application/octet-stream" if file.lfs else "text/plain; charset=utf-8",
        content_disposition_type="inline",
    )


def _children(tree: Tree, folders: dict[str, str], folder: str, recursive: bool) -> list[str]:
    prefix = folder + "/" if folder else ""

    def inside(paths: list[str]) -> list[str]:
        below = [path for path in paths if path.startswith(prefix) and path]
        return sorted(below if recursive else [path for path in below if "/" not in path[len(prefix) :]])

    return inside(list(folders)) + inside(list(tree))


def _describe(
    storage: Storage,
    repository: Repository,
    commit: Commit,
    tree: Tree,
    folders: dict[str, str],
    paths: list[str],
    expand: bool,
) -> list[dict[str, Any]]:
    """The Hub's description of files and folders, with the commit that last changed each if `expand`."""
    entries = [_file_entry(path, tree[path]) if path in tree else _folder_entry(path, folders[path]) for path in paths]
    if expand:
        commits = storage.history.last_commits(repository, commit.id, paths)
        for entry in entries:
            last = commits[entry["path"]]
            entry["lastCommit"] = {"id": last.id, "title": last.title, "date": iso_date(last.date)}
    return entries


def _folder_entry(path: str, oid: str) -> dict[str, Any]:
    return {"type": "directory", "oid": oid, "size": 0, "path": path}


def _file_entry(path: str, file: File) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
    if file.lfs:
        pointer_size = len(trees.lfs_pointer(file.sha256, file.size))
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": pointer_size}
    return entry
