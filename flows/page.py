"""The page as a process of its own; the lake's Hub is kept up while it runs."""

import ctypes
import os
import signal
import subprocess
import sys

from data_lake.errors import RoundhouseError
from flows.session import hub_address, workplace

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def keep_page(lake: str, profile: str, port: int | None) -> dict:
    """Runs the page until Ctrl-C or SIGTERM.

    Raises:
        RoundhouseError: the page ended by itself; it has said why.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the page must not be left behind
    place = workplace(lake, profile)
    with hub_address(place) as address:
        environment = dict(os.environ, HF_ENDPOINT=address.endpoint)
        if address.local:
            # To the page it is a Hub like any other, with a token of its own.
            environment |= {"HF_TOKEN": str(address.token), "HF_HUB_DISABLE_XET": "1"}
        if port is not None:
            environment["ROUNDHOUSE_PAGE__PORT"] = str(port)
        command = [sys.executable, "-m", "ui", "--lake", str(place.lake.root), "--profile", profile]
        process = subprocess.Popen(command, env=environment, preexec_fn=_end_with_parent)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = 0
        finally:
            process.terminate()  # Ctrl-C reached it too; a second signal does no harm
            process.wait()
    if code:
        raise RoundhouseError(
            "The page ended by itself",
            left="Lake and Hub are unchanged",
            mend="See what it said above and run roundhouse ui",
        )
    return {"endpoint": address.endpoint}


def _end_with_parent() -> None:
    """Has the kernel end the page, and free the model's memory, when its command is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
