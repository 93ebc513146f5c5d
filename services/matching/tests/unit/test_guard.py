"""The continuous guard: what pauses a pair or takes a proposal back, what does not, and what brings a pair back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.ports import Conflict, InvalidInput, NotVisible, Principal
from contracts.enrollment import EmploymentState, PersonLeft, PersonMoved
from contracts.envelope import Envelope
from matching.application.accept_proposal import AcceptProposal, accept_proposal
from matching.application.approve_waiver import ApproveWaiver, approve_waiver
from matching.application.decline_proposal import DeclineProposal, decline_proposal
from matching.application.examine_pairs import Examined, examine_pairs
from matching.application.guard_views import OwnNoticeView, own_notice_view, quarantine_view
from matching.application.hand_over_pair import HandOverPair, hand_over_pair
from matching.application.on_people_changed import on_people_changed
from matching.application.register_conflict import RegisterConflict, register_conflict
from matching.application.remove_conflict import RemoveConflict, remove_conflict
from matching.application.request_waiver import RequestWaiver, request_waiver
from matching.application.withdraw_waiver import WithdrawWaiver, withdraw_waiver
from matching.domain.guard import CONFLICTS_OF_INTEREST, counting, unwaived
from matching.domain.pair import Pair, PairState, Resolution
from matching.domain.registered_conflict import ConflictReason
from matching.domain.rules import WAIVABLE, Rule
from matching.domain.waiver import Waiver, WaiverState

from .fakes import COHORT, MANAGER, NOW, FakeUnitOfWork, cohort_of, ended, known_person, participant
from .standing_pairs import standing_pair
from .worlds import OTHER_UNIT, UNIT, participation, person

PATIENCE = 60.0
OTHER_MANAGER = Principal("other-manager", person(901), UNIT, frozenset({"program_manager"}))
ONE_MANAGER = Principal("manager", person(900), UNIT, frozenset({"program_manager"}))
_PAIR_ID = UUID(int=0xF1)


async def guarded(*, formed: bool = True) -> tuple[FakeUnitOfWork, Pair]:
    """Mentor 1 reports to 11, who reports to 12, who reports to 13; mentee 101 to nobody. The guard has looked at them."""
    uow = cohort_of(1, 1)
    uow.principal = ONE_MANAGER
    for below, above in ((1, 11), (11, 12), (12, 13)):
        uow.known_people.held[person(below)] = known_person(below, manager_id=person(above))
    uow.known_people.held[person(13)] = known_person(13)
    pair = standing_pair(person(1), person(101), participation(1), participation(101), pair_id=_PAIR_ID, formed=formed)
    uow.pairs.held[pair.pair_id] = pair
    assert await guard(uow) == Examined()
    return uow, pair


async def guard(uow: FakeUnitOfWork) -> Examined:
    return await examine_pairs(uow, patience=PATIENCE)


def moved(number: int, *, sequence: int = 2, model: type[Any] = PersonMoved, **changes: Any) -> Envelope[Any]:
    """A person's new place; by default a change set of its own. Mentees stand high, everybody else low."""
    values: dict[str, Any] = {
        "business_unit_id": UNIT, "person_id": person(number), "state": EmploymentState.EMPLOYED, "grade": "G2",
        "grade_rank": 8 if number == 101 else 2, "team_code": f"{number:016x}", "change_set_id": UUID(int=number),
        "change_set_size": 1, "change_set_index": 0,
    }  # fmt: skip
    return Envelope.of(model(**{**values, **changes}), sequence=sequence, time=NOW)


async def hear(uow: FakeUnitOfWork, *events: Envelope[Any]) -> Examined:
    await on_people_changed(events, uow)
    return await guard(uow)


def names(uow: FakeUnitOfWork) -> Sequence[str]:
    return [type(published.event).__name__ for published in uow.published]


@pytest.mark.requirement("N2", "R3-25", "I6")
async def test_a_new_manager_high_up_pauses_a_pair_far_below_and_their_return_lets_it_go_on() -> None:
    uow, pair = await guarded()
    uow.later(seconds=3)
    assert await hear(uow, moved(13, manager_id=person(101))) == Examined(delays=(3.0,))
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED, ("reporting_chain",))
    (paused,) = uow.named("PairQuarantined")
    assert paused.state.value == "quarantined"
    assert "reporting_chain" not in paused.model_dump_json()
    assert paused.quarantined_at == NOW + timedelta(seconds=3)
    await hear(uow, moved(13, sequence=3, change_set_id=UUID(int=99)))
    assert (pair.state, pair.resolution, pair.broken_rules) == (PairState.FORMED, Resolution.CLEARED, ())
    assert names(uow) == ["PairQuarantined", "PairReinstated"]
    assert uow.named("PairReinstated")[0].resolution.value == "cleared"


