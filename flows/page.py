"""The page as a process of its own; the lake's Hub is kept up while it runs."""

import os
import subprocess
import sys

from data_lake.errors import RoundhouseError
from flows.session import hub_address, workplace


def keep_page(lake: str, profile: str, port: int | None) -> dict:
    """Runs the page until Ctrl-C.

    Raises:
        RoundhouseError: the page ended by itself; it has said why.
    """
    place = workplace(lake, profile)
    with hub_address(place) as address:
        environment = dict(os.environ, HF_ENDPOINT=address.endpoint)
        if address.local:
            # To the page it is a Hub like any other, with a token of its own.
            environment |= {"HF_TOKEN": str(address.token), "HF_HUB_DISABLE_XET": "1"}
        if port is not None:
            environment["ROUNDHOUSE_PAGE__PORT"] = str(port)
        command = [sys.executable, "-m", "ui", "--lake", str(place.lake.root), "--profile", profile]
        with subprocess.Popen(command, env=environment) as process:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                process.terminate()  # Ctrl-C reached it too; a second signal does no harm
                return {"endpoint": address.endpoint}
    if code:
        raise RoundhouseError(
            "The page ended by itself",
            left="Lake and Hub are unchanged",
            mend="See what it said above and run roundhouse ui",
        )
    return {"endpoint": address.endpoint}
