"""What a model does on rows no round was trained on: loss, perplexity, and the answers it gives."""

import hashlib
import math
from pathlib import Path

from tasks.model import LoadedModel, answering  # Unsloth has to be imported before transformers.

import sacrebleu
import torch
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from data_lake.files import sha256_of
from data_lake.rounds import Metrics
from data_lake.settings import Settings
from tasks.generate import generate_batch
from tasks.prompts import answer_for, question_for, title_in_answer
from tasks.tokens import IGNORED, read_rows, tokenise


def evaluate(loaded: LoadedModel, adapter_name: str | None, validation: Path, settings: Settings) -> Metrics:
    """Measures a model on the first rows of the validation file (its order is by hash: a random sample).

    Args:
        loaded: a model with or without adapters.
        adapter_name: the adapter to measure, or None for the bare base.
        validation: Parquet file of rows that are in no training shard.
        settings: `evaluation`, `generation` and `model` are used.
    """
    rows = read_rows(validation, settings.evaluation.rows)
    asked = rows[: settings.evaluation.prompts]
    with answering(loaded, adapter_name) as model:
        model.eval()
        loss = _mean_loss(model, loaded, rows, settings)
        answers = _answers(model, loaded, asked, settings)
    titles = [title_in_answer(answer) for answer in answers]
    references = [answer_for(row["title"], row["content"]) for row in asked]
    return Metrics(
        validation_loss=loss,
        validation_perplexity=math.exp(min(loss, 700.0)),
        form_share=sum(title is not None for title in titles) / len(asked),
        title_share=sum(title == row["title"] for title, row in zip(titles, asked, strict=True)) / len(asked),
        chrf=sacrebleu.corpus_chrf(answers, [references]).score,
        rows=len(rows),
        prompts=len(asked),
        measured_with=measured_with(validation, settings),
    )


def measured_with(validation: Path, settings: Settings) -> str:
    """A hash of the rows and settings of an evaluation: figures with different hashes are not compared."""
    parts = [settings.evaluation.model_dump_json(), settings.generation.model_dump_json(), sha256_of(validation)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@torch.inference_mode()
def _mean_loss(model, loaded: LoadedModel, rows: list[dict], settings: Settings) -> float:
    """Mean negative log likelihood of an answer token over all rows, in nats."""
    tokenised = tokenise(rows, loaded.tokenizer, settings.model.max_sequence_length)
    size = settings.evaluation.batch_size
    total, tokens = 0.0, 0
    for start in tqdm(range(0, len(tokenised.input_ids), size), "validation loss", unit="batch", disable=None):
        ids = [torch.tensor(row) for row in tokenised.input_ids[start : start + size]]
        labels = [torch.tensor(row) for row in tokenised.labels[start : start + size]]
        batch = {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=loaded.tokenizer.pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
            "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
        }
        counted = int((batch["labels"][:, 1:] != IGNORED).sum())
        loss = model(**{key: value.to(model.device) for key, value in batch.items()}).loss
        total, tokens = total + float(loss) * counted, tokens + counted
    return total / max(tokens, 1)


def _answers(model, loaded: LoadedModel, rows: list[dict], settings: Settings) -> list[str]:
    questions = [question_for(row["title"], row["fingerprint"]) for row in rows]
    size = settings.evaluation.batch_size
    answers: list[str] = []
    for start in tqdm(range(0, len(questions), size), "answers", unit="batch", disable=None):
        answers += generate_batch(model, loaded.tokenizer, questions[start : start + size], settings.generation)
    return answers
