"""A real Hub server in a process of its own, and the real client against it."""

import os
import tempfile

# Read by huggingface_hub when it is imported, so before anything else.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
# Examples are derived from the tests alone: what hypothesis remembers between runs is not kept beside the sources.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "hypothesis"))

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from huggingface_hub import HfApi

PROJECT = Path(__file__).resolve().parents[2]
TOKENS = {"alice": "token-of-alice", "bob": "token-of-bob"}


class Server:
    """A Hub on loopback with the users alice and bob, whose root is `folder/root`."""

    def __init__(self, folder: Path, port: int = 0, options: tuple[str, ...] = ()):
        self.folder = folder
        self.root = folder / "root"
        self.ready_file = folder / "ready.json"
        self.log = (folder / "server.log").open("ab")
        command = [sys.executable, "-m", "infra.hub", "--root", str(self.root), "--port", str(port)]
        tokens = ",".join(f"{user}={token}" for user, token in TOKENS.items())
        self.process = subprocess.Popen(
            [*command, "--ready-file", str(self.ready_file), *options],
            cwd=PROJECT,
            env={**os.environ, "ROUNDHOUSE_HUB_TOKENS": tokens},
            stdout=self.log,
            stderr=self.log,
        )
        self.endpoint = self._wait()["endpoint"]

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def api(self, user: str | None) -> HfApi:
        """The client of a user, or of somebody without a token."""
        return HfApi(endpoint=self.endpoint, token=TOKENS[user] if user else False)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.ready_file.unlink(missing_ok=True)

    def stop(self) -> int:
        self.process.terminate()
        self.log.close()
        return self.process.wait(timeout=20)

    def _wait(self) -> dict:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(Path(self.log.name).read_text())
            # A file of a killed server may still be there.
            if self.ready_file.exists():
                ready = json.loads(self.ready_file.read_text())
                if ready["pid"] == self.process.pid:
                    return ready
            time.sleep(0.02)
        raise TimeoutError("the Hub did not start")


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("hub"))
    yield server
    server.stop()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of the test's own, all on one root unless told otherwise."""
    servers: list[Server] = []

    def start(folder: Path = tmp_path, port: int = 0, options: tuple[str, ...] = ()) -> Server:
        servers.append(Server(folder, port, options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture(scope="session")
def alice(hub: Server) -> HfApi:
    return hub.api("alice")


@pytest.fixture(scope="session")
def bob(hub: Server) -> HfApi:
    return hub.api("bob")


@pytest.fixture(scope="session")
def nobody(hub: Server) -> HfApi:
    return hub.api(None)


@pytest.fixture
def model(alice: HfApi) -> str:
    """The id of a new public model repository of alice's."""
    return alice.create_repo(f"alice/m-{uuid4().hex[:12]}").repo_id


@pytest.fixture
def dataset(alice: HfApi) -> str:
    """The id of a new public dataset repository of alice's."""
    return alice.create_repo(f"alice/d-{uuid4().hex[:12]}", repo_type="dataset").repo_id


@pytest.fixture
def secret(alice: HfApi) -> str:
    """The id of a new private model repository of alice's with one file."""
    name = alice.create_repo(f"alice/s-{uuid4().hex[:12]}", private=True).repo_id
    alice.upload_file(path_or_fileobj=b"\0secret weights", path_in_repo="w.bin", repo_id=name)
    return name
