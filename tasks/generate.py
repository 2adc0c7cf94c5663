"""Answers: the prompt of training, and what the model puts behind it."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

from tasks.model import LoadedModel, answering, load_for_answers, put_on_adapter  # Unsloth comes first.

import torch
from transformers import TextIteratorStreamer

from data_lake.rounds import round_name
from data_lake.settings import GenerationSettings, Settings
from tasks.prompts import as_question
from tasks.tokens import encode_prompt


class Answerer:
    """A base model in memory that answers as itself or as any round; not to be used by two threads at once."""

    def __init__(self, base: Path, settings: Settings) -> None:
        self.settings = settings
        self.loaded: LoadedModel = load_for_answers(base, settings.model)

    def put_on(self, round_number: int, adapter: Path) -> None:
        """Makes a round's adapter, a folder, available; one already there is not loaded again."""
        put_on_adapter(self.loaded, adapter, round_name(round_number))

    def stream(self, text: str, round_number: int | None) -> Iterator[str]:
        """Yields the answer piece by piece.

        Args:
            text: a question in one of the five wordings, or a product's title.
            round_number: a round that was `put_on`, or None for the bare base.
        """
        name = None if round_number is None else round_name(round_number)
        prompt = torch.tensor([encode_prompt(self.loaded.tokenizer, as_question(text))])
        streamer = TextIteratorStreamer(self.loaded.tokenizer, skip_prompt=True, skip_special_tokens=True)
        failure: list[BaseException] = []

        def generate() -> None:
            try:
                _generate(model, self.loaded.tokenizer, prompt, self.settings.generation, streamer=streamer)
            except BaseException as error:  # handed to the reader of the stream, who would wait for ever
                failure.append(error)
                streamer.end()

        with answering(self.loaded, name) as model:
            thread = Thread(target=generate, daemon=True)
            thread.start()
            try:
                yield from streamer
            finally:
                thread.join()  # a reader who leaves must not leave the model answering beside the next question
        if failure:
            raise failure[0]

    def answer(self, text: str, round_number: int | None) -> str:
        """The whole answer at once."""
        return "".join(self.stream(text, round_number)).strip()


def generate_batch(model: Any, tokenizer: Any, questions: list[str], settings: GenerationSettings) -> list[str]:
    """Answers to several questions, generated together; prompts are padded on the left."""
    prompts = [encode_prompt(tokenizer, question) for question in questions]
    width = max(map(len, prompts))
    ids = torch.tensor([[tokenizer.pad_token_id] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    output = _generate(model, tokenizer, ids, settings, attention_mask=mask.to(model.device))
    return [text.strip() for text in tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)]


@torch.inference_mode()
def _generate(
    model: Any, tokenizer: Any, ids: torch.Tensor, settings: GenerationSettings, **options: Any
) -> torch.Tensor:
    sampling = (
        {"temperature": settings.temperature, "do_sample": True} if settings.temperature else {"do_sample": False}
    )
    options.setdefault("attention_mask", torch.ones_like(ids).to(model.device))
    return model.generate(
        input_ids=ids.to(model.device),
        max_new_tokens=settings.max_new_tokens,
        repetition_penalty=settings.repetition_penalty,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **sampling,
        **options,
    )
