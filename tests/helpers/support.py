"""What tests do with lakes and rounds, beside the fixtures."""

import shutil
import time
from pathlib import Path

from data_lake.layout import Lake
from data_lake.settings import Settings
from tasks.hub import Hub
from tasks.ledger import LedgerRound, read_ledger
from tasks.promote import settle_promotion
from tasks.round import plan_round, publish_result, run_round


def copy_lake(lake: Lake, target: Path) -> Lake:
    """Copies a lake whose Hub does not run."""
    wait_for_hub_to_end(lake)
    shutil.copytree(lake.root, target)
    return Lake(target)


def wait_for_hub_to_end(lake: Lake) -> None:
    """Waits until the lake's Hub has noticed that its last user is gone."""
    deadline = time.monotonic() + 30
    while (lake.hub / "address.json").exists():
        assert time.monotonic() < deadline, "the Hub outlives its users"
        time.sleep(0.1)


def train_one(lake: Lake, hub: Hub, settings: Settings) -> LedgerRound:
    """The next round with everything that belongs to it, without Prefect."""
    ledger = read_ledger(hub)
    plan = plan_round(lake, hub, ledger, settings)
    result = run_round(plan, ledger, settings)
    published = publish_result(hub, ledger, plan, result, settings)
    settle_promotion(hub, read_ledger(hub))
    return published
