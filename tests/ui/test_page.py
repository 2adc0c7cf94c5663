"""The page in a real browser, before a small model with two rounds."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support import copy_lake

from data_lake.dataset import read_manifest, shard_path
from data_lake.layout import Lake
from data_lake.settings import Settings
from flows.session import Workplace, hub_of
from tasks.ledger import read_ledger
from tasks.promote import roll_back
from tasks.search import Source
from tasks.tokens import read_rows
from ui.cards import source_cards

_START_SECONDS = 120
_ANSWER_MILLISECONDS = 60_000
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_HOSTILE = '<img src=x onerror="window.harmed=1"> **bold** [link](javascript:window.harmed=1) `a` $$x$$ title:* OR ['


@dataclass(frozen=True)
class Served:
    """A running page and its lake."""

    address: str
    lake: Lake


@pytest.fixture(scope="module", autouse=True)
def ctrl_c() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores Ctrl-C and hands that on to what it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trained_lake: Lake, small_profile: str) -> Iterator[Served]:
    """The page of a copy of the trained lake; SIGTERM ends it and its Hub."""
    folder = tmp_path_factory.mktemp("page")
    lake = copy_lake(trained_lake, folder / "lake")
    log = folder / "log"
    process = started(lake, small_profile, log)
    try:
        wait_until(lambda: "The page is open at" in log.read_text() or process.poll() is not None, log)
        yield Served(re.search(r"open at (\S+)", log.read_text())[1], lake)
        process.terminate()
        wait_until(lambda: not left_running(lake), log)
        assert process.wait() == 0
    finally:
        end_all(lake)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("There is no Chromium on this machine: apt-get install chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """The open page; it may ask nothing of any other machine."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.address)
    expect(page.locator("#question textarea")).to_be_visible()
    yield page
    page.close()
    addresses = [urlsplit(address) for address in asked]
    assert [address for address in addresses if address.hostname != "127.0.0.1" and address.scheme != "data"] == []


def test_an_answer_is_streamed_beside_its_round_and_the_rows_it_should_agree_with(page: Page, served: Served) -> None:
    shard = read_manifest(served.lake).train[2]
    row = read_rows(shard_path(served.lake, shard), 1)[0]
    page.evaluate(_WATCH)
    ask(page, f"Tell me about {row['title']} from Amazon.")
    round_, revision = answered_by(page)
    seen = page.evaluate("window.seen")
    growing = [text for text in seen if text in seen[-1] and text not in ("", "…")]
    assert len(growing) > 2, seen
    assert round_.startswith("round ")
    expect(page.locator("#speaker")).to_contain_text(round_.capitalize())
    expect(page.locator("#speaker")).to_contain_text(revision)
    card = page.locator("#sources .card", has_text=row["title"]).first
    expect(card).to_contain_text(row["uid"])
    expect(card).to_contain_text(shard.name)


def test_the_base_and_any_round_can_be_asked(page: Page) -> None:
    choose(page, "Base model")
    ask(page, "Tell me about boots from Amazon.")
    assert answered_by(page)[0] == "base"
    choose(page, "Round 1")
    ask(page, "Tell me about boots from Amazon.")
    assert answered_by(page)[0] == "round 1"


def test_a_round_promoted_meanwhile_answers_the_next_question(
    page: Page, served: Served, small_settings: Settings
) -> None:
    ask(page, "boots")
    before = answered_by(page)[0]
    with hub_of(Workplace(served.lake, small_settings)) as hub:
        ledger = read_ledger(hub)
        other = next(entry for entry in ledger.rounds if f"round {entry.manifest.round}" != before)
        roll_back(hub, ledger, other.manifest.round)
    ask(page, "boots")
    assert answered_by(page) == (f"round {other.manifest.round}", other.revision[:12])


def test_hostile_text_is_shown_and_does_nothing(page: Page) -> None:
    ask(page, _HOSTILE)
    answered_by(page)
    expect(page.locator("#chat .message.user")).to_contain_text(_HOSTILE)
    assert page.locator("img[src=x], #chat a, #chat strong, #chat .katex").count() == 0
    assert page.evaluate("window.harmed") is None


