from __future__ import annotations

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest
from chassis.auth import KeysUnavailable, TokenRefused, TokenVerifier, read_keys
from chassis.settings import ServiceSettings

from .sample import Sample, make_sample
from .tokens import Issuer


@pytest.mark.requirement("S5")
async def test_every_token_of_the_corpus_is_refused_alike(sample: Sample, issuer: Issuer) -> None:
    corpus = issuer.corpus()
    assert len(corpus) >= 25
    answers = {}
    async with sample.client() as client:
        for fault, token in corpus.items():
            response = await client.get("/v1/notes", headers={b"authorization": f"Bearer {token}".encode()})
            answers[fault] = (response.status_code, response.content)
            assert response.headers["www-authenticate"].startswith("Bearer ")
        missing = await client.get("/v1/notes")
        basic = await client.get("/v1/notes", headers={"authorization": "Basic YTpi"})
    assert {fault: answer for fault, answer in answers.items() if answer[0] != 401} == {}
    assert {body for _, body in answers.values()} | {missing.content, basic.content} == {missing.content}
    assert missing.status_code == basic.status_code == 401


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
async def test_valid_tokens_are_accepted(issuer: Issuer, kind: str) -> None:
    person, unit = uuid4(), uuid4()
    verifier = TokenVerifier(ServiceSettings(jwks=str(issuer.path)))
    token = issuer.token(kind, person_id=str(person), business_unit=str(unit), roles=["participant", "facilitator"])
    principal = await verifier.verify(token)
    assert (principal.subject, principal.person_id, principal.business_unit_id) == ("s-1", person, unit)
    assert principal.roles == {"participant", "facilitator"}
    assert await verifier.verify(issuer.token(kind, headers={"typ": "at+jwt"}, aud=["else", "updraft"]))


async def test_claims_have_the_names_of_the_settings(issuer: Issuer) -> None:
    unit = uuid4()
    settings = ServiceSettings(jwks=str(issuer.path), unit_claim="org", roles_claim="groups", audience="api")
    token = issuer.token(aud="api", org=str(unit), groups=["facilitator"])
    principal = await TokenVerifier(settings).verify(token)
    assert principal.business_unit_id == unit
    assert principal.roles == {"facilitator"}


@pytest.mark.requirement("S5", "F13")
async def test_leeway_is_granted_and_ends(issuer: Issuer) -> None:
    now = time.time()
    verifier = TokenVerifier(ServiceSettings(jwks=str(issuer.path), token_leeway_seconds=30), now=lambda: now)
    assert await verifier.verify(issuer.token(exp=int(now) - 20, iat=int(now) - 100))
    assert await verifier.verify(issuer.token(nbf=int(now) + 20))
    with pytest.raises(TokenRefused, match="expired"):
        await verifier.verify(issuer.token(exp=int(now) - 40, iat=int(now) - 100))
    with pytest.raises(ValueError, match="60"):
        ServiceSettings(token_leeway_seconds=61)


@pytest.mark.requirement("S5")
async def test_a_remembered_token_expires(issuer: Issuer) -> None:
    clock = [time.time()]
    verifier = TokenVerifier(ServiceSettings(jwks=str(issuer.path), token_leeway_seconds=0), now=lambda: clock[0])
    token = issuer.token(exp=int(clock[0]) + 10)
    assert await verifier.verify(token)
    assert await verifier.verify(token)
    clock[0] += 11
    with pytest.raises(TokenRefused, match="expired"):
        await verifier.verify(token)


@pytest.mark.requirement("S5")
async def test_a_revoked_key_is_refused_within_the_refresh_time(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(issuer.path.read_bytes())
    clock = [time.time()]
    verifier = TokenVerifier(ServiceSettings(jwks=str(path), jwks_refresh_seconds=60), now=lambda: clock[0])
    remembered, fresh = issuer.token(), issuer.token(sub="s-2")
    assert await verifier.verify(remembered)
    path.write_text(json.dumps({"keys": [issuer.keys["ec"]]}))
    clock[0] += 61
    for token in (remembered, fresh):
        with pytest.raises(TokenRefused, match="key"):
            await verifier.verify(token)
    assert await verifier.verify(issuer.token("ec"))


@pytest.mark.requirement("S5")
async def test_a_key_replaced_under_its_name_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(issuer.path.read_bytes())
    clock = [time.time()]
    verifier = TokenVerifier(ServiceSettings(jwks=str(path)), now=lambda: clock[0])
    token = issuer.token()
    assert await verifier.verify(token)
    other = Issuer(tmp_path)
    path.write_text(json.dumps({"keys": [other.keys["rsa"]]}))
    clock[0] += 61
    with pytest.raises(TokenRefused, match="signature"):
        await verifier.verify(token)
    assert await verifier.verify(other.token())


async def test_unknown_keys_do_not_make_the_source_busy(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [issuer.keys["ec"]]}))
    clock = [time.time()]
    verifier = TokenVerifier(ServiceSettings(jwks=str(path)), now=lambda: clock[0])
    assert await verifier.verify(issuer.token("ec"))
    path.write_bytes(issuer.path.read_bytes())
    clock[0] += 30
    with pytest.raises(TokenRefused, match="key"):
        await verifier.verify(issuer.token("rsa"))
    clock[0] += 31
    assert await verifier.verify(issuer.token("rsa"))


async def test_keys_that_cannot_be_read_are_looked_for_again_soon(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    clock = [time.time()]
    verifier = TokenVerifier(ServiceSettings(jwks=str(path)), now=lambda: clock[0])
    with pytest.raises(KeysUnavailable):
        await verifier.verify(issuer.token())
    path.write_bytes(issuer.path.read_bytes())
    clock[0] += 1.1
    assert await verifier.verify(issuer.token())
    path.unlink()
    clock[0] += 120
    assert await verifier.verify(issuer.token(exp=int(clock[0]) + 60))
    clock[0] += 3600
    with pytest.raises(KeysUnavailable):
        await verifier.verify(issuer.token(exp=int(clock[0]) + 60))


async def test_without_keys_the_answer_is_503(issuer: Issuer, tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "absent.json")
    async with sample.client(issuer.token()) as client:
        response = await client.get("/v1/notes")
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_remembered_tokens_are_bounded(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.auth._MOST_REMEMBERED", 3)
    verifier = TokenVerifier(ServiceSettings(jwks=str(issuer.path)))
    for number in range(6):
        await verifier.verify(issuer.token("ed", sub=f"s-{number}"))
    assert len(verifier._remembered) == 3


@pytest.mark.requirement("S5")
def test_only_public_signature_keys_count(issuer: Issuer) -> None:
    assert set(read_keys(issuer.path.read_bytes())) == {"rsa", "ec", "ed"}
    with pytest.raises(ValueError, match="JWKS"):
        read_keys(b"[]")


@pytest.mark.parametrize("address", ["http://issuer.example/keys", "ftp://issuer.example/keys"])
def test_keys_come_by_https_or_from_a_file(address: str) -> None:
    with pytest.raises(ValueError, match="https"):
        TokenVerifier(ServiceSettings(jwks=address))
