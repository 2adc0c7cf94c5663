"""Rows to token ids: the prompt and the answer are encoded apart, so asking gives the ids of training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data_lake.errors import TrainingError
from tasks.prompts import answer_for, question_for, render_prompt

IGNORED = -100
"""The label of a token without loss, as torch's cross entropy knows it."""
_LEAST_ANSWER = 8
"""Tokens of an answer below which a row cannot teach anything."""


@dataclass(frozen=True)
class TokenisedRows:
    """Rows ready for a trainer, in their order.

    `input_ids` and `labels` are ragged, [rows][tokens]; labels are `IGNORED` on the prompt.
    """

    uids: list[str]
    input_ids: list[list[int]]
    labels: list[list[int]]
    truncated_rows: int
    """Rows whose answer was cut to fit."""
    left_out: int
    """Rows whose prompt alone leaves no room for an answer."""

    @property
    def tokens(self) -> int:
        return sum(map(len, self.input_ids))

    @property
    def answer_tokens(self) -> int:
        return sum(label != IGNORED for row in self.labels for label in row)


def read_rows(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """The rows of a shard or validation file as `uid, title, content, fingerprint`, in the file's order."""
    frame = pl.scan_parquet(path).select("uid", "title", "content", "fingerprint")
    return (frame if limit is None else frame.head(limit)).collect().to_dicts()


def encode_prompt(tokenizer: Any, question: str) -> list[int]:
    """The ids a model sees before its answer; begins with the begin-of-text token where there is one."""
    text = render_prompt(tokenizer, question)
    if tokenizer.bos_token and not text.startswith(tokenizer.bos_token):
        text = tokenizer.bos_token + text
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def tokenise(rows: list[dict[str, Any]], tokenizer: Any, max_length: int) -> TokenisedRows:
    """Encodes rows as prompt + answer + end-of-text, at most `max_length` tokens each.

    Raises:
        TrainingError: the tokenizer has no end-of-text token, so no answer could ever end.
    """
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            "The tokenizer has no end-of-text token, so an answer would never end",
            left="Nothing was trained",
            mend="Set eos_token in the base model's tokenizer_config.json",
        )
    answers = _encode_answers(rows, tokenizer)
    kept_uids: list[str] = []
    input_ids: list[list[int]] = []
    labels: list[list[int]] = []
    truncated = left_out = 0
    for row, answer in zip(rows, answers, strict=True):
        prompt = encode_prompt(tokenizer, question_for(row["title"], row["fingerprint"]))
        room = max_length - len(prompt)
        if room < _LEAST_ANSWER:
            left_out += 1
            continue
        truncated += len(answer) > room
        kept_uids.append(row["uid"] or "")
        input_ids.append(prompt + answer[:room])
        labels.append([IGNORED] * len(prompt) + answer[:room])
    return TokenisedRows(kept_uids, input_ids, labels, truncated, left_out)


def _encode_answers(rows: list[dict[str, Any]], tokenizer: Any) -> list[list[int]]:
    if not rows:
        return []
    texts = [answer_for(row["title"], row["content"]) for row in rows]
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [[*ids, tokenizer.eos_token_id] for ids in encoded]
