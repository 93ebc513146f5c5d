"""The model card of a run: what the engine does with which facts, what it never uses, and how its result can be contested.

After Mitchell and others (2019), "Model Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matching.domain.match_run import RunResult

CARD_FORMAT = 1
DEFAULT_WEIGHTS: Mapping[str, tuple[int, str]] = {
    "topics": (50, "a pair needs a substantive reason"),
    "reciprocity": (20, "both sides learn"),
    "distance": (15, "another perspective is what reverse mentoring is for"),
    "language": (10, "the hard rules secure a common language; above that more is easier"),
    "hours": (5, "the hard rules secure enough shared hours; above that more is easier"),
    "values": (10, "likeness below the surface goes with good relationships"),
    "style": (10, "likeness below the surface goes with good relationships"),
    "preferences": (15, "having had a say goes with commitment"),
    "channel": (5, "a shared medium only tells apart pairs that may meet anyway"),
}
"""The platform's default weights of the parts of a score, and why; docs/forms.md has the sources."""

_STANDING = "who may meet whom"
_SCORE = "score"
INPUTS: tuple[tuple[str, str, str], ...] = (
    ("grade", "HR file", f"{_STANDING}: direction and distance in ranks"),
    ("manager, dotted lines, reviewers", "HR file", f"{_STANDING}: nobody meets their own line or reviewer"),
    ("team, projects", "HR file", f"{_STANDING}: nobody meets their own team or project"),
    ("business unit", "HR file", f"{_STANDING}, quotas, and {_SCORE}: difference"),
    ("function, region, country, tenure band", "HR file", f"{_SCORE}: difference of two people, never towards a side"),
    ("topics offered and asked, with levels", "application", f"{_STANDING}: a reason is needed; {_SCORE}"),
    ("languages with levels", "application", f"{_STANDING}; {_SCORE}"),
    ("time zone, working hours and days", "application", f"{_STANDING}; {_SCORE}"),
    ("capacity", "application", "places"),
    ("values, working style, preferred channels", "application, optional", f"{_SCORE}: likeness"),
    (
        "life experience, as keyed codes",
        "application, by consent to matching",
        f"{_SCORE}: difference, where both consented",
    ),
    ("ranked preferences", "participant", f"{_SCORE}; never overrides a rule"),
    ("priority class", "admission", "who is covered first; given to those whom an earlier cohort left waiting"),
    ("registered conflicts, waivers, locks, rejections", "program manager", _STANDING),
)
"""Everything a run may know: the field, where it comes from, and the only purpose it serves."""
NEVER_USED = (
    "age or date of birth",
    "gender",
    "disability",
    "ethnicity, religion, origin",
    "audit groups, which the run does not see: its input is the same to the byte with and without them",
    "names, addresses, photographs, free text",
    "performance ratings and pay",
    "anything said or written inside a pair",
)
LIMITS = (
    "A score says how well two declarations fit. Nothing here has shown that a higher score makes a better pair.",
    "What people declare about their own level is taken as it is.",
    "Whoever declares nothing optional is scored on fewer parts; parts that do not apply drop out with their weight.",
    "The optimum is one of the whole cohort. For one person another result may have been better.",
    "Figures about groups describe those who consented to be counted, who may differ from those who did not.",
)
CONTESTING = (
    ("Why this pair?", "The reasons stand with each proposal, in words.", "GET /v1/proposals/{pair_id}"),
    (
        "Why not those two?",
        "The rule that forbids it, or what it would have cost the others.",
        "GET /v1/runs/{run_id}/why-not",
    ),
    (
        "Why nobody for me?",
        "What of one's own could be changed, verified by solving again.",
        "GET /v1/runs/{run_id}/own-relaxations",
    ),
    (
        "Is the result what it says it is?",
        "The run is solved again and compared byte for byte.",
        "GET /v1/runs/{run_id}/replay",
    ),
    ("No", "A proposal can be declined without a reason.", "POST /v1/proposals/{pair_id}/decline"),
    (
        "Count me out",
        "The consent to audits can be taken back.",
        "DELETE /v1/participations/{participation_id}/audit-groups",
    ),
)


def model_card(result: RunResult, settings_version: int) -> dict[str, Any]:
    """The card of a run with this result, as a plain document; figures are those of its certificate."""
    certificate = result.certificate
    counts = certificate.get("counts", {})
    weights = certificate.get("scoring", {}).get("weights", {})
    return {
        "format": CARD_FORMAT,
        "purpose": "Proposes pairs of people for mentoring. People decide: nothing is formed before both have accepted.",
        "inputs": [{"field": name, "source": source, "purpose": purpose} for name, source, purpose in INPUTS],
        "never_used": list(NEVER_USED),
        "objective": [dict(level) for level in certificate.get("objective", [])],
        "bound": [dict(level) for level in certificate.get("bound", [])],
        "rules": certificate.get("rules", {}),
        "weights": [
            {
                "part": part,
                "weight": weights.get(part, 0),
                "default": default,
                "deviates": weights.get(part, 0) != default,
                "reason_of_default": reason,
            }
            for part, (default, reason) in DEFAULT_WEIGHTS.items()
        ],
        "settings_version": settings_version,
        "tie_rule": certificate.get("ties", {}).get("rule"),
        "solver": certificate.get("solver", {}),
        "status": certificate.get("status", result.outcome.value),
        "certificate_hash": result.certificate_hash,
        "input_hash": result.input_hash,
        "checked": certificate.get("checked", {}),
        "violations": certificate.get("violations"),
        "counts": dict(counts),
        "excluded_by_rule": dict(certificate.get("excluded", {})),
        "blocking_pairs": certificate.get("blocking_pairs", {}),
        "limits": list(LIMITS),
        "contesting": [
            {"question": question, "answer": answer, "route": route} for question, answer, route in CONTESTING
        ],
    }
