"""Git LFS: where to send large contents, receiving them, and confirming that they arrived."""

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from infra.hub.blobs import BlobWriter
from infra.hub.dependencies import FILES, CurrentHub, Hub, Writable, endpoint_of
from infra.hub.errors import HubError, bad_request
from infra.hub.names import check_sha256
from infra.hub.repositories import Repository
from infra.hub.routes_commits import MAX_SIZE

router = APIRouter()

PIECE = 2 * 2**20  # bytes hashed and written at a time
LFS_JSON = "application/vnd.git-lfs+json"


class LfsObject(BaseModel):
    oid: str
    size: int = Field(ge=0, le=MAX_SIZE)


class Batch(BaseModel):
    operation: str = "upload"
    objects: list[LfsObject] = Field(max_length=1000)


@router.post(FILES + ".git/info/lfs/objects/batch")
def batch(body: Batch, request: Request, hub: CurrentHub, repository: Writable) -> JSONResponse:
    """For each content the address to send it to, or none if the repository has it already."""
    if body.operation != "upload":
        raise bad_request("Only uploads go through Git LFS here: download files from their resolve address")
    endpoint = endpoint_of(request)
    objects = [_instruct(hub, repository, endpoint, wanted) for wanted in body.objects]
    return JSONResponse({"transfer": "basic", "objects": objects, "hash_algo": "sha256"}, media_type=LFS_JSON)


@router.post(FILES + ".git/info/lfs/objects/verify")
def verify(body: LfsObject, hub: CurrentHub, repository: Writable) -> Response:
    """Confirms that a content arrived; raises 404 if it did not."""
    if hub.storage.uploads.size(repository, check_sha256(body.oid)) != body.size:
        raise HubError(404, f"Object {body.oid} of {body.size} bytes was not uploaded")
    return Response("OK")


@router.put("/api/lfs/{repo_id:segment}/{oid:segment}")
async def receive(
    request: Request, hub: CurrentHub, repo_id: int, oid: str, size: int, expires: int, signature: str
) -> Response:
    """Stores a content sent to an address that `batch` signed: the signature stands for the token, not sent here."""
    storage = hub.storage
    storage.uploads.check(repo_id, oid, size, expires, signature)
    storage.repositories.by_id(repo_id)
    with storage.blobs.writer() as writer:
        await _copy(request, writer, size)
        await asyncio.to_thread(writer.finish, oid)
    await asyncio.to_thread(storage.uploads.record, repo_id, oid, size)
    return Response(headers={"ETag": f'"{oid}"'})


def _instruct(hub: Hub, repository: Repository, endpoint: str, wanted: LfsObject) -> dict[str, Any]:
    answer: dict[str, Any] = {"oid": check_sha256(wanted.oid), "size": wanted.size}
    known = hub.storage.uploads.size(repository, wanted.oid)
    if known == wanted.size:
        return answer
    if known is not None:
        return {**answer, "error": {"code": 422, "message": f"The object has {known} bytes, not {wanted.size}"}}
    query = hub.storage.uploads.query(repository, wanted.oid, wanted.size)
    upload = f"{endpoint}/api/lfs/{repository.id}/{wanted.oid}?{query}"
    confirm = f"{endpoint}/{quote(repository.web_path)}.git/info/lfs/objects/verify"
    return {**answer, "authenticated": True, "actions": {"upload": {"href": upload}, "verify": {"href": confirm}}}


async def _copy(request: Request, writer: BlobWriter, size: int) -> None:
    """Writes the request's body to disk while the next piece of it arrives; raises 400 unless it has `size` bytes."""
    received = 0
    piece = bytearray()
    writing = asyncio.ensure_future(asyncio.sleep(0))
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > size:
                break
            piece += chunk
            if len(piece) >= PIECE:
                await writing
                writing = asyncio.ensure_future(asyncio.to_thread(writer.write, piece))
                piece = bytearray()
    finally:
        # A thread may still be writing: the file must not be closed under it.
        await writing
    if received != size:
        raise bad_request(f"The content has {'more' if received > size else 'less'} than {size} bytes")
    await asyncio.to_thread(writer.write, piece)
