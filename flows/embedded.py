"""Prefect for a command: the server in PREFECT_API_URL, or one that lives as long as the command."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from data_lake.errors import RoundhouseError
from data_lake.layout import Lake
from flows.console import note


@contextmanager
def prefect(lake: Lake) -> Iterator[None]:
    """Makes Prefect ready before a flow is called; without PREFECT_API_URL its home is in the lake.

    Raises:
        RoundhouseError: the server at PREFECT_API_URL does not answer.
    """
    server = os.environ.get("PREFECT_API_URL")
    if not server:
        os.environ["PREFECT_HOME"] = str(lake.prefect)
        os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"
        os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"
        os.environ["PREFECT_SERVER_UI_ENABLED"] = "false"
    # A command tells a failure in one line of its own; Prefect keeps the long form with the run.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_FLOW_RUNS_LEVEL", "CRITICAL")
    started = time.monotonic()
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        unreachable = client.api_healthcheck()
    if unreachable:
        raise RoundhouseError(
            f"Prefect's server at {server or 'the lake'} does not answer",
            left="Nothing was started",
            mend="Start it with prefect server start, or unset PREFECT_API_URL to use the embedded one",
        )
    logging.getLogger("prefect").setLevel(logging.WARNING)
    if not server:
        note(f"Prefect started in {time.monotonic() - started:.1f} s (embedded, {lake.prefect})")
    yield


def show_runs_command(lake: Lake) -> str:
    """The command that shows a lake's runs in Prefect's page."""
    return f"PREFECT_HOME={lake.prefect} prefect server start"
