"""An issuer for tests: keys of each kind, their JWKS, and tokens, valid or tampered with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://updraft.example/identity"
AUDIENCE = "updraft"


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "jwks.json"
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.weak_rsa = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.ed = ed25519.Ed25519PrivateKey.generate()
        self.foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys = {"rsa": self._public("rsa"), "ec": self._public("ec"), "ed": self._public("ed")}
        self.publish()

    def _public(self, kind: str) -> dict[str, Any]:
        if kind == "rsa":
            return {
                **json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())),
                "kid": "rsa",
                "alg": "RS256",
                "use": "sig",
            }
        if kind == "ec":
            return {**json.loads(ECAlgorithm.to_jwk(self.ec.public_key())), "kid": "ec", "alg": "ES256", "use": "sig"}
        return {**json.loads(OKPAlgorithm.to_jwk(self.ed.public_key())), "kid": "ed", "use": "sig"}

    def publish(self) -> None:
        weak = json.loads(RSAAlgorithm.to_jwk(self.weak_rsa.public_key()))
        unusable = [
            {"kty": "oct", "kid": "shared", "k": encoded(b"secret" * 8), "alg": "HS256"},
            {**weak, "kid": "weak"},
            {**self._public("rsa"), "kid": "for-encryption", "use": "enc"},
        ]
        self.path.write_text(json.dumps({"keys": [*self.keys.values(), *unusable]}))

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "s-1", "iat": now, "exp": now + 300, "roles": ["participant"]}
        claims |= changes
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, kind: str = "rsa", *, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        algorithm = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}[kind]
        key: Any = {"rsa": self.rsa, "ec": self.ec, "ed": self.ed}[kind]
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": kind, **(headers or {})})

    def hs256_with_public_key(self) -> str:
        public = self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return self.hs256(public, {"alg": "HS256", "typ": "JWT", "kid": "rsa"})

    def hs256(self, secret: bytes, header: dict[str, Any]) -> str:
        signed = f"{encoded(header)}.{encoded(self.claims())}"
        return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def signed(self, header: dict[str, Any], payload: Any) -> str:
        """A token with a true RS256 signature over whatever header and payload."""
        text = f"{encoded(header)}.{encoded(payload)}"
        return f"{text}.{encoded(RSAAlgorithm(RSAAlgorithm.SHA256).sign(text.encode(), self.rsa))}"

    def corpus(self) -> dict[str, str]:
        """Tokens that must all be refused, by what is wrong with them."""
        now = int(time.time())
        good = self.token()
        header, payload, signature = good.split(".")
        plain = {"alg": "RS256", "typ": "JWT", "kid": "rsa"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            weak = jwt.encode(self.claims(), self.weak_rsa, "RS256", headers={"kid": "weak"})
        return {
            "empty": "",
            "no dots": "abc",
            "two parts": f"{header}.{payload}",
            "five parts": f"{good}.a.b",
            "not base64": f"{header}.{payload}.***",
            "header not JSON": f"{encoded(b'{')}.{payload}.{signature}",
            "header a list": f"{encoded([])}.{payload}.{signature}",
            "not ASCII": good[:-1] + "é",
            "alg none": f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': 'rsa'})}.{payload}.",
            "alg None": f"{encoded({'alg': 'None', 'typ': 'JWT', 'kid': 'rsa'})}.{payload}.{signature}",
            "no alg": f"{encoded({'typ': 'JWT', 'kid': 'rsa'})}.{payload}.{signature}",
            "HS256 with the public key as secret": self.hs256_with_public_key(),
            "HS256 with a shared secret of the JWKS": self.hs256(
                b"secret" * 8, {"alg": "HS256", "typ": "JWT", "kid": "shared"}
            ),
            "RS512": jwt.encode(self.claims(), self.rsa, "RS512", headers={"kid": "rsa"}),
            "PS256": jwt.encode(self.claims(), self.rsa, "PS256", headers={"kid": "rsa"}),
            "ES256 said, RSA key named": jwt.encode(self.claims(), self.ec, "ES256", headers={"kid": "rsa"}),
            "RS256 said, EC key named": jwt.encode(self.claims(), self.rsa, "RS256", headers={"kid": "ec"}),
            "foreign key under our kid": jwt.encode(self.claims(), self.foreign, "RS256", headers={"kid": "rsa"}),
            "unknown kid": jwt.encode(self.claims(), self.rsa, "RS256", headers={"kid": "else"}),
            "no kid": jwt.encode(self.claims(), self.rsa, "RS256"),
            "kid not text": self.signed({**plain, "kid": ["rsa"]}, self.claims()),
            "weak key": weak,
            "key for encryption": jwt.encode(self.claims(), self.rsa, "RS256", headers={"kid": "for-encryption"}),
            "jku": self.token(headers={"jku": "https://evil.example/keys"}),
            "x5u": self.token(headers={"x5u": "https://evil.example/cert"}),
            "jwk": self.token(headers={"jwk": self.keys["rsa"]}),
            "crit": self.token(headers={"crit": ["exp"]}),
            "typ of an id token": self.token(headers={"typ": "id_token"}),
            "no typ": self.signed({"alg": "RS256", "kid": "rsa"}, self.claims()),
            "payload changed": f"{header}.{encoded(self.claims(roles=['platform_admin']))}.{signature}",
            "signature cut": good[:-8],
            "payload not an object": self.signed(plain, [1]),
            "payload not JSON": self.signed(plain, b"{"),
            "expired": self.token(exp=now - 61, iat=now - 600),
            "no exp": self.token(exp=...),
            "exp as text": self.signed(plain, self.claims(exp=str(now + 300))),
            "exp infinite": self.signed(plain, self.claims(exp=float("inf"))),
            "exp true": self.signed(plain, self.claims(exp=True)),
            "not yet valid": self.token(nbf=now + 90),
            "issued in the future": self.token(iat=now + 90, exp=now + 600),
            "no iat": self.token(iat=...),
            "other issuer": self.token(iss="https://evil.example"),
            "no issuer": self.token(iss=...),
            "other audience": self.token(aud="payroll"),
            "no audience": self.token(aud=...),
            "no subject": self.token(sub=...),
            "subject empty": self.token(sub=""),
            "subject a number": self.signed(plain, self.claims(sub=7)),
            "roles as text": self.token(roles="platform_admin"),
            "roles not text": self.token(roles=[1]),
            "too many roles": self.token(roles=["participant"] * 33),
            "person not an id": self.token(person_id="me"),
            "unit not an id": self.token(business_unit=["a"]),
            "oversize": self.token(padding="x" * 9000),
        }
