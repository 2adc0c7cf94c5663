"""Running the server: its socket, the file that says it is ready, and when it ends."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

GRACE = 5.0  # seconds after start before looking for users: the one who started the server needs time to show up
POLL = 0.5  # seconds between looks
SHUTDOWN = 5  # seconds that requests under way get to finish


class PortInUseError(Exception):
    """The address is taken or is not this machine's."""


@dataclass(frozen=True)
class Lifetime:
    """How others learn that the server is there, and how it learns that nobody needs it any more."""

    root: Path
    ready_file: Path | None = None
    users_lock: Path | None = None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (`port` 0: any free one); raises PortInUseError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        raise PortInUseError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    return listener


def serve(app: FastAPI, listener: socket.socket, lifetime: Lifetime) -> None:
    """Serves until a signal ends it, or until the last user of `lifetime.users_lock` is gone."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN,
        timeout_keep_alive=60,
    )
    # uvicorn raises the signal that ended it once more, which would end the process before the ready-file is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(uvicorn.Server(config), listener, lifetime))


async def _serve(server: uvicorn.Server, listener: socket.socket, lifetime: Lifetime) -> None:
    async with _announced(listener, lifetime), _ended_with_users(server, lifetime):
        await server.serve(sockets=[listener])


@asynccontextmanager
async def _announced(listener: socket.socket, lifetime: Lifetime) -> AsyncIterator[None]:
    """Keeps the ready-file while the block runs. The socket listens already, so whoever reads it can connect."""
    ready_file = lifetime.ready_file
    if ready_file is None:
        yield
        return
    content = json.dumps({"endpoint": endpoint_of(listener), "pid": os.getpid(), "root": str(lifetime.root)})
    with tempfile.NamedTemporaryFile("w", dir=ready_file.parent, prefix=ready_file.name, delete=False) as file:
        file.write(content)
    os.replace(file.name, ready_file)
    try:
        yield
    finally:
        ready_file.unlink(missing_ok=True)


@asynccontextmanager
async def _ended_with_users(server: uvicorn.Server, lifetime: Lifetime) -> AsyncIterator[None]:
    """Ends the server when its last user is gone, if it was asked to look for users."""
    if lifetime.users_lock is None:
        yield
        return
    watching = asyncio.create_task(_end_with_users(server, lifetime.users_lock, lifetime.ready_file))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _end_with_users(server: uvicorn.Server, users_lock: Path, ready_file: Path | None) -> None:
    """Users hold the lock shared; who gets it exclusively is alone.

    It is kept until the process is gone: a new user waits for it, finds no ready-file, and starts a server anew,
    instead of meeting one that is about to end.
    """
    await asyncio.sleep(GRACE)
    try:
        lock = os.open(users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # its folder is gone, and with it all that users could want
        server.should_exit = True
        return
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        await asyncio.sleep(POLL)
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
    server.should_exit = True


def endpoint_of(listener: socket.socket) -> str:
    """`http://HOST:PORT` as clients need it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
