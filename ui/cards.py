"""What stands beside the answer, as HTML: who gave it, and the catalogue rows it should agree with."""

from html import escape
from typing import TYPE_CHECKING

from tasks.search import Source

if TYPE_CHECKING:
    from ui.service import Speaker

_DESCRIPTION = 240
_TITLE = 200


def speaker_card(speaker: "Speaker | None") -> str:
    """Round and revision of who answered last; None before the first question."""
    if speaker is None:
        return _beside("Answered by", _nothing("Ask, and round and revision stand here."))
    return _beside("Answered by", _card(speaker.name.capitalize(), {"revision": speaker.revision[:12]}))


def source_cards(sources: list[Source] | None) -> str:
    """The rows with uid and shard; None before the first question."""
    if sources is None:
        return _beside("In the catalogue", _nothing("The rows that match the question stand here."))
    if not sources:
        return _beside("In the catalogue", _nothing("No row matches the question."))
    cards = (
        _card(
            _shortened(row.title, _TITLE),
            {"uid": row.uid or "none", "shard": row.shard},
            _shortened(row.content, _DESCRIPTION),
        )
        for row in sources
    )
    return _beside("In the catalogue", "".join(cards))


def _card(title: str, facts: dict[str, str], text: str = "") -> str:
    listed = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    paragraph = f"<p>{escape(text)}</p>" if text else ""
    return f'<div class="card"><h4>{escape(title)}</h4><dl>{listed}</dl>{paragraph}</div>'


def _beside(heading: str, html: str) -> str:
    return f'<div class="beside"><h3>{escape(heading)}</h3>{html}</div>'


def _nothing(text: str) -> str:
    return f'<p class="nothing">{escape(text)}</p>'


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rstrip()}…"
