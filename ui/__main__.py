"""Serves the page: `python -m ui --lake DIR --profile NAME`, with the Hub in HF_ENDPOINT.

`roundhouse ui` names the Hub and keeps it up.
"""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from data_lake.errors import RoundhouseError, SettingsError
from data_lake.layout import Lake
from data_lake.settings import PageSettings, Settings, load_settings

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def main(lake: Annotated[str, typer.Option()], profile: Annotated[str, typer.Option()]) -> None:
    """Loads the base model and serves the page until it is told to end."""
    try:
        _serve(Lake(Path(lake)), load_settings(profile))
    except RoundhouseError as error:
        typer.echo(f"roundhouse: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _serve(lake: Lake, settings: Settings) -> None:
    _free_port(settings.page)  # before a model is loaded in vain
    endpoint = os.environ.get("HF_ENDPOINT")
    if not endpoint:
        raise SettingsError(
            "HF_ENDPOINT does not name a Hub",
            left="Nothing was started",
            mend="Run roundhouse ui, which starts the lake's own",
        )
    from tasks.hub import connect
    from ui.look import CSS, THEME
    from ui.page import build_page
    from ui.service import Service

    hub = connect(
        endpoint,
        None,
        namespace=settings.hub.namespace,
        name=settings.hub.name,
        private=settings.hub.private,
        cache=lake.hub_cache(endpoint, local="HF_HUB_DISABLE_XET" in os.environ),
        xet="HF_HUB_DISABLE_XET" not in os.environ,
    )
    page = build_page(Service(lake, hub, settings))
    port = _free_port(settings.page)
    typer.echo(f"The page is open at http://{settings.page.host}:{port}", err=True)
    page.launch(
        server_name=settings.page.host,
        server_port=port,
        theme=THEME,
        css=CSS,
        footer_links=[],
        share=False,
        quiet=True,
        show_error=True,
    )


def _free_port(page: PageSettings) -> int:
    """The port the page can listen on.

    Raises:
        SettingsError: it is in use.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((page.host, page.port))
        except OSError as error:
            raise SettingsError(
                f"The page cannot listen on {page.host}:{page.port}: {error.strerror}",
                left="Nothing was started",
                mend="Take another port: roundhouse ui --port 0",
            ) from error
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    typer.run(main)
