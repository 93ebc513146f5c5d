"""Anonymous one-time tokens: RSA blind signatures after RFC 9474, variant RSABSSA-SHA384-PSS-Deterministic.

A participant makes a token, blinds it and has it signed once in their own name; the signer does not see the token.
Later the token and its unblinded signature are presented without a name: valid, and not to be linked to anybody.

    token = new_token(wave_id)                               # participant
    blinded, secret = blind(key, token)                      # participant, sends `blinded` in their own name
    blind_signature = sign_blinded(blinded, n=n, d=d)        # service, once a person
    signature = finalize(key, token, blind_signature, secret)    # participant, sends token and signature without a name
    verify(key, token, signature)                            # service

Python's integers do not compute in constant time; `sign_blinded` therefore works on a value it has blinded again.
A key signs tokens of one purpose only and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from typing import NamedTuple
from uuid import UUID

_HASH_BYTES = 48
_SALT_BYTES = 48
_MINIMUM_BITS = 2048
_ENTROPY_BYTES = 32
TOKEN_BYTES = 16 + _ENTROPY_BYTES
"""Length of a token: the wave's id, then random bytes."""


class PublicKey(NamedTuple):
    """An RSA public key; the modulus has at least 2,048 bits."""

    n: int
    e: int = 65537


class BlindSignatureError(ValueError):
    """A value that does not belong to the key, or a signature that is wrong."""


def new_token(wave_id: UUID) -> bytes:
    """A fresh token for one survey wave: 16 bytes of its id and 32 random ones."""
    return wave_id.bytes + secrets.token_bytes(_ENTROPY_BYTES)


def belongs_to(token: bytes, wave_id: UUID) -> bool:
    """Whether a token was made for this wave."""
    return len(token) == TOKEN_BYTES and token.startswith(wave_id.bytes)


def blind(
    key: PublicKey, message: bytes, *, salt: bytes | None = None, inverse: int | None = None
) -> tuple[bytes, int]:
    """The message hidden from the signer, and the secret that `finalize` needs to unblind the signature.

    `salt` (48 bytes) and `inverse` (of the blinding factor modulo n) are drawn at random; test vectors fix them.

    Raises:
        BlindSignatureError: the key is too small, or the message cannot be signed with it.
    """
    _check(key)
    encoded = int.from_bytes(_pss_encode(message, salt or secrets.token_bytes(_SALT_BYTES), key.n.bit_length() - 1))
    if math.gcd(encoded, key.n) != 1:
        raise BlindSignatureError("the message shares a factor with the key")
    unblinding = inverse if inverse is not None else _unit(key.n)
    factor = pow(unblinding, -1, key.n)
    return _to_bytes(encoded * pow(factor, key.e, key.n) % key.n, key.n), unblinding


def sign_blinded(blinded: bytes, *, n: int, d: int, e: int = 65537) -> bytes:
    """The blind signature of a blinded message, by the holder of the private exponent `d`.

    Raises:
        BlindSignatureError: `blinded` is not a number below n of the key's length, or `d` is not the key's exponent.
    """
    key = PublicKey(n, e)
    _check(key)
    value = _to_number(blinded, n)
    mask = _unit(n)
    signed = pow(value * pow(mask, e, n) % n, d, n) * pow(mask, -1, n) % n
    if pow(signed, e, n) != value:
        raise BlindSignatureError("the private key does not belong to the public one")
    return _to_bytes(signed, n)


def finalize(key: PublicKey, message: bytes, blind_signature: bytes, inverse: int) -> bytes:
    """The signature of the message itself, an ordinary RSASSA-PSS one (SHA-384, salt of 48 bytes).

    Raises:
        BlindSignatureError: the signer did not sign what was blinded.
    """
    _check(key)
    signature = _to_bytes(_to_number(blind_signature, key.n) * inverse % key.n, key.n)
    if not verify(key, message, signature):
        raise BlindSignatureError("the blind signature does not belong to this message")
    return signature


def verify(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's on this message. Never raises on a malformed signature."""
    _check(key)
    try:
        value = _to_number(signature, key.n)
    except BlindSignatureError:
        return False
    bits = key.n.bit_length() - 1
    length = (bits + 7) // 8
    opened = pow(value, key.e, key.n)
    if opened.bit_length() > bits:
        return False
    return _pss_verify(message, opened.to_bytes(length), bits)


def _check(key: PublicKey) -> None:
    if key.n.bit_length() < _MINIMUM_BITS or key.n % 2 == 0 or key.e < 3 or key.e % 2 == 0:
        raise BlindSignatureError("not an RSA key of at least 2048 bits")


def _unit(n: int) -> int:
    """A random number below n that has an inverse."""
    while True:
        value = 1 + secrets.randbelow(n - 1)
        if math.gcd(value, n) == 1:
            return value


def _to_bytes(value: int, n: int) -> bytes:
    return value.to_bytes((n.bit_length() + 7) // 8)


def _to_number(raw: bytes, n: int) -> int:
    if len(raw) != (n.bit_length() + 7) // 8:
        raise BlindSignatureError("the length is not the key's")
    value = int.from_bytes(raw)
    if value >= n:
        raise BlindSignatureError("the number is not below the key's modulus")
    return value


def _mask(seed: bytes, length: int) -> bytes:
    """MGF1 with SHA-384 (RFC 8017, B.2.1)."""
    blocks = (hashlib.sha384(seed + count.to_bytes(4)).digest() for count in range(-(-length // _HASH_BYTES)))
    return b"".join(blocks)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def _salted_hash(message: bytes, salt: bytes) -> bytes:
    return hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()


def _pss_encode(message: bytes, salt: bytes, bits: int) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017, 9.1.1) into (bits + 7) // 8 bytes."""
    length = (bits + 7) // 8
    digest = _salted_hash(message, salt)
    block = bytes(length - len(salt) - _HASH_BYTES - 2) + b"\x01" + salt
    masked = bytearray(_xor(block, _mask(digest, len(block))))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + digest + b"\xbc"


def _pss_verify(message: bytes, encoded: bytes, bits: int) -> bool:
    """EMSA-PSS-VERIFY (RFC 8017, 9.1.2) for a salt of 48 bytes."""
    unused = 8 * len(encoded) - bits
    masked, digest, last = encoded[: -_HASH_BYTES - 1], encoded[-_HASH_BYTES - 1 : -1], encoded[-1]
    if last != 0xBC or masked[0] >> (8 - unused):
        return False
    block = bytearray(_xor(masked, _mask(digest, len(masked))))
    block[0] &= 0xFF >> unused
    padding = bytes(len(block) - _SALT_BYTES - 1) + b"\x01"
    if not hmac.compare_digest(bytes(block[:-_SALT_BYTES]), padding):
        return False
    return hmac.compare_digest(digest, _salted_hash(message, bytes(block[-_SALT_BYTES:])))
