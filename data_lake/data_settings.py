"""The settings of the data plane: how a catalogue is read, cleaned and split."""

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_TRAILERS = {
    "--This text refers to ": r".{1,80}edition(?: of this title)?\.?",
    "Copyright ": (
        r"(?:©|\(c\)|\d{4})? ?(?:(?:Reed|Cahners) Business Information,? "
        r"(?:Inc\.?|a division of Reed Elsevier,? Inc\.?(?: All rights reserved\.?)?)"
        r"|American Library Association\.?(?: All rights reserved\.?)?)"
    ),
}


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldNames(_Settings):
    """What the three fields are called in the catalogue."""

    title: str = Field("title", min_length=1)
    """The product's name."""
    content: str = Field("content", min_length=1)
    """The product's description."""
    uid: str = Field("uid", min_length=1)
    """The product's identifier, text or a whole number; it may be missing."""

    @model_validator(mode="after")
    def _fields_differ(self) -> "FieldNames":
        if len({self.title, self.content, self.uid}) < 3:
            raise ValueError("title, content and uid must be three different fields")
        return self


class Rules(_Settings):
    """Which rows are rejected, each rule under the name its rejects carry.

    Lines that cannot be rows at all (`invalid_utf8`, `bad_json`, `not_an_object`, `not_text`) and rows that
    an earlier delivery already holds (`already_kept`) are rejected always.
    """

    empty_title: bool = True
    """Reject a row whose title is missing, or empty after cleaning."""
    empty_content: bool = True
    """Reject a row whose content is missing, or empty after cleaning."""
    content_equals_title: bool = True
    """Reject a row whose content says only its title, case aside."""
    too_short: bool = True
    """Reject a row whose content has fewer than `min_words` words."""
    min_words: int = Field(2, ge=1)
    """Words (separated by spaces) that a content must have; 1 for languages written without spaces."""
    too_long: bool = True
    """Reject a row with more than `max_title` or `max_content` characters."""
    max_title: int = Field(2_000, ge=1)
    """Characters of a title, after cleaning."""
    max_content: int = Field(20_000, ge=1)
    """Characters of a content, after cleaning."""
    duplicate: bool = True
    """Of rows with equal title and content keep the one with the smallest uid."""
    repeated_content: bool = True
    """Reject a content's rows beyond the first `max_copies` titles."""
    max_copies: int = Field(10, ge=1)
    """Rows that may share one content (equal fingerprint) under different titles."""


class DataSettings(_Settings):
    """How a catalogue becomes a dataset."""

    shards: int = Field(70, ge=1, le=99_999)
    """Shards of the first delivery; later ones make shards of the same size."""
    validation_percent: float = Field(1.0, ge=0, le=50)
    """Per cent of the contents that are held out for validation, in steps of 0.01."""
    fields: FieldNames = FieldNames()
    """The catalogue's field names."""
    rules: Rules = Rules()
    """Which rows are rejected."""
    trailers: dict[str, str] = DEFAULT_TRAILERS
    """Endings cut off a content: its first words → regular expression of all that may follow them (200 characters)."""
    max_line_mb: int = Field(16, ge=1, le=512)
    """MiB of one line; a longer one is rejected as `too_long` without being parsed."""
    chunk_mb: int = Field(32, ge=1, le=1024)
    """MiB of input cleaned in one piece, about a fifth of a worker's memory. The result does not depend on it."""
    workers: int = Field(0, ge=0)
    """Processes; 0 for as many as there are cores. The result does not depend on it."""

    @field_validator("trailers")
    @classmethod
    def _trailers_compile(cls, trailers: dict[str, str]) -> dict[str, str]:
        for start, rest in trailers.items():
            if not start:
                raise ValueError("a trailer needs its first words")
            try:
                re.compile(rest)
            except re.error as error:
                raise ValueError(f"trailer {start!r}: {rest!r} is not a regular expression: {error}") from None
        return trailers

    def cleaning_options(self) -> dict:
        """What decides the result, as plain JSON values: all but the number of workers and the size of chunks."""
        return self.model_dump(mode="json", exclude={"workers", "chunk_mb"})