@pytest.mark.requirement("N2", "R3-25")
@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (moved(12, manager_id=person(13), dotted_line_manager_ids=(person(101),)), "dotted_line"),
        (moved(101, team_code=f"{1:016x}"), "same_team"),
        (moved(101, manager_id=person(11)), "same_team"),
        (moved(1, manager_id=person(11), reviewer_ids=(person(101),)), "reviewer"),
        (moved(101, reviewer_ids=(person(1),)), "reviewer"),
        (moved(101, model=PersonLeft, state=EmploymentState.LEFT), "not_employed"),
    ],
)
@pytest.mark.parametrize("formed", [True, False])
async def test_every_kind_of_conflict_pauses_a_pair_and_takes_a_proposal_back(
    event: Envelope[Any], rule: str, formed: bool
) -> None:
    uow, pair = await guarded(formed=formed)
    await hear(uow, event)
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED if formed else PairState.WITHDRAWN, (rule,))
    assert names(uow) == ["PairQuarantined" if formed else "PairWithdrawn"]


@pytest.mark.requirement("N2")
async def test_a_common_project_pauses_a_pair() -> None:
    uow, pair = await guarded()
    project = "ab" * 8
    await hear(uow, moved(1, manager_id=person(11), project_codes=(project,)))
    assert pair.state == "formed"
    await hear(uow, moved(101, project_codes=(project,)))
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED, ("same_project",))


@pytest.mark.requirement("N2")
async def test_a_promotion_and_a_change_of_unit_part_no_pair_but_take_an_unfit_proposal_back() -> None:
    for formed, state in ((True, PairState.FORMED), (False, PairState.WITHDRAWN)):
        uow, pair = await guarded(formed=formed)
        await hear(uow, moved(1, manager_id=person(11), grade_rank=9, business_unit_id=OTHER_UNIT))
        assert pair.state is state
    assert pair.broken_rules == ("direction",)


@pytest.mark.requirement("N2")
async def test_a_change_set_is_judged_as_a_whole() -> None:
    """12 moves under the mentee, while the mentor's manager leaves 12: halfway the mentor seems to stand below the mentee."""
    uow, pair = await guarded()
    both: dict[str, Any] = {"change_set_id": UUID(int=77), "change_set_size": 2}
    first = moved(12, manager_id=person(101), change_set_index=0, **both)
    second = moved(11, manager_id=person(13), change_set_index=1, **both)
    await hear(uow, first)
    assert (pair.state, await uow.guard.is_marked(pair.pair_id)) == (PairState.FORMED, True)
    await hear(uow, second)
    assert (pair.state, uow.published, await uow.guard.is_marked(pair.pair_id)) == (PairState.FORMED, [], False)


@pytest.mark.requirement("N2")
async def test_what_has_come_is_judged_after_a_minute_and_the_rest_when_it_comes() -> None:
    uow, pair = await guarded()
    both: dict[str, Any] = {"change_set_id": UUID(int=77), "change_set_size": 2}
    await hear(uow, moved(12, manager_id=person(101), change_set_index=0, **both))
    uow.guard.pass_time(59)
    await guard(uow)
    assert pair.state == "formed"
    uow.guard.pass_time(1)
    await guard(uow)
    assert pair.state == "quarantined"
    await hear(uow, moved(11, manager_id=person(13), change_set_index=1, **both))
    assert (pair.state, pair.resolution) == (PairState.FORMED, Resolution.CLEARED)


@pytest.mark.requirement("N2")
async def test_a_pair_also_waits_for_a_change_set_it_met_only_by_another_one() -> None:
    """14 is on the way under the mentee by a change set that is not complete; another one puts the mentor below 14."""
    uow, pair = await guarded()
    uow.known_people.held[person(14)] = known_person(14)
    both: dict[str, Any] = {"change_set_id": UUID(int=77), "change_set_size": 2}
    await hear(uow, moved(14, manager_id=person(101), change_set_index=0, **both))
    assert not await uow.guard.is_marked(pair.pair_id)
    await hear(uow, moved(11, manager_id=person(14)))
    assert (pair.state, await uow.guard.is_marked(pair.pair_id)) == (PairState.FORMED, True)
    await hear(uow, moved(101, change_set_index=1, **both))
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED, ("reporting_chain",))


@pytest.mark.requirement("N2")
async def test_a_pair_that_has_ended_is_left_alone() -> None:
    uow, pair = await guarded()
    uow.known_pairs.put(ended(pair))
    await hear(uow, moved(13, manager_id=person(101)))
    assert (pair.state, uow.published) == (PairState.FORMED, [])


