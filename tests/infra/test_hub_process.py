"""The server as a process: starting, refusing to start, ending."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def run(*options: str, tokens: str | None = "alice=secret-token") -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "ROUNDHOUSE_HUB_TOKENS"}
    if tokens is not None:
        environment["ROUNDHOUSE_HUB_TOKENS"] = tokens
    command = [sys.executable, "-m", "infra.hub", *options]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=20, check=False
    )


BAD_TOKENS = [None, "", "alice", "alice=", "=secret-token", "../x=secret-token", "a=secret-token,b=secret-token"]


@pytest.mark.parametrize("tokens", BAD_TOKENS)
def test_without_usable_tokens_it_does_not_start(tmp_path: Path, tokens: str | None):
    done = run("--root", str(tmp_path / "r"), "--port", "0", tokens=tokens)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "secret-token" not in done.stderr + done.stdout
    assert not (tmp_path / "r").exists()


def test_without_a_root_it_does_not_start():
    done = run()
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_port_in_use_is_one_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--root", str(tmp_path), "--port", str(taken.getsockname()[1]), "--ready-file", str(tmp_path / "x"))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_second_server_on_a_root_is_refused(hub):
    done = run("--root", str(hub.root), "--port", "0")
    assert done.returncode == 1 and "another Hub process" in done.stderr and len(done.stderr.splitlines()) == 1
    assert hub.api("alice").whoami()["name"] == "alice"


def test_unusable_root_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = run("--root", str(tmp_path / "file"), "--port", "0")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_ready_file_says_where_and_goes_with_the_server(start_hub: Callable):
    server = start_hub()
    ready = json.loads(server.ready_file.read_text())
    assert ready == {"endpoint": server.endpoint, "pid": server.process.pid, "root": str(server.root)}
    assert server.endpoint.startswith("http://127.0.0.1:")
    assert server.stop() == 0
    assert not server.ready_file.exists()
    assert Path(server.log.name).read_text() == ""


def test_it_listens_on_loopback_only(hub):
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f"{hub.port:04X}"
    assert {entry.split(":")[0] for entry in listening if entry.endswith(":" + port)} == {"0100007F"}


def test_it_ends_with_its_last_user_and_no_new_user_meets_it_dying(start_hub: Callable, tmp_path: Path):
    lock = tmp_path / "users"
    with lock.open("w") as first, lock.open() as second:
        fcntl.flock(first, fcntl.LOCK_SH)
        server = start_hub(options=("--exit-with-users", str(lock)))
        fcntl.flock(second, fcntl.LOCK_SH)
        fcntl.flock(first, fcntl.LOCK_UN)
        time.sleep(6)
        assert server.process.poll() is None
        fcntl.flock(second, fcntl.LOCK_UN)
        deadline = time.monotonic() + 10
        while server.ready_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        fcntl.flock(first, fcntl.LOCK_SH)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=2)
        assert server.process.wait(timeout=5) == 0


def test_tokens_are_nowhere_on_disk(hub, model: str, alice):
    alice.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=model)
    for path in hub.folder.rglob("*"):
        if path.is_file():
            assert b"token-of-" not in path.read_bytes(), path
    command = Path(f"/proc/{hub.process.pid}/cmdline").read_bytes()
    assert b"token-of-" not in command
