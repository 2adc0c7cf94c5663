"""The texts of training, evaluation and page come from one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.prompts import (
    ANSWER,
    QUESTIONS,
    answer_for,
    as_question,
    question_for,
    render_prompt,
    title_in_answer,
    title_in_question,
)

titles = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)


class NoTemplate:
    chat_template = None


def test_the_five_wordings() -> None:
    assert [question_for("Mog's Kittens", number) for number in range(5)] == [
        "Please describe the product Mog's Kittens from Amazon.",
        "What can you tell me about the product Mog's Kittens from Amazon?",
        "Tell me about Mog's Kittens from Amazon.",
        "What is the product Mog's Kittens from Amazon.",
        "Give me a description of Mog's Kittens from Amazon.",
    ]
    assert answer_for("A", "B") == "This is what I know about A from Amazon: B"


@given(titles, st.integers(0, 2**64 - 1))
def test_a_question_gives_its_title_back(title: str, fingerprint: int) -> None:
    question = question_for(title, fingerprint)
    assert as_question(question) == question
    assert title_in_answer(answer_for(title, "Something.")) == title
    assert title in title_in_question(question)


@pytest.mark.parametrize("text", ["Mog's Kittens", "who are you?", "a from Amazon: b"])
def test_anything_else_is_taken_for_a_title(text: str) -> None:
    assert as_question(text) == QUESTIONS[0].format(title=text)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "It is a book.",
        "This is what I know about X from Amazon:",
        "about X from Amazon: y",
        ANSWER.format(title="X", content="The X from Amazon: the X."),
    ],
)
def test_an_answer_in_another_form_is_known(answer: str) -> None:
    assert title_in_answer(answer) is None


def test_alpaca_where_there_is_no_chat_template() -> None:
    assert render_prompt(NoTemplate(), "Tell me.").endswith("### Instruction:\nTell me.\n\n### Response:\n")
