"""`infra/prefect.yaml` on a real Prefect: what is deployed, and runs of `train-rounds` by a worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.settings import PREFECT_API_URL, temporary_settings

from data_lake.layout import Lake
from data_lake.settings import Settings
from flows.session import Workplace, hub_of
from tasks.ingest import ingest
from tasks.ledger import read_ledger
from tasks.publish_dataset import publish_dataset
from tasks.sample import write_sample

_PREFECT_FILE = Path(__file__).parents[2] / "infra" / "prefect.yaml"
_PREFECT = [sys.executable, "-m", "prefect"]
_START_SECONDS = 60
_STOP_SECONDS = 20


class PrefectSite:
    """A server and what runs beside it, each a process of its own; commands and workers start in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "prefect"
        self.api = f"http://127.0.0.1:{_free_port()}/api"
        self._environment = {
            **os.environ,
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        self._processes: list[subprocess.Popen] = []

    def start_server(self) -> None:
        """Starts the server and waits until it answers."""
        self._start("server", "start", "--host", "127.0.0.1", "--port", self.api.split(":")[2].split("/")[0])
        wait_until(lambda: _answers(f"{self.api}/health"), "Prefect's server does not answer")

    def start_worker(self, pool: str) -> None:
        """Starts a worker of a pool; its runs are waited for by whoever asks for one."""
        self._start("worker", "start", "--pool", pool)

    def command(self, *arguments: str) -> None:
        """Runs one command of Prefect's to its end."""
        done = subprocess.run(
            [*_PREFECT, *arguments], cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"prefect {' '.join(arguments)}: {done.stdout}{done.stderr}"

    def stop(self) -> None:
        """Ends workers and server with SIGTERM, in this order."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(_STOP_SECONDS)

    def running(self) -> list[str]:
        """The command lines of all that was started here, and of what that has started, the Hubs too."""
        return [" ".join(process.info["cmdline"] or []) for process in self._own()]

    def kill(self) -> None:
        """Ends what a failed test has left."""
        for process in self._own():
            process.kill()

    def _start(self, *arguments: str) -> None:
        with (self.folder / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [*_PREFECT, *arguments], cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )
        self._processes.append(process)

    def _own(self) -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline", "environ", "status"])
        return [
            process
            for process in found
            if (process.info["environ"] or {}).get("PREFECT_HOME") == str(self.home)
            and process.info["status"] != psutil.STATUS_ZOMBIE
        ]


@pytest.fixture(scope="module")
def prefect_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectSite]:
    """A server with all deployments and a worker on pool `gpu`; nothing may be left of them afterwards."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores Ctrl-C and hands that on, but a worker ends itself by that very signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    site = PrefectSite(tmp_path_factory.mktemp("site"))
    try:
        site.start_server()
        for pool in ("cpu", "gpu"):
            site.command("work-pool", "create", pool, "--type", "process")
        site.command("--no-prompt", "deploy", "--all", "--prefect-file", str(_PREFECT_FILE))
        site.start_worker("gpu")
        yield site
        site.stop()
        wait_until(lambda: not site.running(), "SIGTERM has left something running")
    finally:
        site.kill()


@pytest.fixture
def client(prefect_site: PrefectSite) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: prefect_site.api}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def one_shard_lake(prefect_site: PrefectSite, small_base: Path, small_settings: Settings) -> Lake:
    """A lake in the worker's folder, under the deployments' default name, whose published dataset is one shard."""
    lake = Lake(prefect_site.folder / "lake")
    lake.root.mkdir()
    write_sample(lake.root / "trn.json", 240, 7)
    ingest(lake, [str(lake.root / "trn.json")], small_settings.data.model_copy(update={"shards": 1}))
    shutil.copytree(small_base, lake.base)
    with hub_of(Workplace(lake, small_settings)) as hub:
        publish_dataset(lake, hub)
    return lake


def test_every_flow_is_deployed(client: SyncPrefectClient) -> None:
    pools = {deployment.name: deployment.work_pool_name for deployment in client.read_deployments()}
    assert pools == {
        "ingest": "cpu",
        "publish": "cpu",
        "promote": "cpu",
        "train-round": "gpu",
        "train-rounds": "gpu",
        "roundhouse": "gpu",
    }


def test_the_nightly_training_is_there_and_switched_off(client: SyncPrefectClient) -> None:
    deployment = client.read_deployment_by_name("train-rounds/train-rounds")
    assert [(entry.schedule.cron, entry.active) for entry in deployment.schedules] == [("0 2 * * *", False)]
    assert deployment.global_concurrency_limit.limit == 1


def test_a_worker_trains_what_there_is_and_then_says_that_there_is_nothing(
    client: SyncPrefectClient, one_shard_lake: Lake, small_settings: Settings, small_profile: str
) -> None:
    asked = {"rounds": 2, "profile": small_profile}

    trained = run_deployment("train-rounds/train-rounds", parameters=asked, timeout=240, poll_interval=1)
    assert trained.state.is_completed(), trained.state
    with hub_of(Workplace(one_shard_lake, small_settings)) as hub:
        ledger = read_ledger(hub)
    assert [entry.manifest.shard.name for entry in ledger.rounds] == ["shard-00000"]
    decision = ledger.rounds[0].manifest.decision
    assert decision.promote == (ledger.promoted == ledger.rounds[0])
    assert decision.reason.startswith("promoted" if decision.promote else "held back")

    again = run_deployment("train-rounds/train-rounds", parameters=asked, timeout=240, poll_interval=1)
    assert again.state.is_completed(), again.state
    assert "Nothing to do" in said_by(client, again)
    assert "Nothing to do" not in said_by(client, trained)


def said_by(client: SyncPrefectClient, run: FlowRun) -> str:
    """What a run has logged on the server."""
    entries = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
    return "\n".join(entry.message for entry in entries)


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Waits until something holds, or fails with what is the case otherwise."""
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
