"""The command line: `roundhouse`. Commands that only read do not start Prefect; those that work run its flows."""

import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from data_lake.errors import InputError, SettingsError
from data_lake.settings import DEFAULT_PROFILE
from flows import show
from flows.console import note, print_table, report

app = typer.Typer(
    name="roundhouse",
    help="A product catalogue into a dataset, a chain of adapters, and a page that answers.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

LakeFolder = Annotated[str, typer.Option("--lake", envvar="ROUNDHOUSE_LAKE", help="Folder of the lake.")]
Profile = Annotated[
    str, typer.Option("--profile", envvar="ROUNDHOUSE_PROFILE", help="A profile's name, or a TOML file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="Where to write; .gz packs it.")],
    rows: Annotated[int, typer.Option(help="Lines to write.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Writes a made-up catalogue in trn.json's format, with its dirt."""
    from tasks.sample import write_sample

    def work():
        if rows < 1:
            raise SettingsError(
                f"{rows} rows cannot be written", left="Nothing was written", mend="Use --rows 1 or more"
            )
        return write_sample(file, rows, seed)

    report(work, lambda done: typer.echo(f"{done.path}: {done.rows} lines, {done.bytes} bytes"), as_json=as_json)


@app.command()
def ingest(
    files: Annotated[list[str], typer.Argument(help="Files, globs or URLs: JSON lines, plain, .gz, .zst or .zip.")],
    shards: Annotated[int | None, typer.Option(help="Shards of the first delivery.")] = None,
    accept_truncated: Annotated[bool, typer.Option(help="Take a file that is cut short for what it is.")] = False,
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Cleans a catalogue and splits it into the lake."""

    def work():
        if shards is not None:
            os.environ["ROUNDHOUSE_DATA__SHARDS"] = str(shards)
        from flows.embedded import prefect
        from flows.session import workplace

        place = workplace(lake, profile)
        with prefect(place.lake):
            from flows.ingest import ingest_flow

            return ingest_flow(files, str(place.lake.root), profile, accept_truncated)

    report(work, show.ingest, as_json=as_json)


@app.command()
def publish(lake: LakeFolder = "lake", profile: Profile = DEFAULT_PROFILE, as_json: AsJson = False) -> None:
    """Publishes the lake's dataset to the Hub, in one commit."""

    def work():
        from data_lake.dataset import read_manifest
        from flows.embedded import prefect
        from flows.session import hub_of, workplace

        place = workplace(lake, profile)
        read_manifest(place.lake)  # said before Hub and Prefect are started in vain
        with hub_of(place), prefect(place.lake):
            from flows.publish import publish_flow

            return publish_flow(str(place.lake.root), profile)

    report(
        work,
        lambda done: typer.echo(
            f"{done.repo} at {done.revision[:12]}: {done.uploaded_files} files sent "
            f"({done.uploaded_bytes} bytes), {done.unchanged_files} unchanged"
        ),
        as_json=as_json,
    )


@app.command()
def train(
    rounds: Annotated[int, typer.Option(help="How many rounds.")] = 1,
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Trains the next rounds, evaluates each and promotes it or not."""

    def work():
        from flows.embedded import prefect
        from flows.session import hub_of, workplace
        from tasks.ledger import check_rounds

        place = workplace(lake, profile)
        with hub_of(place) as connected:
            check_rounds(connected, rounds)
            with prefect(place.lake):
                from flows.train_rounds import train_rounds_flow

                return {"rounds": train_rounds_flow(rounds, str(place.lake.root), profile)}

    report(work, lambda done: show.trained(done["rounds"]), as_json=as_json)


@app.command()
def rollback(
    to: Annotated[int, typer.Option(help="The round that is to answer.")],
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Makes an earlier round the promoted one, with a new commit on main."""

    def work():
        from flows.embedded import prefect
        from flows.session import hub_of, workplace

        place = workplace(lake, profile)
        with hub_of(place), prefect(place.lake):
            from flows.promote import promote_flow

            moved = promote_flow(str(place.lake.root), profile, to)
            return {"promoted": to, "revision": moved.revision if moved else None}

    report(work, lambda done: typer.echo(f"Round {done['promoted']} answers"), as_json=as_json)


@app.command()
def status(lake: LakeFolder = "lake", profile: Profile = DEFAULT_PROFILE, as_json: AsJson = False) -> None:
    """Shows dataset, rounds, and the promoted round."""

    def work():
        from flows.session import hub_of, workplace
        from tasks.status import read_status

        place = workplace(lake, profile)
        with hub_of(place) as hub:
            return read_status(place.lake, hub)

    report(work, show.status, as_json=as_json)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question, or a product's title.")],
    round_number: Annotated[int | None, typer.Option("--round", help="Ask this round, not the promoted one.")] = None,
    base: Annotated[bool, typer.Option("--base", help="Ask the base model.")] = False,
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Asks the promoted round, another round, or the base model."""

    def work():
        from flows.session import hub_of, workplace
        from tasks.ask import ask as ask_model

        if base and round_number is not None:
            raise SettingsError(
                "--base and --round cannot both be asked", left="Nothing was started", mend="Use one of them"
            )
        if not question.strip():
            raise InputError("The question is empty", left="Nothing was started", mend='Run roundhouse ask "TITLE"')
        place = workplace(lake, profile)
        with hub_of(place) as hub:
            return ask_model(place.lake, hub, place.settings, [question], round_number, base)[0]

    report(work, show.answer, as_json=as_json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="Over the views rows, rejects, shards, deliveries.")],
    lake: LakeFolder = "lake",
    as_json: AsJson = False,
) -> None:
    """Runs DuckDB over the lake's views."""

    def work():
        from data_lake.layout import Lake
        from tasks.query import run_query

        return run_query(Lake(Path(lake).absolute()), query)

    report(work, lambda done: print_table("", done["columns"], done["rows"]), as_json=as_json)


@app.command()
def demo(
    rows: Annotated[int, typer.Option(help="Lines of the made-up catalogue.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="Rounds to train.")] = 3,
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Runs the whole main job on a made-up catalogue."""
    from flows.demo import run_demo, show_demo

    report(lambda: run_demo(lake, profile, rows, rounds), show_demo, as_json=as_json)


@app.command()
def hub(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    lake: LakeFolder = "lake",
    as_json: AsJson = False,
) -> None:
    """Keeps the lake's Hub up until Ctrl-C."""

    def work():
        from data_lake.layout import Lake
        from flows.local_hub import local_hub

        place = Lake(Path(lake).expanduser().absolute())
        with local_hub(place, host, port) as address:
            note(f"The Hub listens at {address.endpoint}. In another terminal:")
            note(f"  export HF_ENDPOINT={address.endpoint} HF_HUB_DISABLE_XET=1 HF_TOKEN=$(cat {place.hub}/token)")
            return _until_interrupted({"endpoint": address.endpoint})

    report(work, lambda done: None, as_json=as_json)


@app.command()
def ui(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    lake: LakeFolder = "lake",
    profile: Profile = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Opens the page until Ctrl-C."""
    from flows.page import keep_page

    report(lambda: keep_page(lake, profile, port), lambda done: None, as_json=as_json)


def main() -> None:
    """The entry point."""
    app()


def _until_interrupted(result: dict) -> dict:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        note("The Hub ends with its last user.")
    return result
