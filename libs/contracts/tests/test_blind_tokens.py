"""Blind one-time tokens: the published vector, an independent implementation, and what must not be accepted."""

from __future__ import annotations

import json
import math
import secrets
from pathlib import Path

import pytest
from contracts.blind_tokens import (
    BlindSignatureError,
    PublicKey,
    belongs_to,
    blind,
    finalize,
    new_token,
    sign_blinded,
    verify,
)
from contracts.identifiers import uuid7
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

VECTOR = {
    name: bytes.fromhex("".join(value))
    for name, value in json.loads(Path(__file__).with_name("rfc9474_vector.json").read_text()).items()
}
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


@pytest.fixture(scope="module", params=[2048, 2049, 2055])
def private_key(request: pytest.FixtureRequest) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, request.param)


def numbers(private_key: rsa.RSAPrivateKey) -> tuple[PublicKey, int]:
    found = private_key.private_numbers()
    return PublicKey(found.public_numbers.n, found.public_numbers.e), found.d


@pytest.mark.requirement("S18")
def test_the_vector_of_rfc_9474() -> None:
    p, q = int.from_bytes(VECTOR["p"]), int.from_bytes(VECTOR["q"])
    key, d = PublicKey(p * q), pow(65537, -1, math.lcm(p - 1, q - 1))
    message = VECTOR["msg_prefix"] + VECTOR["msg"]
    blinded, secret = blind(key, message, salt=VECTOR["salt"], inverse=int.from_bytes(VECTOR["inv"]))
    assert blinded == VECTOR["blinded_msg"]
    signature = finalize(key, message, sign_blinded(blinded, n=key.n, d=d), secret)
    assert signature == VECTOR["sig"]
    assert verify(key, message, signature)


@pytest.mark.requirement("S18")
def test_a_signature_is_an_ordinary_pss_signature_to_another_implementation(private_key: rsa.RSAPrivateKey) -> None:
    key, d = numbers(private_key)
    token = new_token(uuid7())
    blinded, secret = blind(key, token)
    signature = finalize(key, token, sign_blinded(blinded, n=key.n, d=d), secret)
    private_key.public_key().verify(signature, token, PSS, hashes.SHA384())
    assert verify(key, token, private_key.sign(token, PSS, hashes.SHA384()))


@pytest.mark.requirement("S18")
def test_the_signer_sees_neither_token_nor_signature_and_no_two_blindings_are_alike() -> None:
    private_key = rsa.generate_private_key(65537, 2048)
    key, d = numbers(private_key)
    token = new_token(uuid7())
    first, second = blind(key, token)[0], blind(key, token)[0]
    assert first != second
    blinded, secret = blind(key, token)
    blind_signature = sign_blinded(blinded, n=key.n, d=d)
    signature = finalize(key, token, blind_signature, secret)
    assert signature not in (blinded, blind_signature)
    with pytest.raises(InvalidSignature):
        private_key.public_key().verify(blind_signature, token, PSS, hashes.SHA384())


def test_what_is_not_a_signature_is_refused_and_never_raises(private_key: rsa.RSAPrivateKey) -> None:
    key, _ = numbers(private_key)
    token = new_token(uuid7())
    signature = private_key.sign(token, PSS, hashes.SHA384())
    assert verify(key, token, signature)
    assert not verify(key, new_token(uuid7()), signature)
    for position in (0, len(signature) // 2, len(signature) - 1):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not verify(key, token, bytes(changed))
    for garbage in (b"", signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * len(signature)):
        assert not verify(key, token, garbage)
    for _ in range(50):
        assert not verify(key, token, secrets.token_bytes(len(signature)))
    other_salt = private_key.sign(token, padding.PSS(padding.MGF1(hashes.SHA384()), 32), hashes.SHA384())
    assert not verify(key, token, other_salt)
    assert not verify(key, token, private_key.sign(token, padding.PKCS1v15(), hashes.SHA384()))


def test_finalize_refuses_a_signer_that_signed_something_else(private_key: rsa.RSAPrivateKey) -> None:
    key, d = numbers(private_key)
    token = new_token(uuid7())
    _, secret = blind(key, token)
    another, _ = blind(key, new_token(uuid7()))
    with pytest.raises(BlindSignatureError, match="does not belong to this message"):
        finalize(key, token, sign_blinded(another, n=key.n, d=d), secret)


def test_the_signer_refuses_numbers_out_of_range_and_a_foreign_exponent(private_key: rsa.RSAPrivateKey) -> None:
    key, d = numbers(private_key)
    length = (key.n.bit_length() + 7) // 8
    for bad in (b"", bytes(length - 1), b"\xff" * (length + 1), key.n.to_bytes(length)):
        with pytest.raises(BlindSignatureError):
            sign_blinded(bad, n=key.n, d=d)
    with pytest.raises(BlindSignatureError, match="does not belong to the public one"):
        sign_blinded(blind(key, b"token")[0], n=key.n, d=d - 2)


@pytest.mark.parametrize("key", [PublicKey(2**1024 + 1), PublicKey(2**2048), PublicKey(2**2048 + 1, 1)])
def test_keys_that_are_too_weak_are_refused(key: PublicKey) -> None:
    with pytest.raises(BlindSignatureError):
        blind(key, b"token")


def test_a_token_belongs_to_its_wave_alone() -> None:
    wave = uuid7()
    token = new_token(wave)
    assert belongs_to(token, wave)
    assert not belongs_to(token, uuid7())
    assert not belongs_to(token[:-1], wave)
    assert new_token(wave) != new_token(wave)
