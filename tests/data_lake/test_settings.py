"""Profiles and the environment over them: all that does not fit is told at once."""

from pathlib import Path

import pytest

from data_lake.errors import SettingsError
from data_lake.settings import load_settings, profiles


@pytest.mark.parametrize("name", profiles())
def test_every_profile_that_comes_along_fits(name: str) -> None:
    assert load_settings(name).model.load_in_4bit


def test_every_profile_opens_with_the_command_that_uses_it() -> None:
    for name, path in profiles().items():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# roundhouse "), name
        assert name == "tiny" or f"--profile {name}" in first


def test_a_variable_overrides_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDHOUSE_TRAINING__LEARNING_RATE", "1e-3")
    settings = load_settings("tiny")
    assert settings.training.learning_rate == 1e-3
    assert settings.lora.rank == 16


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no profile 'nowhere'.*tiny"):
        load_settings("nowhere")


def test_all_errors_are_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text("[training]\nlearning_rate = 7\nmicro_batch_size = 0\nlerning_rate = 1\n[lora]\nrank = 'many'\n")
    monkeypatch.setenv("ROUNDHOUSE_TRANING__SEED", "3")
    with pytest.raises(SettingsError) as caught:
        load_settings(str(profile))
    line = str(caught.value)
    for key in ("training.learning_rate", "training.micro_batch_size", "training.lerning_rate", "lora.rank"):
        assert f"{key}: " in line
    assert "ROUNDHOUSE_TRANING__SEED: no such key" in line
    assert "\n" not in line


def test_values_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDHOUSE_GENERATION__MAX_NEW_TOKENS", "256")
    with pytest.raises(SettingsError, match="must be less than model.max_sequence_length"):
        load_settings("tiny")


def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text("[training\n")
    with pytest.raises(SettingsError, match="not readable as TOML"):
        load_settings(str(profile))


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text("[hub]\nnamespace = 'hf_secret secret'\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(str(profile))
    assert "hf_secret" not in str(caught.value)
