"""Puts the routes together into one ASGI application."""

import errno
import sqlite3

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from infra.hub import (
    routes_account,
    routes_commits,
    routes_files,
    routes_lfs,
    routes_repositories,
    routes_revisions,
)
from infra.hub.dependencies import Hub
from infra.hub.errors import HubError, bad_request
from infra.hub.middleware import BodyLimit, RawPath, answer_error


def create_app(hub: Hub) -> FastAPI:
    """The server of one storage root. No pages that describe the API: it is the Hub's."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.hub = hub
    for module in (
        routes_account,
        routes_repositories,
        routes_revisions,
        routes_files,
        routes_commits,
        routes_lfs,
    ):
        app.include_router(module.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(RawPath)
    app.add_exception_handler(HubError, _on_hub_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(OSError, _on_storage_error)
    app.add_exception_handler(sqlite3.OperationalError, _on_storage_error)
    app.add_exception_handler(Exception, _on_failure)
    return app


def _on_hub_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return answer_error(error)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    """Names the fields and what is wrong with them, never the values that were sent."""
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    return answer_error(bad_request("; ".join(problems)[:1000]))


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer_error(HubError(404, "Sorry, we can't find the page you are looking for."))
    return answer_error(HubError(error.status_code, str(error.detail)))


def _on_disconnect(request: Request, error: Exception) -> Response:
    """Nobody is left to read this; the answer only ends the request quietly."""
    return answer_error(bad_request("The request was cut off"))


def _on_storage_error(request: Request, error: Exception) -> Response:
    """A full disk is told from other failures, because retrying does not mend it."""
    database_full = isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL
    if database_full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return answer_error(HubError(507, "The server's disk is full"))
    raise error


def _on_failure(request: Request, error: Exception) -> Response:
    return answer_error(HubError(500, "Internal server error"))
