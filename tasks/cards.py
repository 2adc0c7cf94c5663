"""The pages people see on the Hub: dataset card, base card, adapter card with lineage and plot."""

import json
from collections import Counter

import yaml
from jinja2 import Environment, StrictUndefined

from data_lake.dataset import TRAIN, VALIDATION, DatasetManifest
from data_lake.rounds import Metrics, RoundManifest, round_name

_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
_ENVIRONMENT.filters["yaml"] = lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True)

_DATASET = _ENVIRONMENT.from_string(
    """---
{{ head | yaml }}---
# {{ name }}

Titles and descriptions of products, cleaned and split into {{ manifest.train | length }} shards of
random, near-equal samples. {{ rows }} rows; a content that is in validation is in no shard.

```python
from datasets import load_dataset
dataset = load_dataset("{{ repo }}")
```

| column | meaning |
|---|---|
| `uid` | the product's identifier in the catalogue; may be missing |
| `title` | its title |
| `content` | its description |
| `fingerprint` | 64-bit XXH3 of the case-folded description: decides shard, split and order |

## How it was made
{% for delivery in manifest.deliveries %}
Delivery {{ delivery.number }}: {{ delivery.lines }} lines read, {{ delivery.kept }} kept.
{% endfor %}
Every line was kept or rejected with a reason:

| reason | lines |
|---|---|
{% for reason, count in rejected %}
| {{ reason }} | {{ count }} |
{% endfor %}

A shard's name is its position, the sha256 in `manifest.json` its identity. A published shard never
changes; new rows become new shards.

The text comes from the catalogue that was ingested; its owner's terms apply.
"""
)

_BASE = _ENVIRONMENT.from_string(
    """---
{{ head | yaml }}---
# {{ repo }}

A small Llama, pre-trained on made-up plain English for about a minute on CPU. It knows no products:
it is what adapters stand on where no other base model is at hand.
"""
)

_ADAPTER = _ENVIRONMENT.from_string(
    """---
{{ head | yaml }}---
# {{ repo }}

A LoRA adapter for [{{ base.repo }}](../{{ base.repo }}), trained in 4 bit round by round: each round
continues the adapter, the optimizer and the schedule of the one before on one more shard of
`{{ dataset }}`.

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM
base = AutoModelForCausalLM.from_pretrained("{{ base.repo }}", revision="{{ base.revision }}")
model = PeftModel.from_pretrained(base, "{{ repo }}")
```

{% if promoted %}
Branch `main` holds round {{ promoted }}, the newest that passed evaluation.
{% else %}
Branch `rounds` holds every round, `main` the promoted one.
{% endif %}
Every round is tagged (`{{ last }}`) and described in `round.json`.

## Rounds

| round | shard | validation loss | perplexity | in form | names product | chrF | promoted |
|---|---|---|---|---|---|---|---|
| base | | {{ figures(rounds[-1].base_metrics) }} | |
{% for round in rounds %}
| {{ round.round }} | {{ round.shard.name }} | {{ figures(round.metrics) }} | {{ passed(round) }} |
{% endfor %}

```mermaid
xychart-beta
    title "Validation loss (nats per answer token)"
    x-axis "round" [{{ range(rounds | length + 1) | join(", ") }}]
    line [{{ losses | join(", ") }}]
```

Question: `{{ question }}` — loss on the answer only.
"""
)


def dataset_card(manifest: DatasetManifest, repo: str, name: str) -> str:
    """The dataset's README with the YAML that `load_dataset` and the Hub's viewer read."""
    rows = sum(shard.rows for shard in manifest.shards)
    rejected: Counter[str] = Counter()
    for delivery in manifest.deliveries:
        rejected.update(delivery.rejected)
    return _DATASET.render(
        head=_dataset_head(manifest, name, rows),
        manifest=manifest,
        name=name,
        repo=repo,
        rows=rows,
        rejected=rejected.most_common(),
    )


def base_card(repo: str) -> str:
    """The README of a base model that was built here."""
    return _BASE.render(head={"license": "apache-2.0", "library_name": "transformers", "language": ["en"]}, repo=repo)


def adapter_card(repo: str, rounds: list[RoundManifest], promoted: int | None) -> str:
    """The adapter repository's README: lineage, figures and a plot of the chain.

    Args:
        rounds: the whole chain, oldest first, at least one.
        promoted: the round on the branch that the card is for, or None on branch `rounds`.
    """
    last = rounds[-1]
    return _ADAPTER.render(
        head={
            "library_name": "peft",
            "base_model": last.base.repo,
            "datasets": [last.shard.dataset_repo],
            "pipeline_tag": "text-generation",
            "tags": ["lora", "unsloth", "trl"],
        },
        repo=repo,
        base=last.base,
        dataset=last.shard.dataset_repo,
        promoted=promoted,
        last=round_name(last.round),
        rounds=rounds,
        figures=_figures,
        passed=lambda entry: "yes" if entry.decision.promote else "no",
        losses=[f"{value:.4f}" for value in _losses(rounds)],
        question=json.dumps(last.prompt_template),
    )


def _dataset_head(manifest: DatasetManifest, name: str, rows: int) -> dict:
    features = [
        {"name": "uid", "dtype": "string"},
        {"name": "title", "dtype": "string"},
        {"name": "content", "dtype": "string"},
        {"name": "fingerprint", "dtype": "uint64"},
    ]
    files = [{"split": TRAIN, "path": "data/shard-*.parquet"}]
    if manifest.validation:
        files.append({"split": VALIDATION, "path": "data/validation*.parquet"})
    splits = [
        {
            "name": split,
            "num_bytes": sum(shard.bytes for shard in manifest.of_split(split)),
            "num_examples": sum(shard.rows for shard in manifest.of_split(split)),
        }
        for split in (TRAIN, VALIDATION)
        if manifest.of_split(split)
    ]
    sizes = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    size = next((label for limit, label in sizes if rows < limit), "1M<n<10M")
    return {
        "pretty_name": name,
        "license": "other",
        "language": ["en"],
        "size_categories": [size],
        "task_categories": ["text-generation"],
        "tags": ["products"],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {"features": features, "splits": splits},
    }


def _figures(metrics: Metrics) -> str:
    return (
        f"{metrics.validation_loss:.4f} | {metrics.validation_perplexity:.2f} | {metrics.form_share:.0%} | "
        f"{metrics.title_share:.0%} | {metrics.chrf:.1f}"
    )


def _losses(rounds: list[RoundManifest]) -> list[float]:
    return [rounds[-1].base_metrics.validation_loss, *(entry.metrics.validation_loss for entry in rounds)]