@pytest.mark.requirement("N2")
async def test_the_two_are_told_alike_and_nothing_of_the_reason() -> None:
    uow, pair = await guarded()
    await hear(uow, moved(13, manager_id=person(101)))
    (notice,) = uow.notices.held
    assert (notice.mentor_id, notice.mentee_id, notice.rules) == (person(1), person(101), ("reporting_chain",))
    own = own_notice_view(notice)
    assert set(OwnNoticeView.__dataclass_fields__) == {
        "notice_id", "kind", "pair_id", "cohort_id", "words", "told_at"
    }  # fmt: skip
    assert not any(rule.value.replace("_", " ") in own.words for rule in Rule)
    assert quarantine_view(pair).can_be_waived


@pytest.mark.requirement("N2", "I6")
async def test_a_proposal_made_before_a_change_cannot_be_accepted_after_it() -> None:
    uow, pair = await guarded(formed=False)
    uow.principal = participant(1)
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    await on_people_changed([moved(13, manager_id=person(101))], uow)
    uow.principal = participant(101)
    with pytest.raises(Conflict, match="being checked"):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    await guard(uow)
    with pytest.raises(Conflict, match="withdrawn"):
        await accept_proposal(AcceptProposal(pair.pair_id), uow)
    assert uow.named("PairFormed") == []


async def test_a_paused_pair_is_still_formed_for_its_two_people() -> None:
    uow, pair = await guarded()
    await hear(uow, moved(13, manager_id=person(101)))
    uow.principal = participant(1)
    await accept_proposal(AcceptProposal(pair.pair_id), uow)
    with pytest.raises(Conflict, match="formed"):
        await decline_proposal(DeclineProposal(pair.pair_id), uow)
    assert (pair.state, names(uow)) == (PairState.QUARANTINED, ["PairQuarantined"])


@pytest.mark.requirement("N2", "R3-25", "I6")
async def test_a_registered_conflict_pauses_a_pair_and_its_removal_lets_it_go_on() -> None:
    uow, pair = await guarded()
    entry = await register_conflict(RegisterConflict(person(101), person(1), ConflictReason.FAMILY), uow)
    assert entry.people == (person(1), person(101))
    assert await uow.guard.is_marked(pair.pair_id)
    await guard(uow)
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED, ("excluded",))
    assert not quarantine_view(pair).can_be_waived
    assert uow.guard.outdated[0] == {person(1), person(101)}
    await remove_conflict(RemoveConflict(entry.conflict_id), uow)
    await guard(uow)
    assert (pair.state, pair.resolution) == (PairState.FORMED, Resolution.CLEARED)
    assert uow.actions == ["register-conflict", "remove-conflict"]


