"""The texts a model sees. One function renders for training, evaluation and the page."""

import re
from typing import Protocol

PROMPT_TEMPLATE = "amazon-products-en"
PROMPT_VERSION = 1

QUESTIONS = (
    "Please describe the product {title} from Amazon.",
    "What can you tell me about the product {title} from Amazon?",
    "Tell me about {title} from Amazon.",
    "What is the product {title} from Amazon.",
    "Give me a description of {title} from Amazon.",
)
ANSWER = "This is what I know about {title} from Amazon: {content}"
_FORM = re.compile(r"This is what I know about (?P<title>.+?) from Amazon: (?P<content>.+)", re.DOTALL)
_BETWEEN = " from Amazon: "
_ASKED = tuple(
    re.compile(re.escape(question).replace(re.escape("{title}"), "(?P<title>.+)"), re.DOTALL | re.IGNORECASE)
    for question in QUESTIONS
)

# For tokenizers without a chat template (https://github.com/tatsu-lab/stanford_alpaca).
_ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{question}\n\n### Response:\n"
)


class ChatTokenizer(Protocol):
    """The part of a transformers tokenizer that rendering needs."""

    chat_template: str | None

    def apply_chat_template(self, conversation: list[dict], **options: object) -> str: ...


def question_for(title: str, fingerprint: int) -> str:
    """The question about a row: one of five wordings, chosen by the row's fingerprint."""
    return QUESTIONS[fingerprint % len(QUESTIONS)].format(title=title)


def answer_for(title: str, content: str) -> str:
    """The answer a row teaches."""
    return ANSWER.format(title=title, content=content)


def render_prompt(tokenizer: ChatTokenizer, question: str) -> str:
    """The text before the answer: the tokenizer's chat template, or Alpaca's where it has none."""
    if not tokenizer.chat_template:
        return _ALPACA.format(question=question)
    conversation = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)


def title_in_answer(answer: str) -> str | None:
    """The title an answer in the expected form speaks of, or None for an answer in another form.

    An answer that begins anew in its middle is in another form.
    """
    match = _FORM.fullmatch(answer.strip())
    return match["title"] if match and answer.count(_BETWEEN) == 1 else None


def title_in_question(question: str) -> str:
    """The title somebody asks about: what stands in one of the five wordings, or else the whole text."""
    matches = (pattern.fullmatch(question.strip()) for pattern in _ASKED)
    return next((match["title"] for match in matches if match), question)


def as_question(text: str) -> str:
    """What is asked of the model: one of the five wordings as it is, anything else as a title."""
    asked = any(pattern.fullmatch(text.strip()) for pattern in _ASKED)
    return text.strip() if asked else QUESTIONS[0].format(title=text.strip())
