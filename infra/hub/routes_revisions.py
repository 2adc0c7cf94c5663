"""Branches, tags and the commits behind them."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from infra.hub.dependencies import API, REVISION, CurrentHub, CurrentUser, Readable, Writable, endpoint_of
from infra.hub.history import Commit, Message, iso_date
from infra.hub.operations import MAX_TITLE
from infra.hub.refs import BRANCH, MAIN, TAG

router = APIRouter()

COMMITS_PAGE = 50  # commits an answer, as on the real Hub
MAX_COMMITS_PAGE = 1000


class NewBranch(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    starting_point: str | None = Field(default=None, alias="startingPoint")


class NewTag(BaseModel):
    tag: str
    message: str | None = None


class Squash(BaseModel):
    message: str = Field(default="Super-squash", min_length=1, max_length=MAX_TITLE)


@router.get(API + "/refs")
def list_refs(hub: CurrentHub, repository: Readable, include_prs: bool = False) -> dict[str, Any]:
    def describe(kind: str) -> list[dict[str, str]]:
        refs = hub.storage.refs.all(repository, kind)
        return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": target} for name, target in refs]

    answer: dict[str, Any] = {"branches": describe(BRANCH), "tags": describe(TAG), "converts": []}
    # There are no pull requests here, but a client that asks for them expects the key.
    return {**answer, "pullRequests": []} if include_prs else answer


@router.post(API + "/branch/{branch:segment}")
def create_branch(hub: CurrentHub, repository: Writable, branch: str, body: NewBranch | None = None) -> Response:
    start = (body and body.starting_point) or MAIN
    hub.storage.refs.create(repository, BRANCH, branch, start)
    return Response("OK", 201)


@router.delete(API + "/branch/{branch:segment}")
def delete_branch(hub: CurrentHub, repository: Writable, branch: str) -> Response:
    hub.storage.refs.delete(repository, BRANCH, branch)
    return Response("OK")


@router.post(API + "/tag" + REVISION)
def create_tag(hub: CurrentHub, repository: Writable, revision: str, body: NewTag) -> Response:
    """The message of an annotated tag is accepted and not kept: no call of the Hub's API shows it."""
    hub.storage.refs.create(repository, TAG, body.tag, revision)
    return Response("OK", 201)


@router.delete(API + "/tag" + REVISION)
def delete_tag(hub: CurrentHub, repository: Writable, revision: str) -> Response:
    hub.storage.refs.delete(repository, TAG, revision)
    return Response("OK")


@router.post(API + "/super-squash/{branch:segment}")
def squash(hub: CurrentHub, repository: Writable, user: CurrentUser, branch: str, body: Squash) -> dict[str, str]:
    commit = hub.storage.history.squash(repository, branch, Message(user or "", body.message, ""))
    return {"commitOid": commit.id}


@router.get(API + "/commits" + REVISION)
def list_commits(
    request: Request,
    hub: CurrentHub,
    repository: Readable,
    revision: str,
    limit: Annotated[int, Query(ge=1, le=MAX_COMMITS_PAGE)] = COMMITS_PAGE,
    expand: Annotated[list[str] | None, Query(alias="expand[]")] = None,
) -> JSONResponse:
    """Newest first. The next page starts at a commit and not at a number, so a new commit shifts nothing."""
    start = hub.storage.refs.resolve(repository, revision)
    page: list[Commit] = []
    following = None
    for commit in hub.storage.history.walk(repository, start):
        if len(page) == limit:
            following = commit.id
            break
        page.append(commit)
    formatted = "formatted" in (expand or [])
    headers = {}
    if following:
        query = f"limit={limit}" + ("&expand%5B%5D=formatted" if formatted else "")
        base = f"{endpoint_of(request)}/api/{repository.kind}s/{quote(repository.full_name)}"
        headers["Link"] = f'<{base}/commits/{following}?{query}>; rel="next"'
    return JSONResponse([_describe(commit, formatted) for commit in page], headers=headers)


def _describe(commit: Commit, formatted: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": commit.id,
        "title": commit.title,
        "message": commit.description,
        "date": iso_date(commit.date),
        "authors": [{"user": commit.author}],
    }
    if formatted:
        answer["formatted"] = {"title": commit.title, "message": commit.description}
    return answer