async def test_a_conflict_is_registered_by_the_unit_of_one_of_the_two_only() -> None:
    uow, _ = await guarded()
    await register_conflict(RegisterConflict(person(1), person(777), ConflictReason.OTHER), uow)
    with pytest.raises(InvalidInput):
        await register_conflict(RegisterConflict(person(1), person(1), ConflictReason.OTHER), uow)
    uow.principal = Principal("else", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await register_conflict(RegisterConflict(person(1), person(101), ConflictReason.OTHER), uow)
    with pytest.raises(NotVisible):
        await remove_conflict(RemoveConflict(next(iter(uow.conflicts.held))), uow)


async def waived(uow: FakeUnitOfWork, *rules: str) -> Waiver:
    uow.principal = ONE_MANAGER
    waiver = await request_waiver(
        RequestWaiver(COHORT, participation(1), participation(101), rules, "they never work together"), uow
    )
    uow.principal = OTHER_MANAGER
    return await approve_waiver(ApproveWaiver(waiver.waiver_id), uow)


@pytest.mark.requirement("N2")
async def test_a_waiver_lets_a_paused_pair_go_on_until_it_is_withdrawn() -> None:
    uow, pair = await guarded()
    await hear(uow, moved(13, manager_id=person(101)))
    waiver = await waived(uow, "reporting_chain")
    await guard(uow)
    assert (pair.state, pair.resolution) == (PairState.FORMED, Resolution.WAIVED)
    await withdraw_waiver(WithdrawWaiver(waiver.waiver_id), uow)
    await withdraw_waiver(WithdrawWaiver(waiver.waiver_id), uow)
    await guard(uow)
    assert (pair.state, waiver.state) == (PairState.QUARANTINED, WaiverState.WITHDRAWN)
    assert names(uow) == ["PairQuarantined", "PairReinstated", "PairQuarantined"]
    assert uow.actions == ["request-waiver", "approve-waiver", "withdraw-waiver"]


@pytest.mark.requirement("N2")
async def test_a_waiver_of_one_rule_waives_no_other() -> None:
    uow, pair = await guarded()
    await hear(uow, moved(13, manager_id=person(101)), moved(1, manager_id=person(11), team_code=f"{101:016x}"))
    assert list(pair.broken_rules) == ["reporting_chain", "same_team"]
    await waived(uow, "reporting_chain")
    await guard(uow)
    assert (pair.state, pair.broken_rules) == (PairState.QUARANTINED, ("same_team",))
    await waived(uow, "same_team")
    await guard(uow)
    assert pair.state == "formed"


async def test_four_eyes_approve_a_waiver() -> None:
    uow, _ = await guarded()
    command = RequestWaiver(COHORT, participation(1), participation(101), ("same_team",), "they never work together")
    waiver = await request_waiver(command, uow)
    for who in (
        ONE_MANAGER,
        Principal("another-account", person(900), UNIT, frozenset({"program_manager"})),
        Principal("nobody-by-name", None, UNIT, frozenset({"program_manager"})),
    ):
        uow.principal = who
        with pytest.raises(Conflict):
            await approve_waiver(ApproveWaiver(waiver.waiver_id), uow)
    assert await uow.waivers.of_cohort(COHORT) == []
    uow.principal = OTHER_MANAGER
    await approve_waiver(ApproveWaiver(waiver.waiver_id), uow)
    assert [one.approved_by and one.approved_by.person_id for one in await uow.waivers.of_cohort(COHORT)] == [
        person(901)
    ]
    with pytest.raises(Conflict, match="approved"):
        await approve_waiver(ApproveWaiver(waiver.waiver_id), uow)


@pytest.mark.parametrize("rules", [("excluded",), ("same_team", "not_employed"), (), ("nonsense",)])
async def test_what_cannot_be_waived_is_refused(rules: tuple[str, ...]) -> None:
    uow, _ = await guarded()
    with pytest.raises(InvalidInput) as refused:
        await request_waiver(RequestWaiver(COHORT, participation(1), participation(101), rules, "because"), uow)
    assert refused.value.field == "rules"


async def test_a_waiver_is_for_a_mentor_and_a_mentee_of_an_own_cohort() -> None:
    uow, _ = await guarded()
    for mentor, mentee in ((101, 1), (1, 1), (1, 555)):
        with pytest.raises(NotVisible):
            await request_waiver(
                RequestWaiver(COHORT, participation(mentor), participation(mentee), ("same_team",), "because"), uow
            )
    uow.principal = Principal("else", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await request_waiver(
            RequestWaiver(COHORT, participation(1), participation(101), ("same_team",), "because"), uow
        )


@pytest.mark.requirement("N2", "I6")
async def test_a_hand_over_ends_a_paused_pair_and_frees_both_places() -> None:
    uow, pair = await guarded()
    with pytest.raises(Conflict, match="quarantined"):
        await hand_over_pair(HandOverPair(pair.pair_id), uow)
    await hear(uow, moved(13, manager_id=person(101)))
    (standing,) = await uow.pairs.standing(COHORT)
    assert standing.holds_places
    uow.principal = Principal("else", None, OTHER_UNIT, frozenset({"program_manager"}))
    with pytest.raises(NotVisible):
        await hand_over_pair(HandOverPair(pair.pair_id), uow)
    uow.principal = MANAGER
    await hand_over_pair(HandOverPair(pair.pair_id, match_again=True), uow)
    (standing,) = await uow.pairs.standing(COHORT)
    assert (pair.state, standing.holds_places, len(uow.runs.held)) == (PairState.HANDED_OVER, False, 1)
    (told,) = uow.named("PairHandedOver")
    assert (told.state.value, told.resolution.value) == ("ended", "ended")
    await hear(uow, moved(13, sequence=3, change_set_id=UUID(int=99)))
    assert pair.state == "handed_over"


@pytest.mark.requirement("N2")
async def test_an_application_that_changes_takes_an_unfit_proposal_back_and_leaves_a_formed_pair() -> None:
    for formed in (True, False):
        uow, pair = await guarded(formed=formed)
        held = uow.known_participations.held[participation(1)]
        uow.known_participations.held[participation(1)] = type(held)(
            **{**{name: getattr(held, name) for name in held.__dataclass_fields__}, "languages": {}}
        )
        uow.guard.note_application(participation(1), person(1), UNIT, NOW)
        await guard(uow)
        assert pair.state is (PairState.FORMED if formed else PairState.WITHDRAWN)
    assert pair.broken_rules == ("shared_language",)


def test_only_conflicts_of_interest_count_for_a_formed_pair() -> None:
    assert set(counting(Rule, formed=True)) == CONFLICTS_OF_INTEREST
    assert set(Rule) - set(counting(Rule, formed=False)) == {Rule.CAPACITY, Rule.ALREADY_PAIRED}
    assert set(unwaived(Rule, {rule.value for rule in Rule})) == set(Rule) - WAIVABLE
