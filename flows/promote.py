"""Flow `promote`: settles which round answers, or moves back to an earlier one."""

from prefect import flow, task

from data_lake.rounds import Promotion
from flows.retries import when_unavailable
from flows.session import hub_of, workplace
from tasks.ledger import mend_tags, read_ledger
from tasks.promote import roll_back, settle_promotion


@task(name="settle-promotion", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=when_unavailable)
def settle(lake: str, profile: str) -> Promotion | None:
    """Promotes the newest round where its decision says so; also mends what a crash left open."""
    with hub_of(workplace(lake, profile)) as hub:
        ledger = read_ledger(hub)
        mend_tags(hub, ledger)
        return settle_promotion(hub, ledger)


@task(name="roll-back")
def move_back(lake: str, profile: str, to: int) -> Promotion:
    """Makes an earlier round the promoted one."""
    with hub_of(workplace(lake, profile)) as hub:
        return roll_back(hub, read_ledger(hub), to)


@flow(name="promote")
def promote_flow(lake: str = "lake", profile: str = "tiny", to: int | None = None) -> Promotion | None:
    """Settles the promotion by the rule, or makes a given round the promoted one.

    Args:
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
        to: a round's number; None for the rule.
    """
    return settle(lake, profile) if to is None else move_back(lake, profile, to)
