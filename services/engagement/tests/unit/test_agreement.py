"""Templates, terms and what each formality demands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chassis.ports import InvalidInput
from engagement.domain import templates
from engagement.domain.agreement import REQUIRED_FIELDS, Terms, check_terms
from engagement.domain.vocabulary import AgreementField, Channel, Formality

from ..examples import COMPLETE_TERMS, LIGHT_TERMS


@pytest.mark.requirement("R3-29")
@pytest.mark.parametrize("formality", list(Formality))
@pytest.mark.parametrize("language", sorted(templates.languages()))
def test_every_template_has_the_confidentiality_clause_and_the_equal_exit(formality: Formality, language: str) -> None:
    template = templates.template(formality, language)
    codes = [clause.code for clause in template.clauses]
    assert codes[:2] == [templates.CONFIDENTIALITY, templates.EQUAL_EXIT]
    assert (templates.BOUNDARIES in codes) is (formality is not Formality.LIGHT)
    assert all(len(clause.text) > 40 for clause in template.clauses)
    assert (template.language, template.version) == (language, templates.CURRENT_VERSION)


def test_a_language_without_a_translation_gets_english() -> None:
    assert templates.template(Formality.LIGHT, "xx") == templates.template(Formality.LIGHT, "en")
    assert templates.template(Formality.LIGHT, None).language == "en"
    assert templates.template(Formality.LIGHT, "de").clauses != templates.template(Formality.LIGHT, "en").clauses


@pytest.mark.requirement("RX-01")
def test_the_dial_decides_which_terms_are_required() -> None:
    assert LIGHT_TERMS.missing(Formality.LIGHT) == ()
    assert LIGHT_TERMS.missing(Formality.STANDARD) == REQUIRED_FIELDS[Formality.STANDARD]
    assert set(LIGHT_TERMS.missing(Formality.STRUCTURED)) == set(AgreementField)
    assert COMPLETE_TERMS.missing(Formality.STRUCTURED) == ()
    assert replace(COMPLETE_TERMS, place=None, boundaries=" ".strip()).missing(Formality.STRUCTURED) == (
        AgreementField.BOUNDARIES,
        AgreementField.PLACE,
    )


@pytest.mark.parametrize(
    ("terms", "formality", "floor", "field"),
    [
        (Terms(12, cadence_days=13), Formality.STANDARD, None, "cadence_days"),
        (Terms(12, cadence_days=43), Formality.STANDARD, None, "cadence_days"),
        (Terms(12, cadence_days=21), Formality.STANDARD, 30, "cadence_days"),
        (Terms(12, cadence_days=21), Formality.LIGHT, None, "cadence_days"),
        (Terms(0), Formality.STANDARD, None, "duration_months"),
        (Terms(25), Formality.STANDARD, None, "duration_months"),
    ],
)
def test_terms_nobody_may_agree_on(terms: Terms, formality: Formality, floor: int | None, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_terms(terms, formality=formality, cadence_floor_days=floor)
    assert refused.value.field == field


def test_terms_within_their_bounds() -> None:
    check_terms(Terms(24, cadence_days=42, medium=Channel.CHAT), formality=Formality.STANDARD, cadence_floor_days=30)
    check_terms(Terms(1), formality=Formality.LIGHT, cadence_floor_days=30)
