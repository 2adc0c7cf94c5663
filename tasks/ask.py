"""A question answered by the base, by a round, or by the promoted round."""

from pydantic import BaseModel

from data_lake.errors import HubError
from data_lake.layout import Lake
from data_lake.settings import Settings
from tasks.hub import MODEL, Hub
from tasks.ledger import Ledger, LedgerRound, read_ledger
from tasks.publish_base import provide_base
from tasks.search import Source


class Answer(BaseModel):
    """An answer, who gave it, and the catalogue rows it should agree with."""

    question: str
    answer: str
    round: int | None
    """None for the base model."""
    revision: str
    """Commit of the round, or of the base."""
    sources: list[Source]


def choose_round(ledger: Ledger, number: int | None) -> LedgerRound:
    """The asked round, or the promoted one.

    Raises:
        HubError: there is no such round, or none is promoted yet.
    """
    if number is not None:
        return ledger.round(number)
    if ledger.promoted is None:
        raise HubError(
            "No round is promoted yet",
            left="Nothing was changed",
            mend="Run roundhouse train, or ask the base model with --base",
        )
    return ledger.promoted


def ask(lake: Lake, hub: Hub, settings: Settings, questions: list[str], number: int | None, base: bool) -> list[Answer]:
    """Answers questions with one model.

    Args:
        number: the round to ask; None for the promoted one.
        base: ask the bare base model instead.

    Raises:
        HubError: no such round.
        LakeError: no dataset to look sources up in.
    """
    chosen = None if base else choose_round(read_ledger(hub), number)
    # Imported here: a question that cannot be answered must not wait for torch.
    from tasks.generate import Answerer
    from tasks.search import open_catalogue

    catalogue = open_catalogue(lake)
    found = provide_base(lake, hub, settings.model)
    answerer = Answerer(found.folder, settings)
    asked = chosen.manifest.round if chosen else None
    if chosen:
        answerer.put_on(chosen.manifest.round, hub.folder(hub.adapter_repo, MODEL, chosen.revision))
    return [
        Answer(
            question=question,
            answer=answerer.answer(question, asked),
            round=asked,
            revision=chosen.revision if chosen else found.reference.revision,
            sources=catalogue.search(question),
        )
        for question in questions
    ]
