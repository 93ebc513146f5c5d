"""A participant signs the agreement of their own pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from chassis.ports import Conflict
from contracts.engagement import AgreementSigned

from engagement.application.access import own_pair
from engagement.application.activation import activate_if_ready
from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import AgreementView, agreement_view


@dataclass(frozen=True, slots=True)
class SignAgreement:
    """Sign version `agreement_version`. `changes` names terms to fill in or change first, by their field of `Terms`."""

    pair_id: UUID
    agreement_version: int
    changes: Mapping[str, Any] = field(default_factory=dict)


async def sign_agreement(command: SignAgreement, uow: EngagementUnitOfWork) -> AgreementView:
    """Sign; with changed terms that makes a new version, which waits for the other side.

    The second signature puts the agreement in force, and activates the pair where nothing else is missing and no trial
    is under way.

    :raises NotVisible: the pair is not the principal's own.
    :raises Conflict: another version is the current one, this side has signed it, or the pair is over or paused.
    :raises InvalidInput: a required term is empty, or a term breaks a rule.
    """
    pair, side = await own_pair(command.pair_id, uow)
    agreement = await uow.agreements.get(pair.pair_id, pair.agreement_version)
    if agreement is None:
        raise Conflict("the pair has no agreement")
    changed = replace(agreement, terms=replace(agreement.terms, **command.changes))
    if changed != agreement:
        pair.require_agreement_version(command.agreement_version)
        pair.revise(side, terms=changed.terms, now=uow.now)
        uow.agreements.add(pair, changed)
    else:
        pair.sign(side, agreement_version=command.agreement_version, terms=agreement.terms, now=uow.now)
    publish_pair(AgreementSigned, pair, uow)
    activate_if_ready(pair, uow)
    uow.pairs.save(pair)
    return agreement_view(pair, changed)
