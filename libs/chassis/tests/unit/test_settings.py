from __future__ import annotations

from pathlib import Path

import pytest
from chassis.settings import ServiceSettings
from sqlalchemy.engine import make_url


def test_every_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDRAFT_KAFKA", "broker:9092")
    monkeypatch.setenv("UPDRAFT_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("UPDRAFT_TRACE_RATIO", "0.5")
    monkeypatch.setenv("UPDRAFT_CLOCK_FILE", "")
    settings = ServiceSettings()
    assert settings.kafka == "broker:9092"
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.trace_ratio == 0.5
    assert settings.clock_file is None


def test_passwords_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "matching_api_password").write_text("p@ss/word\n")
    settings = ServiceSettings(database="postgresql://db.example:5433", secrets=tmp_path)
    url = make_url(settings.database_url("api", "matching"))
    assert (url.drivername, url.host, url.port) == ("postgresql+asyncpg", "db.example", 5433)
    assert (url.username, url.password, url.database) == ("matching_api", "p@ss/word", "matching")
    assert make_url(settings.database_url("owner", "matching")).password is None
    assert "p@ss" not in repr(settings)


def test_the_database_may_be_named_and_live_behind_a_socket(tmp_path: Path) -> None:
    settings = ServiceSettings(database="postgresql:///shared?host=/run/pg", secrets=tmp_path)
    url = make_url(settings.database_url("worker", "matching"))
    assert (url.database, url.query["host"], url.username) == ("shared", "/run/pg", "matching_worker")


@pytest.mark.parametrize("address", ["postgresql://me:secret@db", "postgresql://me@db", "mysql://db"])
def test_addresses_with_credentials_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"PostgreSQL|credentials"):
        ServiceSettings(database=address)


def test_kafka_security(tmp_path: Path) -> None:
    password = tmp_path / "kafka"
    password.write_text("secret\n")
    assert ServiceSettings().kafka_security() == {}
    settings = ServiceSettings(
        kafka_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_username="matching",
        kafka_password_file=password,
    )
    arguments = settings.kafka_security()
    assert arguments.pop("ssl_context").check_hostname
    assert arguments == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "matching",
        "sasl_plain_password": "secret",
    }
    with pytest.raises(ValueError, match="SASL needs"):
        ServiceSettings(kafka_protocol="SASL_PLAINTEXT").kafka_security()
