"""Flow `roundhouse`: the whole job, from a catalogue to a promoted round."""

from prefect import flow

from flows.ingest import ingest_flow
from flows.publish import publish_flow
from flows.session import hub_of, workplace
from flows.train_rounds import RoundReport, train_rounds_flow


@flow(name="roundhouse")
def whole_flow(inputs: list[str], rounds: int = 1, lake: str = "lake", profile: str = "tiny") -> list[RoundReport]:
    """Ingests a catalogue, publishes the dataset, and trains rounds on it.

    Args:
        inputs: files, globs or fsspec URLs.
        rounds: how many rounds to train.
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
    """
    with hub_of(workplace(lake, profile)):
        ingest_flow(inputs, lake, profile)
        publish_flow(lake, profile)
        return train_rounds_flow(rounds, lake, profile)
