"""Serves a Hub from a folder, or collects what nothing in that folder refers to.

ROUNDHOUSE_HUB_TOKENS="USER=TOKEN" python -m infra.hub --root DIR --host 127.0.0.1 --port 0
python -m infra.hub collect --root DIR
"""

import json
import os
import sqlite3
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from infra.hub.accounts import TOKENS_VARIABLE, parse_tokens
from infra.hub.storage import RootInUseError, Storage

Root = Annotated[Path, typer.Option(help="Folder that holds everything the Hub keeps.", file_okay=False)]

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@cli.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    root: Annotated[Path | None, typer.Option(help="Folder that holds everything the Hub keeps.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for any free one.", min=0, max=65535)] = 8765,
    ready_file: Annotated[Path | None, typer.Option(help="Written once the Hub listens, gone when it ends.")] = None,
    exit_with_users: Annotated[
        Path | None, typer.Option(help="File on which every user holds a shared lock: ends with the last of them.")
    ] = None,
) -> None:
    """Serves the Hub in ROOT to the users in ROUNDHOUSE_HUB_TOKENS (USER=TOKEN,USER=TOKEN)."""
    if context.invoked_subcommand is not None:
        return
    if root is None:
        _fail("--root DIR is missing", code=2)
    try:
        accounts = parse_tokens(os.environ.pop(TOKENS_VARIABLE, ""))
    except ValueError as error:
        _fail(str(error), code=2)
    # Imported here, because neither collecting nor a refusal to start needs any of it.
    from infra.hub import serving
    from infra.hub.app import create_app
    from infra.hub.dependencies import Hub

    try:
        storage = Storage(root)
        listener = serving.listen(host, port)
        if ready_file is not None:
            ready_file.parent.mkdir(parents=True, exist_ok=True)
    except (RootInUseError, serving.PortInUseError, OSError, sqlite3.DatabaseError) as error:
        _fail(str(error), code=1)
    serving.serve(
        create_app(Hub(storage, accounts)), listener, serving.Lifetime(root.absolute(), ready_file, exit_with_users)
    )


@cli.command()
def collect(root: Root) -> None:
    """Removes commits that no branch or tag reaches, and contents that are in no commit. The Hub must not run."""
    from infra.hub.collecting import collect as collect_storage

    if not (root / "hub.sqlite").is_file():
        _fail(f"{root} holds no Hub", code=1)
    try:
        storage = Storage(root)
    except (RootInUseError, OSError, sqlite3.DatabaseError) as error:
        _fail(str(error), code=1)
    done = collect_storage(storage)
    print(json.dumps({"commits": done.commits, "blobs": done.blobs, "bytes": done.size}))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"roundhouse hub: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    cli(prog_name="python -m infra.hub")
