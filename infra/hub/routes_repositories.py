"""Creating, renaming, deleting and describing repositories."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from infra.hub.cards import MAX_CARD, CardError, read_metadata
from infra.hub.dependencies import API, REVISION, CurrentHub, CurrentUser, Readable, Writable, endpoint_of
from infra.hub.errors import HubError, bad_request, forbidden
from infra.hub.history import iso_date
from infra.hub.names import check_name
from infra.hub.refs import MAIN
from infra.hub.repositories import Repository, check_kind, check_owner
from infra.hub.storage import Storage
from infra.hub.trees import File, Tree, lfs_pointer

router = APIRouter()


class RepositoryName(BaseModel):
    """Which repository to create or delete; `organization` None means the caller's own namespace."""

    name: str
    organization: str | None = None
    type: str | None = None


class NewRepository(RepositoryName):
    private: bool | None = None
    visibility: str | None = None

    @property
    def is_private(self) -> bool:
        return _is_private(self.private, self.visibility) or False


class Move(BaseModel):
    """Both as `namespace/name`."""

    model_config = ConfigDict(populate_by_name=True)
    source: str = Field(alias="fromRepo")
    target: str = Field(alias="toRepo")
    type: str | None = None


class Settings(BaseModel):
    private: bool | None = None
    visibility: str | None = None


@router.post("/api/repos/create")
def create(body: NewRepository, request: Request, hub: CurrentHub, user: CurrentUser) -> JSONResponse:
    """409 carries the address too: that is how the client's `exist_ok` learns it."""
    kind = check_kind(body.type)
    owner = check_owner(user, body.organization)
    repository = Repository(0, kind, owner, check_name(body.name), body.is_private, 0)
    answer = {"url": f"{endpoint_of(request)}/{repository.web_path}", "name": repository.full_name}
    try:
        hub.storage.create_repository(kind, owner, body.name, body.is_private)
    except HubError as error:
        if error.status != 409:
            raise
        return JSONResponse({**answer, "error": error.message}, 409, error.response_headers())
    return JSONResponse(answer)


@router.delete("/api/repos/delete")
def delete(body: RepositoryName, hub: CurrentHub, user: CurrentUser) -> Response:
    repositories = hub.storage.repositories
    namespace = body.organization or check_owner(user, None)
    repositories.delete(repositories.writable(check_kind(body.type), namespace, body.name, user))
    return Response("OK")


@router.post("/api/repos/move")
def move(body: Move, hub: CurrentHub, user: CurrentUser) -> Response:
    """Renames within a namespace: there are no organizations here that a repository could move to."""
    repositories = hub.storage.repositories
    namespace, slash, name = body.source.partition("/")
    new_namespace, new_slash, new_name = body.target.partition("/")
    if not (slash and new_slash):
        raise bad_request("A repository to move is named namespace/name")
    repository = repositories.writable(check_kind(body.type), namespace, name, user)
    if check_name(new_namespace) != repository.namespace:
        raise forbidden(f"You do not have the rights to move a repository to {new_namespace}")
    repositories.rename(repository, new_name)
    return Response("OK")


@router.put(API + "/settings")
def change_settings(body: Settings, hub: CurrentHub, repository: Writable) -> dict[str, bool]:
    private = _is_private(body.private, body.visibility)
    if private is not None:
        hub.storage.repositories.set_private(repository, private)
    return {"private": repository.private if private is None else private}


@router.get(API + "/auth-check")
def check_read(repository: Readable) -> Response:
    return Response("OK")


@router.get(API + "/auth-check/write")
def check_write(repository: Writable) -> Response:
    return Response("OK")


@router.get("/api/{kind:kind}")
def find(
    kind: str,
    hub: CurrentHub,
    user: CurrentUser,
    author: str | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[dict[str, Any]]:
    """Repositories the caller may see, newest first."""
    found = hub.storage.repositories.visible(kind, user, author, search, limit)
    return [_summary(repository) for repository in found]


@router.get(API)
def describe_main(
    hub: CurrentHub,
    repository: Readable,
    blobs: bool = False,
    expand: Annotated[list[str] | None, Query()] = None,
) -> dict[str, Any]:
    return _describe(hub.storage, repository, MAIN, blobs, expand)


@router.get(API + "/revision" + REVISION)
def describe_revision(
    hub: CurrentHub,
    repository: Readable,
    revision: str,
    blobs: bool = False,
    expand: Annotated[list[str] | None, Query()] = None,
) -> dict[str, Any]:
    return _describe(hub.storage, repository, revision, blobs, expand)


def _describe(
    storage: Storage, repository: Repository, revision: str, blobs: bool, expand: list[str] | None
) -> dict[str, Any]:
    """What the client turns into ModelInfo or DatasetInfo; `expand` keeps only the fields it names."""
    commit, tree = storage.tree_at(repository, revision)
    card = _card(storage, tree)
    answer = {
        **_summary(repository),
        "sha": commit.id,
        "lastModified": iso_date(commit.date),
        "siblings": [_sibling(path, file, blobs) for path, file in tree.items()],
        "cardData": card,
        "tags": [tag for tag in _list(card.get("tags")) if isinstance(tag, str)],
        "usedStorage": sum(file.size for file in tree.values()),
        **{key: card[key] for key in ("library_name", "pipeline_tag") if isinstance(card.get(key), str)},
    }
    if expand:
        return {key: value for key, value in answer.items() if key in {"_id", "id", *expand}}
    return answer


def _summary(repository: Repository) -> dict[str, Any]:
    return {
        "_id": f"{repository.id:024x}",
        "id": repository.full_name,
        **({"modelId": repository.full_name} if repository.kind == "model" else {}),
        "author": repository.namespace,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "createdAt": iso_date(repository.created),
        "tags": [],
    }


def _sibling(path: str, file: File, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    sibling = {"rfilename": path, "size": file.size, "blobId": file.oid}
    if file.lfs:
        pointer_size = len(lfs_pointer(file.sha256, file.size))
        sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer_size}
    return sibling


def _card(storage: Storage, tree: Tree) -> dict[str, Any]:
    """The metadata of the README, empty where it has none that can be read."""
    file = tree.get("README.md")
    if file is None or file.size > MAX_CARD:
        return {}
    try:
        return read_metadata(storage.blobs.path(file.sha256).read_text("utf-8", "replace"))
    except (CardError, OSError):
        return {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_private(private: bool | None, visibility: str | None) -> bool | None:
    if visibility not in (None, "public", "private"):
        raise bad_request(f"Unknown visibility {visibility[:40]!r}: expected public or private")
    return private if visibility is None else visibility == "private"
