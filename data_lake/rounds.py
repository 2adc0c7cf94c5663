"""Records of the adapter chain: what a round was made of, and what became of it."""

import hashlib
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

ROUND_FILE = "round.json"
PROMOTION_FILE = "promotion.json"
STATE_FOLDER = PurePosixPath("state")
ROUNDS_BRANCH = "rounds"
SCHEMA_VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class BaseModelReference(_Record):
    """A base model by the name, revision and hash that the adapters stand on."""

    repo: str
    revision: str
    weights_sha256: str
    """sha256 over the names and hashes of the weight files."""


class ShardReference(_Record):
    """The shard a round was trained on; its identity is the sha256."""

    name: str
    sha256: str
    rows: int
    dataset_repo: str
    dataset_revision: str


class ParentReference(_Record):
    """The round that this one continues."""

    round: int
    revision: str
    """The commit of the parent round in the adapter repository."""
    manifest_sha256: str


class StateReference(_Record):
    """The training state after a round, in the state repository."""

    repo: str
    revision: str
    sha256: str
    """sha256 over the names and hashes of the state's files."""


class Metrics(_Record):
    """What a model does on rows that no round was trained on."""

    validation_loss: float
    """Mean negative log likelihood of an answer token, in nats."""
    validation_perplexity: float
    form_share: float
    """Share of generated answers in the expected form (0 to 1)."""
    title_share: float
    """Share of generated answers that carry the asked product's title (0 to 1)."""
    chrf: float
    """chrF of the generated answers against the true ones (0 to 100)."""
    rows: int
    prompts: int
    measured_with: str
    """Hash of the rows and settings of the evaluation: only figures with equal hashes are compared."""


class TrainingReport(_Record):
    """What happened in a round."""

    global_step_before: int
    global_step_after: int
    losses: tuple[float, ...]
    """Training loss of every optimizer step, in order, in nats."""
    rows: int
    answer_tokens: int
    tokens: int
    truncated_rows: int
    rows_left_out: int
    """Rows whose prompt alone fills the context."""
    seconds: float
    """From the first optimizer step to the last."""
    seconds_outside: float
    """Load, tokenise and save."""
    trainable_parameters: int
    quantised_layers: int
    """Linear layers held in 4 bit around which the adapter was trained."""
    device: str
    optimizer: str
    adapter_sha256: str
    """sha256 of the adapter's weights file."""


class Decision(_Record):
    """Whether a round is promoted, and why."""

    promote: bool
    reason: str
    against: str
    """`base` or the name of the promoted round it was measured against."""


class RoundManifest(_Record):
    """`round.json`: everything needed to reproduce a round, or to distrust it."""

    schema_version: int = SCHEMA_VERSION
    round: int = Field(ge=1)
    line: str = ""
    base: BaseModelReference
    parent: ParentReference | None
    """None for the first round of a chain."""
    shard: ShardReference
    state: StateReference
    settings: dict
    """Every hyperparameter: the sections model, lora, training of the settings."""
    prompt_template: str
    prompt_version: int
    versions: dict[str, str]
    training: TrainingReport
    base_metrics: Metrics
    """The bare base on the same rows."""
    metrics: Metrics
    decision: Decision

    def to_json(self) -> str:
        """The text that is published and hashed."""
        return self.model_dump_json(indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """The hash that the next round's manifest names."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


class Promotion(_Record):
    """`promotion.json` on branch `main`: which round answers, and why."""

    round: int
    revision: str
    reason: str
    considered: int
    """The newest round when this was decided: a later command does not decide it again."""


def round_name(number: int) -> str:
    """The tag of a round: `round-0001`, `round-0002`, …"""
    return f"round-{number:04d}"
