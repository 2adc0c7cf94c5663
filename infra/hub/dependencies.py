"""What the routes share: who asks, for which repository, under which address, and how addresses are decoded."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.convertors import Convertor, register_url_convertor

from infra.hub.accounts import Accounts
from infra.hub.names import check_path
from infra.hub.repositories import Repository
from infra.hub.storage import Storage


@dataclass(frozen=True)
class Hub:
    """What a server serves: set once, on `app.state.hub`."""

    storage: Storage
    accounts: Accounts


class _Segment(Convertor[str]):
    """One part of an address, decoded after matching, so that `round%2F1` is one part and not two."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class _Rest(_Segment):
    """The rest of an address, with its slashes."""

    regex = ".*"


class _Kind(_Segment):
    """The kind of repository in an API address."""

    regex = "models|datasets"

    def convert(self, value: str) -> str:
        return value.removesuffix("s")


class _Prefix(_Segment):
    """The kind of repository in a file's address, where models have no prefix."""

    regex = "(?:datasets/)?"

    def convert(self, value: str) -> str:
        return "dataset" if value else "model"


register_url_convertor("segment", _Segment())
register_url_convertor("rest", _Rest())
register_url_convertor("kind", _Kind())
register_url_convertor("prefix", _Prefix())

API = "/api/{kind:kind}/{namespace:segment}/{name:segment}"
FILES = "/{kind:prefix}{namespace:segment}/{name:segment}"
REVISION = "/{revision:segment}"


def current_hub(request: Request) -> Hub:
    return request.app.state.hub


def current_user(request: Request) -> str | None:
    """The user whose token came with the request, None without one; raises 401 for a wrong one."""
    return current_hub(request).accounts.user_of(request.headers.get("authorization"))


CurrentHub = Annotated[Hub, Depends(current_hub)]
CurrentUser = Annotated[str | None, Depends(current_user)]


def readable_repository(hub: CurrentHub, user: CurrentUser, kind: str, namespace: str, name: str) -> Repository:
    """The repository an address names, if the caller may see it; raises 400, 401 or 404."""
    return hub.storage.repositories.readable(kind, namespace, name, user)


def writable_repository(hub: CurrentHub, user: CurrentUser, kind: str, namespace: str, name: str) -> Repository:
    """The repository an address names, if the caller may change it; raises 400, 401, 403 or 404."""
    return hub.storage.repositories.writable(kind, namespace, name, user)


Readable = Annotated[Repository, Depends(readable_repository)]
Writable = Annotated[Repository, Depends(writable_repository)]


def endpoint_of(request: Request) -> str:
    """The address under which the caller reached the server (which may be a proxy's), without a slash at its end."""
    host = request.headers.get("host", "")
    if not host or not all(c.isascii() and (c.isalnum() or c in ".-:[]_") for c in host):
        server = request.scope.get("server") or ("127.0.0.1", 80)
        host = f"{server[0]}:{server[1]}"
    return f"{request.scope['scheme']}://{host}"


def checked_path(path: str) -> str:
    """A path inside a repository from an address; raises 400 for one that no repository can hold."""
    return check_path(path.strip("/"))
