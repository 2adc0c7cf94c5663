"""What happens to every request before it is routed."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.hub.errors import HubError, too_large

MAX_BODY = 16 * 2**20  # bytes, for all but uploads and commits, which are streamed and have limits of their own


class RawPath:
    """Routes by the address as it was sent, so that an encoded slash stays inside its part."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["raw_path"].decode("ascii", "replace")
        await self._app(scope, receive, send)


class BodyLimit:
    """Answers 413 to bodies that would have to be held in memory and are too large for it."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_streamed(scope):
            await self._app(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                # Of this class, because FastAPI turns any other one raised while it reads a body into a 400.
                raise HTTPException(413, f"The body of this request may have {MAX_BODY} bytes")
            return message

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > MAX_BODY:
            error = too_large(f"The body of this request may have {MAX_BODY} bytes")
            await answer_error(error)(scope, receive, send)
        else:
            await self._app(scope, receive_limited, send)


def answer_error(error: HubError) -> JSONResponse:
    """An error as the Hub sends it: JSON for programs that read bodies, headers for those that do not."""
    return JSONResponse({"error": error.message}, error.status, error.response_headers())


def _is_streamed(scope: Scope) -> bool:
    parts = scope["path"].split("/")
    return parts[:3] == ["", "api", "lfs"] or (parts[1:2] == ["api"] and parts[5:6] == ["commit"])
