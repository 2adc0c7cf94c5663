"""What the page asks for: rounds, streamed answers, matching rows. One model in memory, one question at a time."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from data_lake.errors import InputError, LakeError
from data_lake.layout import Lake
from data_lake.settings import Settings
from tasks.ask import choose_round
from tasks.generate import Answerer
from tasks.hub import MODEL, Hub
from tasks.ledger import read_ledger
from tasks.publish_base import provide_base
from tasks.search import Source, open_catalogue

PROMOTED, BASE = "promoted", "base"
LONGEST_QUESTION = 2500
"""Characters: the longest titles have 1,999, and what no round was trained on needs no answer."""


@dataclass(frozen=True)
class Speaker:
    """Who answers."""

    name: str
    """`base`, or `round K`."""
    round: int | None
    revision: str


class Service:
    """The page's side of lake and Hub. What is promoted and published is looked up anew for every question."""

    def __init__(self, lake: Lake, hub: Hub, settings: Settings) -> None:
        self._lake, self._hub = lake, hub
        base = provide_base(lake, hub, settings.model)
        self._base = Speaker(BASE, None, base.reference.revision)
        self._answerer = Answerer(base.folder, settings)
        self._one_at_a_time = threading.Lock()
        self.sources("")  # an index that is missing is built now, not while somebody waits for an answer

    def choices(self) -> list[tuple[str, str]]:
        """Who can be asked, as (label, choice): the promoted round, the base, and every round, newest first."""
        numbers = [entry.manifest.round for entry in reversed(read_ledger(self._hub).rounds)]
        return [
            ("Promoted round", PROMOTED),
            ("Base model", BASE),
            *((f"Round {number}", f"round {number}") for number in numbers),
        ]

    def answer(self, question: str, choice: str) -> Iterator[tuple[str, Speaker]]:
        """Yields the answer as it grows, and who gives it; the first text is empty.

        Args:
            question: a question, or a product's title.
            choice: one of `choices()`. A newly promoted round answers the next question without a restart.

        Raises:
            InputError: the question is too long.
            HubError: no such round, none is promoted, or the Hub is unreachable.
        """
        if len(question) > LONGEST_QUESTION:
            raise InputError(
                f"The question has {len(question)} characters and at most {LONGEST_QUESTION} are read",
                left="Nothing was asked",
                mend="Ask with a product's title",
            )
        with self._one_at_a_time:
            speaker = self._speaker(choice)
            yield "", speaker
            text = ""
            pieces = self._answerer.stream(question, speaker.round)
            try:
                for piece in pieces:
                    text += piece
                    yield text.strip(), speaker
            finally:
                # Somebody who leaves in mid-answer leaves a model that generates; the next question must not meet it.
                for _ in pieces:
                    pass

    def sources(self, question: str) -> list[Source]:
        """The catalogue rows that match; none where the lake holds no dataset."""
        try:
            return open_catalogue(self._lake).search(question)
        except LakeError:
            return []

    def _speaker(self, choice: str) -> Speaker:
        if choice == BASE:
            return self._base
        number = None if choice == PROMOTED else int(choice.removeprefix("round "))
        chosen = choose_round(read_ledger(self._hub), number)
        folder = self._hub.folder(self._hub.adapter_repo, MODEL, chosen.revision)
        self._answerer.put_on(chosen.manifest.round, folder)
        return Speaker(f"round {chosen.manifest.round}", chosen.manifest.round, chosen.revision)
