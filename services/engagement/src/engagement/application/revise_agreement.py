"""A participant proposes other terms for the agreement of their own pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from chassis.ports import Conflict, InvalidInput, check_version
from contracts.engagement import AgreementSigned

from engagement.application.access import own_pair
from engagement.application.facts import publish_pair
from engagement.application.ports import EngagementUnitOfWork
from engagement.application.views import AgreementView, agreement_view


@dataclass(frozen=True, slots=True)
class ReviseAgreement:
    """Change the terms that `changes` names, by their field of `Terms`;

    `expected_version` is the pair's, as last read.
    """

    pair_id: UUID
    expected_version: int
    changes: Mapping[str, Any]


async def revise_agreement(command: ReviseAgreement, uow: EngagementUnitOfWork) -> AgreementView:
    """Make a new version, signed by the one who proposes it. What both signed stays in force until the other signs too.

    :raises NotVisible: the pair is not the principal's own.
    :raises PreconditionFailed: the pair has changed since it was read.
    :raises Conflict: the pair is over or paused.
    :raises InvalidInput: nothing is changed, a required term is empty, or a term breaks a rule.
    """
    pair, side = await own_pair(command.pair_id, uow)
    check_version(pair.version, command.expected_version)
    agreement = await uow.agreements.get(pair.pair_id, pair.agreement_version)
    if agreement is None:
        raise Conflict("the pair has no agreement")
    changed = replace(agreement, terms=replace(agreement.terms, **command.changes))
    if changed == agreement:
        raise InvalidInput("these are the terms already", remedy="sign the agreement as it is")
    pair.revise(side, terms=changed.terms, now=uow.now)
    uow.agreements.add(pair, changed)
    uow.pairs.save(pair)
    publish_pair(AgreementSigned, pair, uow)
    return agreement_view(pair, changed)
