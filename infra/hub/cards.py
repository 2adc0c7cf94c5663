"""The YAML block at the top of a README.md."""

import json
import re
from typing import Any

import yaml

MAX_CARD = 2 * 2**20  # characters; longer cards are served as files but not read
MAX_METADATA = 1_000_000  # characters of JSON, far above any real card: a few lines of YAML aliases can mean gigabytes
_BLOCK = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_ENCODER = json.JSONEncoder(default=str, skipkeys=True, ensure_ascii=False)


class CardError(ValueError):
    """The block is not YAML, or not a mapping of what JSON can hold."""


def read_metadata(card: str) -> dict[str, Any]:
    """The block as JSON-compatible values (dates become text), empty if the card has none; raises CardError."""
    block = _BLOCK.match(card)
    if block is None:
        return {}
    try:
        metadata = _as_json(yaml.safe_load(block[1]))
    except CardError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise CardError(f"Invalid YAML metadata: {(str(error) or 'unreadable').splitlines()[0]}") from None
    if metadata is not None and not isinstance(metadata, dict):
        raise CardError("The YAML metadata is not a mapping")
    return metadata or {}


def _as_json(value: Any) -> Any:
    pieces: list[str] = []
    length = 0
    for piece in _ENCODER.iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_METADATA:
            raise CardError(f"The YAML metadata is longer than {MAX_METADATA} characters")
    text = "".join(pieces).encode("utf-8", "replace").decode()
    return json.loads(text, parse_constant=str)
