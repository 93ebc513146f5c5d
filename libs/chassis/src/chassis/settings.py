"""Settings every service has, read from the environment with the prefix `UPDRAFT_`; secrets come from files."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url

DatabaseRole = Literal["owner", "api", "worker"]


class ServiceSettings(BaseSettings):
    """What a process of any service is told from outside.

    Every field is read from `UPDRAFT_<FIELD>`. No field holds a secret: passwords are files below `secrets`.
    """

    model_config = SettingsConfigDict(env_prefix="UPDRAFT_", frozen=True, extra="ignore", env_ignore_empty=True)

    database: str = Field(
        default="postgresql://127.0.0.1:5432",
        description="PostgreSQL address without credentials; without a path the database is named like the service.",
    )
    secrets: Path = Field(default=Path("/run/secrets"), description="Folder of secret files, one value a file.")
    api_pool_size: int = Field(default=10, ge=1, le=200, description="Connections of one API process.")
    worker_pool_size: int = Field(default=8, ge=1, le=200, description="Connections of one worker process.")
    pool_wait_seconds: float = Field(default=2.0, gt=0, le=30, description="Longest wait for a free connection.")

    kafka: str = Field(default="127.0.0.1:9092", description="Bootstrap servers, host:port, comma separated.")
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_username: str | None = None
    kafka_password_file: Path | None = None
    kafka_ca: Path | None = None

    consumer_group: str | None = Field(
        default=None,
        description="Kafka consumer group; by default `updraft.<service>`. Another one reads everything anew.",
    )

    jwks: str | None = Field(default=None, description="Public keys of the token issuer: a file path or an https URL.")
    issuer: str = Field(default="https://updraft.example/identity", description="Expected `iss` of tokens.")
    audience: str = Field(default="updraft", description="Expected `aud` of tokens.")
    person_claim: str = "person_id"
    unit_claim: str = "business_unit"
    roles_claim: str = "roles"
    jwks_refresh_seconds: float = Field(default=60.0, ge=1, le=60, description="Longest life of a revoked key.")
    token_leeway_seconds: float = Field(default=30.0, ge=0, le=60, description="Clock difference granted to tokens.")

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of browsers that may call the API, comma separated; none by default."
    )
    documentation: bool = Field(default=False, description="Whether the API answers /openapi.json; not in production.")
    drain_seconds: float = Field(
        default=0.0, ge=0, le=60, description="How long a stopping API still serves while saying it is not ready."
    )
    grace_seconds: int = Field(default=10, ge=1, le=60, description="Time in-flight requests get to finish at a stop.")

    clock_file: Path | None = Field(default=None, description="JSON file that moves the rules' clock; tests and demo.")
    traces: Path | None = Field(default=None, description="Folder for spans as JSON lines, one file a process.")
    trace_ratio: float = Field(default=0.01, ge=0, le=1, description="Share of new traces that are recorded.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value

    @field_validator("database")
    @classmethod
    def _no_credentials(cls, value: str) -> str:
        url = make_url(value)
        if url.get_backend_name() != "postgresql":
            raise ValueError("the database must be PostgreSQL")
        if url.username is not None or url.password is not None:
            raise ValueError("name the database without credentials; passwords are files in the secrets folder")
        return value

    def database_url(self, role: DatabaseRole, service: str) -> str:
        """Address of `service`'s database for one of its roles, in SQLAlchemy's form; holds the password: never log it.

        The database user is `<service>_<role>`; its password is the content of `<secrets>/<service>_<role>_password`.
        Without that file no password is sent (peer or trust authentication).
        """
        user = f"{service}_{role}"
        url = make_url(self.database)
        url = url.set(
            drivername="postgresql+asyncpg",
            username=user,
            password=self.secret(f"{user}_password"),
            database=url.database or service,
        )
        return url.render_as_string(hide_password=False)

    def secret(self, name: str) -> str | None:
        """The content of the secret file `name` without surrounding white space, or None when there is no such file."""
        try:
            return (self.secrets / name).read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def kafka_security(self) -> dict[str, Any]:
        """Keyword arguments that make an aiokafka client speak the configured protocol; empty for plain text."""
        if self.kafka_protocol == "PLAINTEXT":
            return {}
        arguments: dict[str, Any] = {"security_protocol": self.kafka_protocol}
        if self.kafka_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.kafka_ca)
        if self.kafka_protocol.startswith("SASL"):
            if self.kafka_sasl_mechanism is None or self.kafka_username is None or self.kafka_password_file is None:
                raise ValueError("SASL needs UPDRAFT_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD_FILE")
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_plain_username": self.kafka_username,
                "sasl_plain_password": self.kafka_password_file.read_text(encoding="utf-8").strip(),
            }
        return arguments
