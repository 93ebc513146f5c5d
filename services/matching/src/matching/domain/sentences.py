"""What people read about a match, in four languages: a catalogue of sentences, and how a stored code becomes one.

A stored word is `<sentence>|<value>|...`; what has no entry in the catalogue is shown as it is stored. Sentences that
participants read carry nothing of a person but the topics that were matched: no grade, level, hour, language or conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Language = Literal["en", "de", "fr", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")

_SEPARATOR = "|"

_SENTENCES: Mapping[str, tuple[str, str, str, str]] = {
    "mentor_offers": (
        "The mentor offers {0}, which the mentee asks for.",
        "Die Mentorin oder der Mentor bietet {0} an, wonach die andere Seite fragt.",
        "La personne mentore propose {0}, ce que l'autre demande.",
        "La persona mentora ofrece {0}, que la otra pide.",
    ),
    "mentor_offers_near": (
        "The mentor offers {0}, close to {1}, which the mentee asks for.",
        "Die Mentorin oder der Mentor bietet {0} an, nahe an {1}, wonach die andere Seite fragt.",
        "La personne mentore propose {0}, proche de {1}, ce que l'autre demande.",
        "La persona mentora ofrece {0}, cercano a {1}, que la otra pide.",
    ),
    "mentee_offers": (
        "The mentee offers {0}, which the mentor asks for.",
        "Die oder der Mentee bietet {0} an, wonach die andere Seite fragt.",
        "La personne mentorée propose {0}, ce que l'autre demande.",
        "La persona mentorizada ofrece {0}, que la otra pide.",
    ),
    "mentee_offers_near": (
        "The mentee offers {0}, close to {1}, which the mentor asks for.",
        "Die oder der Mentee bietet {0} an, nahe an {1}, wonach die andere Seite fragt.",
        "La personne mentorée propose {0}, proche de {1}, ce que l'autre demande.",
        "La persona mentorizada ofrece {0}, cercano a {1}, que la otra pide.",
    ),
    "both_teach": (
        "Both teach and both learn, whatever their grades.",
        "Beide lehren und beide lernen, unabhängig von ihrer Stufe.",
        "Les deux enseignent et apprennent, quel que soit leur grade.",
        "Ambas personas enseñan y aprenden, sea cual sea su nivel.",
    ),
    "by_expertise": (
        "The direction follows expertise: the mentor knows what the mentee asks for.",
        "Die Richtung folgt dem Wissen: die Mentorin oder der Mentor kennt, wonach gefragt wird.",
        "Le sens suit l'expertise : la personne mentore connaît ce qui est demandé.",
        "El sentido sigue la experiencia: la persona mentora conoce lo que se pide.",
    ),
    "grade_below": (
        "The mentor's grade is below the mentee's by the gap the program asks for.",
        "Die Stufe der Mentorin oder des Mentors liegt um den Abstand des Programms unter der anderen.",
        "Le grade de la personne mentore est inférieur de l'écart demandé par le programme.",
        "El nivel de la persona mentora es inferior en la diferencia que pide el programa.",
    ),
    "grade_above": (
        "The mentor's grade is above the mentee's by the gap the program asks for.",
        "Die Stufe der Mentorin oder des Mentors liegt um den Abstand des Programms über der anderen.",
        "Le grade de la personne mentore est supérieur de l'écart demandé par le programme.",
        "El nivel de la persona mentora es superior en la diferencia que pide el programa.",
    ),
    "apart": (
        "Neither reports to the other at any depth, and they share no team.",
        "Keine der beiden Personen berichtet der anderen, auf keiner Ebene, und sie teilen kein Team.",
        "Aucune des deux ne relève de l'autre, à aucun niveau, et elles ne partagent pas d'équipe.",
        "Ninguna depende de la otra, a ningún nivel, y no comparten equipo.",
    ),
    "approved": (
        "A rule was waived for these two by somebody named for it.",
        "Für diese beiden hat eine dafür benannte Person eine Regel ausgesetzt.",
        "Une personne désignée a levé une règle pour ces deux personnes.",
        "Una persona designada ha eximido a estas dos de una regla.",
    ),
    "can_meet": (
        "They share a language at the program's level and enough working hours.",
        "Sie teilen eine Sprache auf dem Niveau des Programms und genug Arbeitszeit.",
        "Elles partagent une langue au niveau du programme et assez d'heures de travail.",
        "Comparten un idioma al nivel del programa y suficientes horas de trabajo.",
    ),
    "no_own_place": (
        "The participation has no free place.",
        "Die Teilnahme hat keinen freien Platz.",
        "La participation n'a pas de place libre.",
        "La participación no tiene plazas libres.",
    ),
    "nobody_opposite": (
        "The cohort has nobody on the other side.",
        "Die Kohorte hat niemanden auf der anderen Seite.",
        "La cohorte n'a personne de l'autre côté.",
        "La cohorte no tiene a nadie en el otro lado.",
    ),
    "all_excluded": (
        "Everybody on the other side is excluded by at least one rule ({0} considered).",
        "Alle auf der anderen Seite sind durch mindestens eine Regel ausgeschlossen ({0} betrachtet).",
        "Toutes les personnes de l'autre côté sont exclues par au moins une règle ({0} examinées).",
        "Todas las personas del otro lado quedan excluidas por al menos una regla ({0} consideradas).",
    ),
    "excluded_by": ("{0} of {1}: {2}.", "{0} von {1}: {2}.", "{0} sur {1} : {2}.", "{0} de {1}: {2}."),
    "partners_taken": (
        "{0} of {1} would be possible, but their places go to others: no other choice covers more people or fits better.",
        "{0} von {1} wären möglich, aber ihre Plätze gehen an andere: keine andere Wahl erreicht mehr Menschen oder passt besser.",
        "{0} sur {1} seraient possibles, mais leurs places vont à d'autres : aucun autre choix ne couvre plus ni ne convient mieux.",
        "{0} de {1} serían posibles, pero sus plazas son para otras personas: ninguna otra elección cubre a más gente ni encaja mejor.",
    ),
    "facts_missing": (
        "The person's place in the organisation is not fully known yet.",
        "Der Platz der Person in der Organisation ist noch nicht vollständig bekannt.",
        "La place de la personne dans l'organisation n'est pas encore entièrement connue.",
        "El lugar de la persona en la organización aún no se conoce por completo.",
    ),
    "own_waiting": (
        "There was no place for you in this round.",
        "In dieser Runde gab es keinen Platz für Sie.",
        "Il n'y a pas eu de place pour vous lors de ce tour.",
        "En esta ronda no hubo plaza para usted.",
    ),
    "change_locked": (
        "This pair was set by the program manager before the others were matched.",
        "Dieses Paar wurde von der Programmleitung festgelegt, bevor die anderen zugeordnet wurden.",
        "Ce binôme a été fixé par la direction du programme avant l'appariement des autres.",
        "Esta pareja la fijó la dirección del programa antes de emparejar a las demás.",
    ),
    "change_needed": (
        "Without this pair others would lose their place or what they were promised; no score would change it.",
        "Ohne dieses Paar würden andere ihren Platz oder Zugesagtes verlieren; keine Bewertung würde daran etwas ändern.",
        "Sans ce binôme, d'autres perdraient leur place ou ce qui leur était promis ; aucun score n'y changerait rien.",
        "Sin esta pareja, otras personas perderían su plaza o lo prometido; ninguna puntuación lo cambiaría.",
    ),
    "change_clear": (
        "Only a clearly lower score of this pair would have led to another choice.",
        "Nur eine deutlich niedrigere Bewertung dieses Paares hätte zu einer anderen Wahl geführt.",
        "Seul un score nettement plus bas de ce binôme aurait conduit à un autre choix.",
        "Solo una puntuación claramente menor de esta pareja habría llevado a otra elección.",
    ),
    "change_close": (
        "Another choice was nearly as good: a little less in common would have changed it.",
        "Eine andere Wahl war fast ebenso gut: etwas weniger Gemeinsames hätte sie geändert.",
        "Un autre choix était presque aussi bon : un peu moins de points communs l'aurait changé.",
        "Otra elección era casi igual de buena: algo menos en común la habría cambiado.",
    ),
    "why_not_proposed": (
        "The run proposes these two to each other.",
        "Der Lauf schlägt diese beiden einander vor.",
        "Le calcul propose ces deux personnes l'une à l'autre.",
        "El cálculo propone a estas dos personas entre sí.",
    ),
    "why_not_absent": (
        "At least one of the two was not in this run.",
        "Mindestens eine der beiden Personen war nicht in diesem Lauf.",
        "Au moins une des deux personnes n'était pas dans ce calcul.",
        "Al menos una de las dos no estaba en este cálculo.",
    ),
    "why_not_floor": (
        "Their score of {0} is below {1}, the lowest with which everybody who can have a pair has one.",
        "Ihre Bewertung von {0} liegt unter {1}, der niedrigsten, mit der alle ein Paar haben, die eines haben können.",
        "Leur score de {0} est inférieur à {1}, le plus bas avec lequel chaque personne qui peut être réunie l'est.",
        "Su puntuación de {0} está por debajo de {1}, la más baja con la que toda persona que puede tener pareja la tiene.",
    ),
    "why_not_ties": (
        "Another choice is exactly as good: the published rule for equal results decided.",
        "Eine andere Wahl ist genau ebenso gut: die veröffentlichte Regel für Gleichstände hat entschieden.",
        "Un autre choix est exactement aussi bon : la règle publiée pour les résultats égaux a tranché.",
        "Otra elección es exactamente igual de buena: decidió la norma publicada para resultados iguales.",
    ),
    "costs_people_covered": (
        "With this pair the number of people who have one would fall by {0}.",
        "Mit diesem Paar sänke die Zahl derer, die eines haben, um {0}.",
        "Avec ce binôme, le nombre de personnes réunies serait moindre ; différence : {0}.",
        "Con esta pareja, el número de personas con pareja bajaría en {0}.",
    ),
    "costs_kept": (
        "With this pair the number of proposals that are kept would fall by {0}.",
        "Mit diesem Paar sänke die Zahl der erhaltenen Vorschläge um {0}.",
        "Avec ce binôme, le nombre de propositions conservées serait moindre ; différence : {0}.",
        "Con esta pareja, el número de propuestas conservadas bajaría en {0}.",
    ),
    "costs_floor": (
        "With this pair the lowest score of all pairs would fall by {0}.",
        "Mit diesem Paar sänke die niedrigste Bewertung aller Paare um {0}.",
        "Avec ce binôme, le score le plus bas de tous serait moindre ; différence : {0}.",
        "Con esta pareja, la puntuación más baja de todas bajaría en {0}.",
    ),
    "costs_score": (
        "With this pair the sum of all scores would fall by {0}.",
        "Mit diesem Paar sänke die Summe aller Bewertungen um {0}.",
        "Avec ce binôme, la somme de tous les scores serait moindre ; différence : {0}.",
        "Con esta pareja, la suma de todas las puntuaciones bajaría en {0}.",
    ),
    "no_capacity": (
        "Nothing of their own would change that: the places are taken.",
        "Nichts Eigenes würde daran etwas ändern: die Plätze sind vergeben.",
        "Rien de personnel n'y changerait quoi que ce soit : les places sont prises.",
        "Nada propio lo cambiaría: las plazas están ocupadas.",
    ),
    "relax_languages": (
        "A further language, or a better level in one, would open a place.",
        "Eine weitere Sprache oder ein besseres Niveau würde einen Platz öffnen.",
        "Une langue de plus, ou un meilleur niveau, ouvrirait une place.",
        "Otro idioma, o un nivel mejor, abriría una plaza.",
    ),
    "relax_hours": (
        "Wider or other working hours would open a place.",
        "Längere oder andere Arbeitszeiten würden einen Platz öffnen.",
        "Des heures de travail plus larges ou différentes ouvriraient une place.",
        "Un horario más amplio o diferente abriría una plaza.",
    ),
    "relax_topics": (
        "Further topics would open a place.",
        "Weitere Themen würden einen Platz öffnen.",
        "D'autres sujets ouvriraient une place.",
        "Más temas abrirían una plaza.",
    ),
    "relax_rule": (
        "A waiver of one rule would open a place: {0}.",
        "Eine Ausnahme von einer Regel würde einen Platz öffnen: {0}.",
        "La levée d'une règle ouvrirait une place : {0}.",
        "Eximir de una regla abriría una plaza: {0}.",
    ),
}

AT_LEAST = ">="
"""Before a value: that much or more."""
_AT_LEAST = ("at least {0}", "mindestens {0}", "au moins {0}", "al menos {0}")

_RULES: Mapping[str, tuple[str, str, str, str]] = {
    "same_person": ("the same person", "dieselbe Person", "la même personne", "la misma persona"),
    "not_employed": ("one of the two has left", "jemand ist ausgeschieden", "une personne est partie", "una se ha ido"),
    "capacity": ("no free place", "kein freier Platz", "aucune place libre", "ninguna plaza libre"),
    "already_paired": (
        "already proposed or paired in this cohort",
        "in dieser Kohorte schon vorgeschlagen oder gepaart",
        "déjà proposées ou réunies dans cette cohorte",
        "ya propuestas o emparejadas en esta cohorte",
    ),
    "direction": (
        "grades in the wrong order", "Stufen in falscher Reihenfolge", "grades dans le mauvais ordre", "niveles en orden inverso",
    ),
    "grade_gap": ("grades too close", "Stufen zu nah", "grades trop proches", "niveles demasiado cercanos"),
    "reporting_chain": (
        "same reporting chain", "dieselbe Berichtslinie", "même ligne hiérarchique", "misma línea jerárquica",
    ),
    "dotted_line": (
        "joined by a dotted line", "durch eine fachliche Linie verbunden", "liées par une ligne fonctionnelle",
        "unidas por una línea funcional",
    ),
    "same_team": ("same team", "dasselbe Team", "même équipe", "mismo equipo"),
    "same_project": ("same project", "dasselbe Projekt", "même projet", "mismo proyecto"),
    "reviewer": (
        "one reviews the other's performance", "eine Person beurteilt die andere", "l'une évalue l'autre", "una evalúa a la otra",
    ),
    "excluded": (
        "a registered conflict of interest", "ein eingetragener Interessenkonflikt", "un conflit d'intérêts déclaré",
        "un conflicto de intereses registrado",
    ),
    "unit_policy": (
        "against the program's policy for business units", "gegen die Regel des Programms für Geschäftsbereiche",
        "contre la règle du programme sur les entités", "contra la norma del programa sobre unidades",
    ),
    "shared_language": (
        "no shared language at the program's level", "keine gemeinsame Sprache auf dem Niveau des Programms",
        "aucune langue commune au niveau du programme", "ningún idioma común al nivel del programa",
    ),
    "substance": (
        "no topic offered that the other asks for", "kein angebotenes Thema, wonach gefragt wird",
        "aucun sujet proposé qui soit demandé", "ningún tema ofrecido que se pida",
    ),
    "working_hours": (
        "too little overlap of working hours", "zu wenig gemeinsame Arbeitszeit", "trop peu d'heures communes",
        "muy pocas horas en común",
    ),
}  # fmt: skip


def coded(sentence: str, *values: object) -> str:
    """A sentence of the catalogue with its values, as it is stored. KeyError when there is no such sentence."""
    if sentence not in _SENTENCES:
        raise KeyError(sentence)
    return _SEPARATOR.join((sentence, *(str(value) for value in values)))


def said(words: Sequence[str], language: Language = "en") -> tuple[str, ...]:
    """Stored words as sentences in `language`; what is no code of the catalogue stays as it is."""
    return tuple(_said(word, LANGUAGES.index(language)) for word in words)


def rule_words(rule: str, language: Language = "en") -> str:
    """What a hard rule forbids, in `language`."""
    return _RULES[rule][LANGUAGES.index(language)]


def topic_words(code: str) -> str:
    """A topic's code in words: `social_media.video` is "video (social media)"."""
    root, _, branch = code.partition(".")
    root = root.replace("_", " ")
    return f"{branch.replace('_', ' ').replace('.', ', ')} ({root})" if branch else root


def language_for(accepted: str) -> Language:
    """The first language of the catalogue that an Accept-Language header asks for, by its weights; English if none."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:50]):
        tag, _, weight = part.strip().partition(";")
        quality = weight.strip().removeprefix("q=") if weight else "1"
        try:
            wishes.append((-float(quality), place, tag.strip().lower().split("-")[0]))
        except ValueError:
            continue
    for quality_below_zero, _, tag in sorted(wishes):
        for language in LANGUAGES:
            if tag == language and quality_below_zero < 0:
                return language
    return "en"


def _said(word: str, language: int) -> str:
    name, *values = word.split(_SEPARATOR)
    sentence = _SENTENCES.get(name)
    if sentence is None:
        return word
    shown = [_value(name, place, value, language) for place, value in enumerate(values)]
    return sentence[language].format(*shown)


def _value(name: str, place: int, value: str, language: int) -> str:
    if name.startswith(("mentor_offers", "mentee_offers")):
        return topic_words(value)
    if value.startswith(AT_LEAST):
        return _AT_LEAST[language].format(value.removeprefix(AT_LEAST))
    if (name, place) in (("excluded_by", 2), ("relax_rule", 0)):
        return _RULES[value][language] if value in _RULES else value
    return value
