"""The settings of the data plane say what is wrong with them."""

import pytest
from pydantic import ValidationError

from data_lake.data_settings import DataSettings, FieldNames
from data_lake.dataset import REASONS


def test_defaults():
    settings = DataSettings()
    assert (settings.shards, settings.validation_percent, settings.fields.title) == (70, 1.0, "title")


def test_every_rule_is_a_reason():
    switches = {name for name, value in DataSettings().rules if isinstance(value, bool)}
    assert switches < set(REASONS)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"shards": 0}, "greater than or equal to 1"),
        ({"validation_percent": 60}, "less than or equal to 50"),
        ({"shard": 7}, "Extra inputs are not permitted"),
        ({"trailers": {"Sold by": "("}}, "is not a regular expression"),
        ({"trailers": {"": "x"}}, "needs its first words"),
        ({"fields": {"title": "content"}}, "three different fields"),
        ({"fields": {"title": ""}}, "at least 1 character"),
    ],
)
def test_what_does_not_fit_is_told(values, says):
    with pytest.raises(ValidationError, match=says):
        DataSettings.model_validate(values)


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        DataSettings().shards = 5


def test_only_what_decides_the_result_is_an_option():
    base = DataSettings().cleaning_options()
    assert DataSettings(workers=3, chunk_mb=1).cleaning_options() == base
    assert DataSettings(fields=FieldNames(title="name")).cleaning_options() != base
