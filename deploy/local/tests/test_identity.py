"""Development tokens: what the services' own verification makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from updraft.identity import DevelopmentIdentity


@pytest.fixture
def identity(tmp_path: Path) -> DevelopmentIdentity:
    return DevelopmentIdentity(tmp_path / "identity").ensure()


def test_a_token_verifies_against_the_published_key_and_says_who_and_which_unit(identity: DevelopmentIdentity):
    person, unit = uuid4(), uuid4()
    token = identity.token(roles=["participant"], person_id=person, business_unit_id=unit, lifetime=60)
    key = jwt.PyJWKSet.from_json(identity.jwks)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, ["RS256"], audience="updraft", issuer="https://updraft.local")
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert (claims["person_id"], claims["business_unit"], claims["roles"]) == (str(person), str(unit), ["participant"])
    assert claims["sub"] == str(person)
    assert claims["exp"] - claims["iat"] == 60
    assert claims["nbf"] == claims["iat"]


@pytest.mark.requirement("S5")
async def test_services_accept_it(identity: DevelopmentIdentity):
    from chassis.auth import TokenVerifier
    from chassis.settings import ServiceSettings

    verifier = TokenVerifier(
        ServiceSettings(jwks=str(identity.jwks_file), issuer=identity.ISSUER, audience=identity.AUDIENCE)
    )
    person, unit = uuid4(), uuid4()
    principal = await verifier.verify(identity.token(roles=["facilitator"], person_id=person, business_unit_id=unit))
    assert (principal.person_id, principal.business_unit_id, principal.roles) == (person, unit, {"facilitator"})


def test_the_key_is_made_once_and_kept_private(identity: DevelopmentIdentity):
    before = identity.jwks
    assert identity.ensure().jwks == before
    assert (identity.folder / "key.pem").stat().st_mode & 0o077 == 0
    assert json.loads(before)["keys"][0].keys() == {"kty", "n", "e", "kid", "use", "alg"}


def test_a_role_that_does_not_exist_is_refused(identity: DevelopmentIdentity):
    with pytest.raises(ValueError, match="program_manager"):
        identity.token(roles=["king"])
