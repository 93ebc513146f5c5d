"""Who calls: verification of bearer tokens (JWT) against the pinned keys of one issuer.

Only keys of the configured JWKS count; a token's own hints about keys (jku, x5u, jwk, x5c) make it refused. Algorithms
are tied to key types, so no public key can ever serve as a shared secret.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chassis import metrics
from chassis.logs import logger
from chassis.ports import Principal
from chassis.settings import ServiceSettings

LARGEST_TOKEN = 8 * 1024
"""Bytes of the longest token that is looked at."""

_LARGEST_JWKS = 1024 * 1024
_MOST_REMEMBERED = 4096
_MOST_ROLES = 32
_FETCH_TIMEOUT_SECONDS = 3.0
_TRY_AGAIN_SECONDS = 1.0
_KEYS_OUTLIVE_A_SILENT_ISSUER_SECONDS = 3600.0
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_FORBIDDEN_HEADERS = frozenset({"crit", "jku", "x5u", "jwk", "x5c", "b64", "zip", "enc"})

_log = logger(__name__)


class TokenRefused(Exception):
    """The token proves nothing. `reason` is one word for metrics; the caller is never told which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(Exception):
    """No current keys of the issuer are at hand, so no token can be judged."""


@dataclass(frozen=True, slots=True)
class _Key:
    algorithm: str
    key: Any
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    expires: float
    key_id: str
    fingerprint: bytes


def _algorithm_of(key: Any) -> str | None:
    if isinstance(key, RSAPublicKey) and key.key_size >= 2048:
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA"
    return None


def read_keys(document: bytes) -> dict[str, _Key]:
    """The usable keys of a JWKS by their `kid`: public signature keys for RS256 (2048 bits or more), ES256 or EdDSA.

    Others (shared secrets among them) are passed over. ValueError when the document is not a JWKS.
    """
    parsed = json.loads(document)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError("not a JWKS")
    keys: dict[str, _Key] = {}
    for entry in parsed["keys"]:
        if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP") or "d" in entry:
            continue
        key_id, use = entry.get("kid"), entry.get("use", "sig")
        if not isinstance(key_id, str) or not key_id or use != "sig":
            continue
        try:
            algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[entry["kty"]]
            key = jwt.PyJWK(entry, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if _algorithm_of(key) != algorithm or entry.get("alg", algorithm) != algorithm:
            continue
        fingerprint = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).digest()
        keys[key_id] = _Key(algorithm, key, fingerprint)
    return keys


def _fetch(address: str) -> bytes:
    parts = urlsplit(address)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=_FETCH_TIMEOUT_SECONDS, context=ssl.create_default_context()
    )
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"accept": "application/json"})
        response = connection.getresponse()
        body = response.read(_LARGEST_JWKS + 1)
        if response.status != 200 or len(body) > _LARGEST_JWKS:
            raise OSError(f"the issuer's keys were answered with {response.status}, {len(body)} bytes")
        return body
    finally:
        connection.close()


class KeySource:
    """The issuer's public keys from a file or an https address, read again at most once per refresh time.

    A key that has gone from there is refused after at most that time. While the address does not answer, the last keys
    serve for an hour; after that KeysUnavailable is raised.
    """

    def __init__(self, address: str, refresh_seconds: float, now: Callable[[], float] = time.time) -> None:
        if "://" in address and not address.startswith("https://"):
            raise ValueError("keys come from a file or an https address")
        self._address = address
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._keys: dict[str, _Key] = {}
        self._next_look = float("-inf")
        self._loaded = float("-inf")
        self._loading = asyncio.Lock()

    async def key(self, key_id: str) -> _Key | None:
        """The current key of this id, or None."""
        if self._now() >= self._next_look:
            async with self._loading:
                if self._now() >= self._next_look:
                    await self._load()
        if self._now() - self._loaded > _KEYS_OUTLIVE_A_SILENT_ISSUER_SECONDS:
            raise KeysUnavailable
        return self._keys.get(key_id)

    def holds(self, key_id: str, fingerprint: bytes) -> bool | None:
        """Whether this very key is current; None when the keys must be looked at again first."""
        if self._now() >= self._next_look:
            return None
        key = self._keys.get(key_id)
        return key is not None and key.fingerprint == fingerprint

    async def _load(self) -> None:
        wait = _TRY_AGAIN_SECONDS
        try:
            if self._address.startswith("https://"):
                document = await asyncio.to_thread(_fetch, self._address)
            else:
                document = Path(self._address).read_bytes()  # noqa: ASYNC240 - a few kilobytes of local disk once a minute
            self._keys = read_keys(document)
            self._loaded = self._now()
            wait = self._refresh_seconds
        except (OSError, ValueError, http.client.HTTPException):
            _log.exception("the issuer's keys could not be read")
        self._next_look = self._now() + wait


