"""The defaults that matching's model card compares a run with are those that enrollment gives to programs."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from enrollment.domain.program_settings import ProgramSettings, ScoreWeights
from matching.domain.governance_card import DEFAULT_WEIGHTS
from matching.domain.governance_pack import DIMENSIONS


@pytest.mark.requirement("N15", "RX-01")
def test_the_model_card_knows_the_defaults_of_programs() -> None:
    assert {part: weight for part, (weight, _) in DEFAULT_WEIGHTS.items()} == asdict(ScoreWeights())
    assert ProgramSettings().audit_dimensions == DIMENSIONS
