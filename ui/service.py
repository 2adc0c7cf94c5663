"""What the page asks for: rounds, streamed answers, matching rows. One model in memory, one question at a time."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from data_lake.errors import LakeError, RoundhouseError
from data_lake.layout import Lake
from data_lake.settings import Settings
from tasks.ask import choose_round
from tasks.generate import Answerer
from tasks.hub import MODEL, Hub
from tasks.ledger import Ledger, read_ledger
from tasks.publish_base import provide_base
from tasks.search import Catalogue, Source, open_catalogue

PROMOTED, BASE = "promoted", "base"


@dataclass(frozen=True)
class Speaker:
    """Who answers."""

    name: str
    """`base`, or `round K`."""
    round: int | None
    revision: str


class Service:
    """The page's side of lake and Hub. The ledger is read anew for every question."""

    def __init__(self, lake: Lake, hub: Hub, settings: Settings) -> None:
        self._hub = hub
        base = provide_base(lake, hub, settings.model)
        self._base_revision = base.reference.revision
        self._answerer = Answerer(base.folder, settings)
        self._catalogue = _catalogue(lake)
        self._one_at_a_time = threading.Lock()

    def choices(self) -> list[str]:
        """What can be chosen: the promoted round, the base, and every round, newest first."""
        rounds = [f"round {entry.manifest.round}" for entry in reversed(self.ledger().rounds)]
        return [PROMOTED, BASE, *rounds]

    def ledger(self) -> Ledger:
        """The Hub's history as it is now."""
        return read_ledger(self._hub)

    def answer(self, question: str, choice: str) -> Iterator[tuple[str, Speaker]]:
        """Yields the answer as it grows, and who gives it.

        A newly promoted round answers the next question without a restart.

        Raises:
            RoundhouseError: no such round, or the Hub is unreachable.
        """
        speaker = self._speaker(choice)
        with self._one_at_a_time:
            text = ""
            for piece in self._answerer.stream(question, speaker.round):
                text += piece
                yield text, speaker

    def sources(self, question: str) -> list[Source]:
        """The catalogue rows that match; none where the lake holds no dataset."""
        return self._catalogue.search(question) if self._catalogue else []

    def _speaker(self, choice: str) -> Speaker:
        if choice == BASE:
            return Speaker(BASE, None, self._base_revision)
        number = None if choice == PROMOTED else int(choice.removeprefix("round "))
        chosen = choose_round(self.ledger(), number)
        with self._one_at_a_time:
            folder = self._hub.folder(self._hub.adapter_repo, MODEL, chosen.revision)
            self._answerer.put_on(chosen.manifest.round, folder)
        return Speaker(f"round {chosen.manifest.round}", chosen.manifest.round, chosen.revision)


def _catalogue(lake: Lake) -> Catalogue | None:
    try:
        return open_catalogue(lake)
    except LakeError:
        return None


__all__ = ["BASE", "PROMOTED", "RoundhouseError", "Service", "Speaker"]
