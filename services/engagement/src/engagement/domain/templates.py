"""The agreement's templates: clauses by formality and language, versioned.

A version that somebody may have signed is never edited: a change of wording is a new version beside the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engagement.domain.agreement import Clause, Template
from engagement.domain.vocabulary import Formality

CONFIDENTIALITY = "confidentiality"
EQUAL_EXIT = "equal_exit"
BOUNDARIES = "boundaries"
NO_APPRAISAL = "no_appraisal"
PREPARATION = "preparation"

FALLBACK_LANGUAGE = "en"
CURRENT_VERSION = 1

_CLAUSES: Mapping[Formality, tuple[str, ...]] = MappingProxyType(
    {
        Formality.LIGHT: (CONFIDENTIALITY, EQUAL_EXIT),
        Formality.STANDARD: (CONFIDENTIALITY, EQUAL_EXIT, BOUNDARIES, NO_APPRAISAL),
        Formality.STRUCTURED: (CONFIDENTIALITY, EQUAL_EXIT, BOUNDARIES, NO_APPRAISAL, PREPARATION),
    }
)

_TEXTS: Mapping[tuple[int, str], Mapping[str, str]] = MappingProxyType(
    {
        (1, "en"): {
            CONFIDENTIALITY: "What we say to each other stays between us. Neither of us repeats it, to a line"
            " manager, to HR or to anybody else, unless the other has agreed to that very thing, or the law"
            " demands it.",
            EQUAL_EXIT: "Each of us may end this at any time, without fault and without giving a reason. Nobody"
            " is told who asked for it or why.",
            BOUNDARIES: "Each of us may leave a question unanswered and a subject closed. Rank gives no right to"
            " an answer.",
            NO_APPRAISAL: "Nothing from our meetings is used to judge anybody's performance, pay or promotion.",
            PREPARATION: "We name a subject before each meeting, and each of us says afterwards what to try next.",
        },
        (1, "de"): {
            CONFIDENTIALITY: "Was wir einander sagen, bleibt unter uns. Niemand von uns gibt es weiter, weder an"
            " Vorgesetzte noch an die Personalabteilung noch an andere, es sei denn, die andere Person hat genau"
            " dem zugestimmt oder das Gesetz verlangt es.",
            EQUAL_EXIT: "Jede von uns beiden Personen kann jederzeit aufhören, ohne Schuld und ohne einen Grund"
            " zu nennen. Niemand erfährt, wer darum gebeten hat oder warum.",
            BOUNDARIES: "Jede von uns beiden Personen darf eine Frage offen und ein Thema verschlossen lassen."
            " Rang gibt kein Recht auf eine Antwort.",
            NO_APPRAISAL: "Nichts aus unseren Treffen dient dazu, Leistung, Gehalt oder Beförderung von"
            " irgendjemandem zu beurteilen.",
            PREPARATION: "Vor jedem Treffen nennen wir ein Thema, und danach sagt jede Person, was sie als"
            " Nächstes versucht.",
        },
        (1, "fr"): {
            CONFIDENTIALITY: "Ce que nous nous disons reste entre nous. Ni l'un ni l'autre ne le répète, à la"
            " hiérarchie, aux ressources humaines ou à quiconque, sauf si l'autre y a précisément consenti ou si"
            " la loi l'exige.",
            EQUAL_EXIT: "Chacun de nous peut mettre fin à cet accord à tout moment, sans faute et sans donner de"
            " raison. Personne n'apprend qui l'a demandé ni pourquoi.",
            BOUNDARIES: "Chacun de nous peut laisser une question sans réponse et un sujet fermé. Le rang ne"
            " donne aucun droit à une réponse.",
            NO_APPRAISAL: "Rien de nos rencontres ne sert à juger la performance, la rémunération ou la promotion"
            " de quiconque.",
            PREPARATION: "Avant chaque rencontre nous nommons un sujet, et après, chacun dit ce qu'il va essayer.",
        },
    }
)


def languages() -> frozenset[str]:
    """The languages (ISO 639-1) of the current templates."""
    return frozenset(language for version, language in _TEXTS if version == CURRENT_VERSION)


def template(formality: Formality, language: str | None, version: int = CURRENT_VERSION) -> Template:
    """A version of the template for a formality in a language, in English where it is not translated.

    :raises KeyError: there is no such version.
    """
    chosen = language if language is not None and (version, language) in _TEXTS else FALLBACK_LANGUAGE
    texts = _TEXTS[version, chosen]
    return Template(
        version=version,
        formality=formality,
        language=chosen,
        clauses=tuple(Clause(code, texts[code]) for code in _CLAUSES[formality]),
    )
