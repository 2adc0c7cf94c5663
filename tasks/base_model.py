"""The `tiny` base model: a small Llama and its tokenizer, built and pre-trained here on made-up English.

It exists so that the whole job runs where there is neither network nor GPU. It is a real Llama in the
real file layout: everything that loads it would load TinyLlama.
"""

import hashlib
import itertools
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from data_lake.files import sha256_of
from tasks.base_corpus import documents

_END, _PAD, _USER, _ASSISTANT = "<|end|>", "<|pad|>", "<|user|>", "<|assistant|>"
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}"
    "{% if message.role == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_IGNORED = -100


@dataclass(frozen=True)
class BaseRecipe:
    """Size and pre-training of the base; the defaults take about a minute on 2 cores."""

    vocabulary: int = 1536
    hidden: int = 128
    layers: int = 3
    heads: int = 4
    intermediate: int = 256
    steps: int = 1000
    batch: int = 8
    sequence: int = 128
    """Tokens of one training sequence."""
    learning_rate: float = 5e-3
    rope_theta: float = 500.0
    """Lower than Llama's 10,000: at this size carrying a name over is then learned within 1,000 steps
    instead of not at all (docs/experiments.md)."""
    documents: int = 60_000
    seed: int = 1


def build_base(folder: Path, recipe: BaseRecipe | None = None) -> str:
    """Builds the base model in `folder` unless it is there, and returns its hash (see `weights_sha256`).

    It runs in a process of its own: Unsloth wants to be imported before transformers, and would
    otherwise train this model with its own kernels.
    """
    if not (folder / "config.json").is_file():
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
            executor.submit(_build, partial, recipe or BaseRecipe()).result()
        partial.rename(folder)
    return weights_sha256(folder)


def weights_sha256(folder: Path) -> str:
    """The identity of a base model: sha256 over `name sha256` lines of its weight files.

    Raises:
        FileNotFoundError: the folder holds no safetensors file.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no .safetensors file in {folder}")
    lines = [f"{file.name} {sha256_of(file)}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _build(folder: Path, recipe: BaseRecipe) -> None:
    texts = list(itertools.islice(documents(recipe.seed), recipe.documents))
    tokenizer = _tokenizer(texts[:8000], recipe)
    input_ids, labels = _sequences(texts, tokenizer, recipe)
    model = _pre_train(input_ids, labels, tokenizer, recipe)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _tokenizer(texts, recipe: BaseRecipe):
    """A byte-level BPE tokenizer: no text is outside its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[_END, _PAD, _USER, _ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([part for document in texts for part in document if part], trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD, model_max_length=1024)
    wrapped.chat_template = _CHAT_TEMPLATE
    return wrapped


def _sequences(texts, tokenizer, recipe: BaseRecipe) -> tuple[list[list[int]], list[list[int]]]:
    """All documents in one row, cut into sequences: ids and labels, [sequences][tokens].

    Questions have no loss: an invented name cannot be foreseen, only repeated.
    """
    ids: list[int] = []
    labels: list[int] = []
    end = tokenizer.eos_token_id
    for text, reply in texts:
        if reply is None:
            document = [*tokenizer(text)["input_ids"], end]
            ids += document
            labels += document
        else:
            question = tokenizer(f"{_USER}{text}{_ASSISTANT}")["input_ids"]
            answer = [*tokenizer(reply)["input_ids"], end]
            ids += question + answer
            labels += [_IGNORED] * len(question) + answer
    length, wanted = recipe.sequence, recipe.steps * recipe.batch
    starts = range(0, min(len(ids) // length, wanted) * length, length)
    return [ids[start : start + length] for start in starts], [labels[start : start + length] for start in starts]


def _pre_train(input_ids, labels, tokenizer, recipe: BaseRecipe):
    """Trains a new Llama for `recipe.steps` steps with warm-up and linear decay."""
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM, PrinterCallback, Trainer, TrainingArguments, set_seed

    set_seed(recipe.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=recipe.vocabulary,
            hidden_size=recipe.hidden,
            intermediate_size=recipe.intermediate,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            max_position_embeddings=1024,
            rope_parameters={"rope_type": "default", "rope_theta": recipe.rope_theta},
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    arguments = TrainingArguments(
        output_dir="unused",
        per_device_train_batch_size=recipe.batch,
        max_steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": recipe.steps // 4},
        warmup_steps=30,
        adam_beta2=0.95,
        weight_decay=0.01,
        save_strategy="no",
        logging_steps=100,
        report_to="none",
        use_cpu=True,
        seed=recipe.seed,
        disable_tqdm=not sys.stderr.isatty(),
    )
    dataset = Dataset.from_dict({"input_ids": input_ids, "labels": labels})
    trainer = Trainer(model=model, args=arguments, train_dataset=dataset)
    trainer.remove_callback(PrinterCallback)  # it prints on standard output
    trainer.train()
    return model
