"""Settings: one TOML file per profile, any key overridden by a `ROUNDHOUSE_…` environment variable.

`ROUNDHOUSE_TRAINING__LEARNING_RATE=1e-4` overrides `learning_rate` in `[training]`. All errors of a
profile are reported together, each with its key and what is allowed.
"""

import os
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from data_lake.data_settings import DataSettings
from data_lake.errors import SettingsError

DEFAULT_PROFILE = "tiny"
LOCAL_ENDPOINT = "local"
BUILT_BASE = "tiny"
_PREFIX = "ROUNDHOUSE_"
# Variables of the same prefix that are not keys of a profile.
_NOT_KEYS = {"ROUNDHOUSE_LAKE", "ROUNDHOUSE_PROFILE", "ROUNDHOUSE_REAL_ROWS"}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class HubSettings(_Section):
    """Where datasets and adapters are published."""

    endpoint: str = LOCAL_ENDPOINT
    """`local` for the Hub that Roundhouse brings along, or an address. `HF_ENDPOINT` overrides it."""
    namespace: str = Field("", pattern=r"^[A-Za-z0-9._-]*$")
    """User or organisation; empty means the owner of the token."""
    name: str = Field("amazon-titles", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
    """Dataset NAME, adapters NAME-lora, training state NAME-state, a built base NAME-base."""
    private: bool = False


class ModelSettings(_Section):
    """The base model."""

    base: str = BUILT_BASE
    """`tiny` for the model Roundhouse builds, a Hub id, or a folder."""
    revision: str = "main"
    """Branch, tag or commit of a base on the Hub."""
    max_sequence_length: int = Field(256, ge=16, le=131_072)
    """Tokens of prompt and answer together; longer answers are cut and counted."""
    load_in_4bit: bool = True
    """NF4 weights; a base that comes out in 16 bit all the same is refused, never trained."""


class LoraSettings(_Section):
    """The adapter's shape."""

    rank: int = Field(16, ge=1, le=512)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    targets: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )


class TrainingSettings(_Section):
    """How a round is trained."""

    micro_batch_size: int = Field(8, ge=1)
    """Rows per forward pass."""
    gradient_accumulation_steps: int = Field(1, ge=1)
    """Forward passes per optimizer step."""
    learning_rate: float = Field(2e-4, gt=0, lt=1)
    warmup_steps: int = Field(10, ge=0)
    """Optimizer steps, counted over the whole chain: the first round warms up, the later ones go on."""
    weight_decay: float = Field(0.01, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    epochs: int = Field(1, ge=1)
    """Passes over a round's shard."""
    checkpoint_steps: int = Field(100, ge=1)
    """Optimizer steps between two checkpoints inside a round."""
    seed: int = Field(3407, ge=0, lt=2**32)


class EvaluationSettings(_Section):
    """What a round is measured on. All of it comes from the validation split."""

    rows: int = Field(96, ge=1)
    """Validation rows for loss and perplexity."""
    prompts: int = Field(32, ge=1)
    """Validation rows whose question is asked and whose answer is looked at."""
    batch_size: int = Field(16, ge=1)


class PromotionSettings(_Section):
    """The rule by which a round becomes the answer of the page."""

    max_loss_increase: float = Field(0.02, ge=0)
    """Share by which the validation loss may exceed the promoted round's."""
    max_form_decrease: float = Field(0.25, ge=0, le=1)
    """By how much the share of answers in the expected form may fall below the promoted round's. The share of
    32 answers has a standard error of up to 0.09, the difference of two 0.13: less is noise."""


class GenerationSettings(_Section):
    """How an answer is generated."""

    max_new_tokens: int = Field(96, ge=1)
    temperature: float = Field(0.0, ge=0.0)
    """0 takes the likeliest token each time: the same question, the same answer."""
    repetition_penalty: float = Field(1.1, ge=1.0)


class PageSettings(_Section):
    """Where the Gradio page listens."""

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0 takes a free port."""


class Settings(BaseSettings):
    """All settings of one profile."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    hub: HubSettings = HubSettings()
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    lora: LoraSettings = LoraSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    promotion: PromotionSettings = PromotionSettings()
    generation: GenerationSettings = GenerationSettings()
    page: PageSettings = PageSettings()

    @model_validator(mode="after")
    def _room_for_an_answer(self) -> "Settings":
        if self.generation.max_new_tokens >= self.model.max_sequence_length:
            raise ValueError(
                "generation.max_new_tokens must be less than model.max_sequence_length "
                f"({self.generation.max_new_tokens} ≥ {self.model.max_sequence_length})"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def profiles() -> dict[str, Path]:
    """The profiles that come with Roundhouse: name → TOML file."""
    folder = Path(str(resources.files("infra"))) / "profiles"
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def load_settings(profile: str = DEFAULT_PROFILE) -> Settings:
    """Reads a profile by its name or by the path of a TOML file, and the environment over it.

    Raises:
        SettingsError: no such profile, not TOML, or keys and values that do not fit (all at once).
    """
    path = profiles().get(profile) or Path(profile)
    if not path.is_file():
        raise SettingsError(
            f"There is no profile {profile!r}",
            left="Nothing was started",
            mend=f"Use --profile with one of {', '.join(profiles())} or the path of a TOML file",
        )
    try:
        values = TomlConfigSettingsSource(Settings, path)()
    except (OSError, ValueError) as error:
        raise _unfit(profile, [f"not readable as TOML: {error}"]) from error
    unknown = _unknown_variables()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _unfit(profile, unknown + [_told(item) for item in error.errors()]) from error
    if unknown:
        raise _unfit(profile, unknown)
    return settings


def _unknown_variables() -> list[str]:
    """Variables with our prefix whose section does not exist: a mistyped key must not be silence."""
    prefixes = tuple(f"{_PREFIX}{section.upper()}__" for section in Settings.model_fields)
    return [
        f"{name}: no such key"
        for name in sorted(os.environ)
        if name.startswith(_PREFIX)
        and not name.startswith("ROUNDHOUSE_HUB_TOKEN")
        and name not in _NOT_KEYS
        and not name.startswith(prefixes)
    ]


def _told(item: ErrorDetails) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{key}: no such key"
    # The value itself is not repeated: it may have been a secret put in the wrong place.
    return f"{key}: {item['msg']}" if key else item["msg"].removeprefix("Value error, ")


def _unfit(profile: str, problems: list[str]) -> SettingsError:
    return SettingsError(
        f"Profile {profile!r} does not fit: {'; '.join(problems)}",
        left="Nothing was started",
        mend="Change these keys in the profile or in the ROUNDHOUSE_… variables",
    )
