"""The rule by which a round is promoted or held back."""

import pytest

from data_lake.rounds import Metrics
from data_lake.settings import PromotionSettings
from tasks.promote import decide


def measured(loss: float, form: float) -> Metrics:
    return Metrics(
        validation_loss=loss,
        validation_perplexity=1.0,
        form_share=form,
        title_share=0.0,
        chrf=0.0,
        rows=1,
        prompts=1,
        measured_with="same",
    )


@pytest.mark.parametrize(
    ("loss", "form", "promoted", "why"),
    [
        (1.9, 0.9, True, "promoted"),
        (2.0, 0.8, True, "promoted"),
        (2.04, 0.9, True, "promoted"),
        (2.05, 1.0, False, "the loss is too high"),
        (1.0, 0.69, False, "too few answers in the form"),
        (1.0, 0.71, True, "promoted"),
    ],
)
def test_the_rule(loss: float, form: float, promoted: bool, why: str) -> None:
    settings = PromotionSettings(max_loss_increase=0.02, max_form_decrease=0.1)
    decision = decide(measured(loss, form), measured(2.0, 0.8), "round-0003", settings)
    assert decision.promote is promoted
    assert why in decision.reason
    assert "round-0003" in decision.reason
    assert decision.against == "round-0003"


def test_a_loss_that_is_not_a_number_is_never_promoted() -> None:
    assert not decide(measured(float("nan"), 1.0), measured(2.0, 0.8), "the base", PromotionSettings()).promote
