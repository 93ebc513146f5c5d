"""Words of the pack's page for codes of the pack."""

from __future__ import annotations

from collections.abc import Mapping

SIDES: Mapping[str, str] = {"mentor": "Mentors", "mentee": "Mentees"}
DIMENSIONS: Mapping[str, str] = {
    "age_band": "Age band",
    "disability": "Disability",
    "ethnicity": "Ethnicity",
    "gender": "Gender",
}
GROUPS: Mapping[str, str] = {
    "under_35": "Under 35",
    "from_35_to_49": "35 to 49",
    "from_50": "50 or older",
    "with_disability": "With a disability",
    "without_disability": "Without a disability",
    "minority": "Ethnic minority",
    "majority": "No ethnic minority",
    "woman": "Women",
    "man": "Men",
    "non_binary": "Non-binary",
}
MEASURES: Mapping[str, tuple[str, str]] = {
    "coverage": ("Coverage", "share of people who got a pair"),
    "fit": ("Fit", "mean score of one's pairs, of 1000"),
    "senior_partner": ("Exposure", "share who meet somebody of the upper third of the other side's ranks"),
    "high_score": ("High scores", "share with a score in the run's upper quarter"),
    "grade_gap": ("Distance in grade", "mean ranks between oneself and whom one meets"),
}
WITHHELD: Mapping[str, str] = {
    "switched_off": "The program does not audit by this dimension.",
    "nobody_declared": "Nobody has declared anything here.",
    "too_few": "Too few people: nothing is shown about fewer than {threshold}, nor where everybody else are fewer.",
    "little_changed": "Fewer than {threshold} people have changed since an earlier pack of this cohort; the difference would tell who.",
}
NOT_TESTABLE: Mapping[str, str] = {
    "switched_off": "Not testable: the program does not audit by age band.",
    "too_few": "Not testable: fewer than {least} people in each of two bands have consented.",
}
OVERSIGHT: tuple[tuple[str, str], ...] = (
    ("runs", "Runs of the cohort, by state"),
    ("proposed", "Pairs this run proposed"),
    ("released", "Pairs released to their two people"),
    ("reviews", "Verdicts of program managers before the release (locked, or rejected by reason)"),
    ("what_ifs", "What-ifs tried"),
    ("waivers", "Waivers of rules, by state"),
    ("waived_rules", "Rules waived"),
    ("waiver_approvers", "People who approved waivers"),
    ("registered_conflicts", "Registered conflicts of interest among the cohort's people"),
    ("quarantined", "Pairs paused because of a conflict so far"),
)
ACTS: Mapping[str, str] = {
    "started": "Started the run",
    "approved": "Approved a run without a proven optimum",
    "released": "Released it",
}


def word(words: Mapping[str, str], code: str) -> str:
    """The words for a code; a code that has none is shown with spaces."""
    return words.get(code, code.replace("_", " ").capitalize())
