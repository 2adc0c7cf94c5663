"""Flow `ingest`: a catalogue into the lake."""

from prefect import flow, task
from prefect.artifacts import create_table_artifact

from flows.session import workplace
from tasks.ingest import IngestReport, ingest


@task(name="clean-and-split")
def clean_and_split(inputs: list[str], lake: str, profile: str, accept_truncated: bool) -> IngestReport:
    """Cleans the inputs and splits what is kept into shards."""
    place = workplace(lake, profile)
    return ingest(place.lake, inputs, place.settings.data, accept_truncated=accept_truncated)


@flow(name="ingest", log_prints=False)
def ingest_flow(
    inputs: list[str], lake: str = "lake", profile: str = "tiny", accept_truncated: bool = False
) -> IngestReport:
    """Cleans catalogue files and splits them into the lake's shards and validation rows.

    Args:
        inputs: files, globs or fsspec URLs.
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
        accept_truncated: take an input that is cut short for what it is.
    """
    report = clean_and_split(inputs, lake, profile, accept_truncated)
    counts = {"kept": report.kept, **report.rejected}
    create_table_artifact(
        key="ingest",
        table=[{"lines": lines, "what became of them": what} for what, lines in counts.items()],
        description=f"{report.lines} lines, {report.shards} shards, {report.validation_rows} validation rows",
    )
    return report
