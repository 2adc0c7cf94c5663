"""Making a commit: asking how each file is to be sent, and sending them all at once."""

import base64
import binascii
import tempfile
from typing import IO, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from infra.hub.dependencies import API, REVISION, CurrentHub, CurrentUser, Writable, endpoint_of
from infra.hub.errors import bad_request, revision_not_found, too_large
from infra.hub.refs import BRANCH
from infra.hub.storage_class import is_lfs

router = APIRouter()

MAX_COMMIT = 512 * 2**20  # bytes of a commit's body; what is larger belongs into Git LFS
IN_MEMORY = 2**20  # bytes of a commit's body kept in memory, more goes to disk
MAX_SIZE = 2**40  # bytes of a file


class FileSample(BaseModel):
    """A file about to be committed; `sample` holds its first 512 bytes in base64."""

    path: str
    size: int = Field(ge=0, le=MAX_SIZE)
    sample: str = Field(default="", max_length=10_000)


class Preupload(BaseModel):
    model_config = ConfigDict(extra="ignore")
    files: list[FileSample] = Field(max_length=1000)


@router.post(API + "/preupload" + REVISION)
def preupload(hub: CurrentHub, repository: Writable, revision: str, body: Preupload) -> dict[str, Any]:
    """How to send each file, and the id of what is at its path now, so that the client can skip unchanged ones."""
    _, tree = hub.storage.tree_at(repository, revision)
    answer = []
    for file in body.files:
        mode = "lfs" if is_lfs(file.path, file.size, _decode(file.sample)) else "regular"
        known = tree.get(file.path)
        oid = {"oid": known.etag} if known else {}
        answer.append({"path": file.path, "uploadMode": mode, "shouldIgnore": False, **oid})
    return {"files": answer}


@router.post(API + "/commit" + REVISION)
async def commit(
    request: Request, hub: CurrentHub, repository: Writable, user: CurrentUser, revision: str, create_pr: str = ""
) -> dict[str, Any]:
    """The commit is complete when this answers, and there is nothing of it if this raises or never answers."""
    if create_pr not in ("", "0", "false"):
        raise bad_request("Pull requests are not supported here")
    if hub.storage.refs.target(repository, BRANCH, revision) is None:
        raise revision_not_found(revision)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(hub.storage.blobs.incoming)) as body:
        await _receive(request, body)
        made = await run_in_threadpool(hub.storage.commit, repository, revision, user or "", body)
    return {
        "success": True,
        "commitOid": made.id,
        "commitUrl": f"{endpoint_of(request)}/{repository.web_path}/commit/{made.id}",
        "hookOutput": "",
    }


async def _receive(request: Request, body: IO[bytes]) -> None:
    declared = request.headers.get("content-length", "0")
    received = int(declared) if declared.isascii() and declared.isdigit() else 0
    if received > MAX_COMMIT:
        raise too_large(f"A commit's body may have {MAX_COMMIT} bytes: upload large files with Git LFS")
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MAX_COMMIT:
            raise too_large(f"A commit's body may have {MAX_COMMIT} bytes: upload large files with Git LFS")
        body.write(chunk)
    body.seek(0)


def _decode(sample: str) -> bytes:
    try:
        return base64.b64decode(sample)
    except (binascii.Error, ValueError):
        raise bad_request("A file's sample is not base64") from None
