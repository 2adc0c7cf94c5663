"""Flow `publish`: the lake's dataset to the Hub."""

from prefect import flow, task
from prefect.artifacts import create_link_artifact

from flows.retries import when_unavailable
from flows.session import hub_of, workplace
from tasks.publish_dataset import PublishReport, publish_dataset


@task(name="publish-dataset", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=when_unavailable)
def publish_dataset_task(lake: str, profile: str) -> PublishReport:
    """Publishes shards, validation, manifest and card in one commit."""
    place = workplace(lake, profile)
    with hub_of(place) as hub:
        return publish_dataset(place.lake, hub)


@flow(name="publish")
def publish_flow(lake: str = "lake", profile: str = "tiny") -> PublishReport:
    """Publishes the lake's dataset; what the Hub holds already is not sent again.

    Args:
        lake: the lake's folder.
        profile: name of a profile, or path of a TOML file.
    """
    with hub_of(workplace(lake, profile)) as hub:
        report = publish_dataset_task(lake, profile)
        create_link_artifact(
            key="dataset",
            link=f"{hub.endpoint}/datasets/{report.repo}/tree/{report.revision}",
            link_text=report.repo,
            description=f"{report.uploaded_files} files sent, {report.unchanged_files} unchanged",
        )
    return report