def test_a_question_that_is_no_question_is_told_so(page: Page) -> None:
    ask(page, "   ")
    expect(page.get_by_text("Type a question first.")).to_be_visible()
    assert page.locator("#chat .message").count() == 0
    ask(page, "x" * 10_000)
    expect(page.locator("#chat .message.bot")).to_contain_text("at most 2500 are read")


def test_the_page_fits_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    ask(page, "boots " + "x" * 300)
    answered_by(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    expect(page.locator("#sources .card").first).to_be_visible()


def test_a_hostile_row_is_shown_and_not_rendered() -> None:
    row = Source(uid="<b>", title=_HOSTILE, content="<script>window.harmed=1</script>", shard="shard-00000")
    html = source_cards([row])
    assert "<img" not in html and "<script" not in html and "<b>" not in html
    assert "&lt;img" in html and "&lt;script" in html and "&lt;b&gt;" in html


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_command(end: int, tmp_path: Path, published_lake: Lake, small_profile: str) -> None:
    lake = copy_lake(published_lake, tmp_path / "lake")
    process = started(lake, small_profile, tmp_path / "log")
    try:
        wait_until(lambda: len(left_running(lake)) == 3, tmp_path / "log")  # command, Hub and page
        process.send_signal(end)
        wait_until(lambda: not left_running(lake), tmp_path / "log")
        assert process.wait() == (-end if end == signal.SIGKILL else 0)
    finally:
        end_all(lake)


def test_a_page_without_a_hub_is_refused(small_profile: str, tmp_path: Path) -> None:
    assert "HF_ENDPOINT" in refused(small_profile, tmp_path)


def test_a_port_in_use_is_refused(small_profile: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(small_profile, tmp_path, HF_ENDPOINT="http://127.0.0.1:1", ROUNDHOUSE_PAGE__PORT=str(port))
    assert f"127.0.0.1:{port}" in line and "--port 0" in line


# Collects what the last answer shows each time it changes.
_WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const answers = document.querySelectorAll('#chat .message.bot');
        const text = answers.length ? answers[answers.length - 1].innerText.trim() : '';
        if (text && text !== window.seen.at(-1)) window.seen.push(text);
    }).observe(document.querySelector('#chat'), {subtree: true, childList: true, characterData: true});
}"""


def ask(page: Page, text: str) -> None:
    page.locator("#question textarea").fill(text)
    page.locator("#question textarea").press("Enter")


def answered_by(page: Page) -> tuple[str, str]:
    """Waits for the end of the newest answer: who gave it, and the first digits of the revision."""
    expect(page.locator("#question textarea")).to_have_value("")
    newest = page.locator("#chat .message.bot").last
    signature = re.compile(r"— (base|round \d+), ([0-9a-f]{12})\s*$")
    expect(newest).to_contain_text(signature, timeout=_ANSWER_MILLISECONDS)
    found = signature.search(newest.inner_text())
    return found[1], found[2]


def choose(page: Page, label: str) -> None:
    page.locator("#choice input").click()
    page.get_by_role("option", name=label).click()


def started(lake: Lake, profile: str, log: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "ui", "--port", "0"]
    with log.open("w") as output:
        return subprocess.Popen(
            [*command, "--lake", str(lake.root), "--profile", profile], stdout=output, stderr=output
        )


def refused(profile: str, lake: Path, **environment: str) -> str:
    """The one line of a page that must not start."""
    command = [sys.executable, "-m", "ui", "--lake", str(lake), "--profile", profile]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    assert done.returncode == 1
    assert done.stderr.startswith("roundhouse: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def left_running(lake: Lake) -> list[psutil.Process]:
    """The processes that name the lake in their command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(word.startswith(str(lake.root)) for word in process.info["cmdline"] or [])
    ]


def end_all(lake: Lake) -> None:
    for process in left_running(lake):
        process.kill()


def wait_until(holds: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
