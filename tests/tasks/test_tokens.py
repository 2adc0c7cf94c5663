"""Rows to token ids, with the real tokenizer of the small base."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from data_lake.errors import TrainingError
from tasks.prompts import answer_for, question_for
from tasks.tokens import IGNORED, encode_prompt, tokenise


@pytest.fixture
def tokenizer(small_base: Path):
    return AutoTokenizer.from_pretrained(small_base)


def row(title: str, content: str, fingerprint: int = 3) -> dict:
    return {"uid": "1", "title": title, "content": content, "fingerprint": fingerprint}


def test_the_loss_is_on_the_answer_only(tokenizer) -> None:
    tokenised = tokenise([row("Red Chair", "A chair of steel.")], tokenizer, 200)
    prompt = encode_prompt(tokenizer, question_for("Red Chair", 3))
    ids, labels = tokenised.input_ids[0], tokenised.labels[0]
    assert ids[: len(prompt)] == prompt
    assert set(labels[: len(prompt)]) == {IGNORED}
    assert labels[len(prompt) :] == ids[len(prompt) :]
    assert tokenizer.decode(ids[len(prompt) : -1]) == answer_for("Red Chair", "A chair of steel.")
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenised.answer_tokens == len(ids) - len(prompt)


def test_a_long_answer_is_cut_and_counted(tokenizer) -> None:
    tokenised = tokenise([row("Chair", "very long " * 200), row("Chair", "short")], tokenizer, 100)
    assert (tokenised.truncated_rows, tokenised.left_out) == (1, 0)
    assert len(tokenised.input_ids[0]) == 100
    assert tokenised.input_ids[0][-1] != tokenizer.eos_token_id


def test_a_row_whose_title_fills_the_context_is_counted_and_not_lost_in_silence(tokenizer) -> None:
    tokenised = tokenise([row("chair " * 300, "words"), row("Chair", "words")], tokenizer, 100)
    assert (len(tokenised.input_ids), tokenised.left_out) == (1, 1)


def test_a_tokenizer_without_end_of_text_is_refused(tokenizer) -> None:
    tokenizer.eos_token = None
    with pytest.raises(TrainingError, match="no end-of-text token"):
        tokenise([row("Chair", "words")], tokenizer, 100)
