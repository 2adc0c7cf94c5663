"""The Hub that belongs to a lake: started by its first user, ended by its last."""

import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from filelock import FileLock

from data_lake.errors import HubError
from data_lake.files import write_secret
from data_lake.layout import Lake

LOCAL_USER = "roundhouse"
TOKENS_VARIABLE = "ROUNDHOUSE_HUB_TOKENS"
_START_SECONDS = 30


@dataclass(frozen=True)
class HubAddress:
    """Where a Hub listens and with which token it is spoken to."""

    endpoint: str
    token: str | None
    local: bool
    """It is the lake's own Hub."""


@contextmanager
def local_hub(lake: Lake, host: str = "127.0.0.1", port: int = 0) -> Iterator[HubAddress]:
    """Uses the lake's Hub, starting it where it does not run, for as long as the block lasts.

    Every user holds a shared lock on one file; the Hub ends when it gets that lock for itself. The
    kernel takes a killed user's lock away, so no crash keeps the Hub up or takes it from others.

    Raises:
        HubError: it does not start, or it runs elsewhere than `port` says.
    """
    lake.hub.mkdir(parents=True, exist_ok=True)
    with (lake.hub / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with FileLock(lake.hub / "start.lock"):
            endpoint = _running(lake) or _start(lake, host, port)
        if port and not endpoint.endswith(f":{port}"):
            raise HubError(
                f"The lake's Hub runs already, at {endpoint}",
                left="It runs on",
                mend="Use that address, or end the command that keeps it up and run roundhouse hub again",
            )
        yield HubAddress(endpoint, _token(lake), local=True)


def _running(lake: Lake) -> str | None:
    try:
        said = json.loads(_ready_file(lake).read_text(encoding="utf-8"))
        endpoint = said["endpoint"]
        if said["root"] != str(lake.hub / "root"):
            return None  # this lake is a copy of one whose Hub ran
        # The address may be another program's by now: only the lake's Hub knows the lake's token.
        answer = httpx.get(f"{endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {_token(lake)}"}, timeout=5)
        return endpoint if answer.status_code == 200 else None
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None


def _start(lake: Lake, host: str, port: int) -> str:
    _ready_file(lake).unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "PREFECT_API_URL")}
    environment[TOKENS_VARIABLE] = os.environ.get(TOKENS_VARIABLE) or f"{LOCAL_USER}={_token(lake)}"
    log = lake.hub / "hub.log"
    command = [sys.executable, "-m", "infra.hub", "--root", str(lake.hub / "root"), "--host", host]
    command += ["--port", str(port), "--ready-file", str(_ready_file(lake))]
    command += ["--exit-with-users", str(lake.hub / "users.lock")]
    with log.open("w") as output:
        # A session of its own: Ctrl-C ends its users, and they end it.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        endpoint = _running(lake)
        if endpoint:
            return endpoint
        time.sleep(0.05)
    process.kill()
    said = log.read_text(encoding="utf-8").strip().splitlines()
    raise HubError(
        f"The local Hub did not start: {said[-1] if said else 'it said nothing'}",
        left="Nothing was changed",
        mend=f"See {log}; with a port in use, take another: roundhouse hub --port 0",
    )


def _ready_file(lake: Lake) -> Path:
    return lake.hub / "address.json"


def _token(lake: Lake) -> str:
    """The token for the lake's Hub: the first of the environment's, or one made at the first start."""
    given = os.environ.get(TOKENS_VARIABLE)
    if given:
        return given.split(",")[0].partition("=")[2]
    path = lake.hub / "token"
    if not path.is_file():
        write_secret(path, f"rh_{secrets.token_urlsafe(24)}")
    return path.read_text(encoding="utf-8")
