"""The demo: the whole main job on a made-up catalogue, through the flows that the other commands run."""

import time
from typing import Any

from data_lake.rounds import Metrics
from flows.console import FIGURES, figures, note, print_table
from flows.embedded import prefect, show_runs_command
from flows.session import hub_of, workplace
from tasks.ask import Answer, ask
from tasks.sample import write_sample
from tasks.status import read_status

_SEED = 1
_QUESTIONS = 3


def run_demo(lake: str, profile: str, rows: int, rounds: int) -> dict[str, Any]:
    """Makes a catalogue, ingests and publishes it, trains rounds, and asks base and promoted model.

    Returns:
        What `status` says, `comparison` (base and promoted metrics), `answers`, `seconds`.

    Raises:
        RoundhouseError: any step's.
    """
    started = time.monotonic()
    place = workplace(lake, profile)
    with hub_of(place) as hub, prefect(place.lake):
        from flows.whole import whole_flow

        catalogue = place.lake.root / "demo" / "trn.json"
        note(f"A made-up catalogue of {rows} lines: {catalogue}")
        write_sample(catalogue, rows, _SEED)
        whole_flow([str(catalogue)], rounds, str(place.lake.root), profile)
        found = read_status(place.lake, hub)
        questions = _questions(place.lake)
        before = ask(place.lake, hub, place.settings, questions, None, base=True)
        after = ask(place.lake, hub, place.settings, questions, None, base=False) if found.promoted else []
    promoted = next((entry.metrics for entry in found.rounds if entry.round == found.promoted), None)
    return {
        "status": found.model_dump(mode="json"),
        "comparison": {"before": _plain(found.base_metrics), "after": _plain(promoted)},
        "answers": [
            {"before": one.model_dump(mode="json"), "after": two.model_dump(mode="json")}
            for one, two in zip(before, after, strict=False)
        ],
        "seconds": round(time.monotonic() - started, 1),
        "lake": str(place.lake.root),
        "runs": show_runs_command(place.lake),
    }


def show_demo(done: dict[str, Any]) -> None:
    """Prints questions, the table of before and after, and what to do next."""
    for pair in done["answers"]:
        before, after = Answer.model_validate(pair["before"]), Answer.model_validate(pair["after"])
        print_table(
            before.question, ("model", "answer"), [("base", before.answer), (f"round {after.round}", after.answer)]
        )
    rows = [(name, *figures(Metrics.model_validate(value))) for name, value in _compared(done)]
    print_table("Before and after, on rows that were not trained on", ("model", *FIGURES), rows)
    print(f"Done in {done['seconds']:.0f} s.")
    print(f"Open the page:     roundhouse ui --lake {done['lake']}")
    print(f"See Prefect's runs: {done['runs']}")


def _compared(done: dict[str, Any]) -> list[tuple[str, dict]]:
    promoted = done["status"]["promoted"]
    pairs = (("base", done["comparison"]["before"]), (f"round {promoted}", done["comparison"]["after"]))
    return [(name, value) for name, value in pairs if value]


def _questions(lake) -> list[str]:
    """Questions about validation rows, which no round has seen."""
    from data_lake.dataset import read_manifest, shard_path
    from tasks.prompts import question_for
    from tasks.tokens import read_rows

    validation = read_manifest(lake).validation[0]
    rows = read_rows(shard_path(lake, validation), _QUESTIONS)
    return [question_for(row["title"], row["fingerprint"]) for row in rows]


def _plain(metrics: Metrics | None) -> dict | None:
    return metrics.model_dump(mode="json") if metrics else None
