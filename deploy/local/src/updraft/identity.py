"""The development issuer: a key made at first start signs tokens for people who try the system out. Production is any OIDC issuer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROLES = ("platform_admin", "program_manager", "facilitator", "participant", "data_reader")


@dataclass(frozen=True, slots=True)
class DevelopmentIdentity:
    """The key pair in `<folder>/key.pem` and its public half in `<folder>/jwks.json`; made by `ensure`."""

    folder: Path

    ISSUER: ClassVar[str] = "https://updraft.local"
    AUDIENCE: ClassVar[str] = "updraft"

    @property
    def jwks_file(self) -> Path:
        """The public key as a JWKS document; what services and the gateway are given."""
        return self.folder / "jwks.json"

    @property
    def jwks(self) -> str:
        """The text of the JWKS document."""
        return self.jwks_file.read_text()

    @property
    def _key_file(self) -> Path:
        return self.folder / "key.pem"

    def ensure(self) -> DevelopmentIdentity:
        """Make the key unless there is one. Returns itself."""
        if not (self._key_file.exists() and self.jwks_file.exists()):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            public = {"kty": public["kty"], "n": public["n"], "e": public["e"]}
            public |= {"kid": uuid4().hex, "use": "sig", "alg": "RS256"}
            with open(os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(pem)
            self.jwks_file.write_text(json.dumps({"keys": [public]}))
        return self

    def token(
        self,
        *,
        roles: Sequence[str],
        person_id: UUID | None = None,
        business_unit_id: UUID | None = None,
        subject: str | None = None,
        lifetime: float = 3600.0,
    ) -> str:
        """A signed access token. `lifetime` in seconds from now, real time. Raises ValueError for a role that does not exist."""
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise ValueError(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.ISSUER,
            "aud": self.AUDIENCE,
            "sub": subject or (str(person_id) if person_id else f"development-{'-'.join(roles)}"),
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime),
            "roles": list(roles),
        }
        if person_id is not None:
            claims["person_id"] = str(person_id)
        if business_unit_id is not None:
            claims["business_unit"] = str(business_unit_id)
        key_id = json.loads(self.jwks)["keys"][0]["kid"]
        return jwt.encode(claims, self._key_file.read_text(), "RS256", headers={"kid": key_id, "typ": "at+jwt"})