def _part(text: str) -> bytes:
    if not text or "=" in text:
        raise TokenRefused("malformed")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _header(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("malformed")
    try:
        header = json.loads(_part(parts[0]))
    except (ValueError, RecursionError) as error:
        raise TokenRefused("malformed") from error
    if not isinstance(header, dict):
        raise TokenRefused("malformed")
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefused("header")
    declared = header.get("typ")
    if not isinstance(declared, str) or declared.lower() not in _TYPES:
        raise TokenRefused("type")
    return header


class TokenVerifier:
    """Turns a bearer token into a Principal, or refuses it.

    Verified tokens are remembered (at most 4096, by their SHA-256) until they expire or their key goes, so that a
    signature is checked once per token and process.
    """

    def __init__(self, settings: ServiceSettings, now: Callable[[], float] = time.time) -> None:
        if settings.jwks is None:
            raise ValueError("UPDRAFT_JWKS must name the issuer's public keys")
        self._settings = settings
        self._now = now
        self._keys = KeySource(settings.jwks, settings.jwks_refresh_seconds, now)
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """The token's principal. Raises TokenRefused, or KeysUnavailable when nothing can be judged."""
        try:
            return await self._verify(token)
        except TokenRefused as refusal:
            metrics.TOKENS_REFUSED.labels(refusal.reason).inc()
            raise

    async def _verify(self, token: str) -> Principal:
        if len(token) > LARGEST_TOKEN or not token.isascii():
            raise TokenRefused("oversize" if len(token) > LARGEST_TOKEN else "malformed")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is not None:
            if known.expires > self._now() and await self._still_pinned(known):
                self._remembered.move_to_end(digest)
                return known.principal
            self._remembered.pop(digest, None)
        header = _header(token)
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise TokenRefused("key")
        key = await self._keys.key(key_id)
        if key is None:
            raise TokenRefused("key")
        if header.get("alg") != key.algorithm:
            raise TokenRefused("algorithm")
        claims = self._claims(token, key)
        principal = self._principal(claims)
        self._check_times(claims)
        self._remembered[digest] = _Remembered(principal, float(claims["exp"]), key_id, key.fingerprint)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return principal

    async def _still_pinned(self, known: _Remembered) -> bool:
        pinned = self._keys.holds(known.key_id, known.fingerprint)
        if pinned is not None:
            return pinned
        key = await self._keys.key(known.key_id)
        return key is not None and key.fingerprint == known.fingerprint

    def _claims(self, token: str, key: _Key) -> dict[str, Any]:
        required = ["exp", "iat", "iss", "aud", "sub"]
        options: Any = {"require": required, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            return jwt.decode(
                token,
                key=key.key,
                algorithms=[key.algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options=options,
            )
        except jwt.InvalidSignatureError as error:
            raise TokenRefused("signature") from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise TokenRefused("audience") from error
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused("claims") from error

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._now(), self._settings.token_leeway_seconds
        times = {"nbf": 0.0}
        for name in ("exp", "iat", "nbf"):
            value = claims.get(name, times.get(name))
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 2**53:
                raise TokenRefused("claims")
            times[name] = float(value)
        if times["exp"] + leeway <= now:
            raise TokenRefused("expired")
        if max(times["nbf"], times["iat"]) - leeway > now:
            raise TokenRefused("early")

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject, roles = claims.get("sub"), claims.get(self._settings.roles_claim, [])
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise TokenRefused("claims")
        if not isinstance(roles, list) or len(roles) > _MOST_ROLES or not all(isinstance(role, str) for role in roles):
            raise TokenRefused("claims")
        return Principal(
            subject=subject,
            person_id=_id(claims.get(self._settings.person_claim)),
            business_unit_id=_id(claims.get(self._settings.unit_claim)),
            roles=frozenset(roles),
        )


def _id(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("claims") from error
