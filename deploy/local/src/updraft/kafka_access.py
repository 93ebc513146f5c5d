"""Who may do what on the broker: users and access rules, made from the topic files and applied as a whole.

A service writes its own topics and its own dead letters, and reads the topics that name it among their consumers. The data team
reads the public topics. Nobody else may do anything; the administrator, who applies this, may do everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from chassis.settings import ServiceSettings
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from contracts.catalog import SERVICES, TOPICS, Topic, dead_letter_topic, redrive_topic

from updraft.errors import DeploymentError

ADMIN = "admin"
"""The one super user."""
DATA_TEAM = "data-team"
"""Reads what is public, in consumer groups whose names begin with its own and a dot."""
USERS = (ADMIN, *SERVICES, DATA_TEAM)
"""Everybody who may authenticate."""

_ITERATIONS = 4096  # the least that the broker takes; the passwords are random and long
_SECONDS = 30.0
_MECHANISM = ScramMechanism.SCRAM_SHA_512
_T = TypeVar("_T")

# What the client library has to say about connections goes to no one: failures are raised.
_silent = logging.getLogger("updraft.kafka-administration")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Rule(NamedTuple):
    """One thing that one user may do. Reading or writing a topic includes seeing that it exists."""

    user: str
    operation: str
    """`READ` or `WRITE`."""
    kind: str
    """`TOPIC` or `GROUP`."""
    name: str
    prefix: bool = False
    """Whether `name` is only how the names begin."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How many rules were made and taken away, and which users were taken away. Passwords are set at every application."""

    made: int
    removed: int
    dismissed: tuple[str, ...]


def password_file(user: str) -> str:
    """The name of the secret file that holds a user's password."""
    return f"kafka_{user}_password"


def rules(topics: Mapping[str, Topic] = TOPICS) -> frozenset[Rule]:
    """Everything that is allowed to users other than the administrator.

    Idempotent producing needs no rule of its own: who may write some topic may do it. Nobody but the administrator
    writes a redrive topic, since that is where a person hands dead letters back.
    """
    allowed: set[Rule] = set()
    for topic in topics.values():
        allowed.add(Rule(topic.owner, "WRITE", "TOPIC", topic.name))
        for reader in topic.consumers:
            allowed |= {
                Rule(reader, "READ", "TOPIC", topic.name),
                Rule(reader, "WRITE", "TOPIC", dead_letter_topic(topic.name, reader)),
                Rule(reader, "READ", "TOPIC", redrive_topic(reader)),
                Rule(reader, "READ", "GROUP", f"updraft.{reader}", prefix=True),
            }
        if topic.audience == "public":
            allowed |= {
                Rule(DATA_TEAM, "READ", "TOPIC", topic.name),
                Rule(DATA_TEAM, "READ", "GROUP", f"{DATA_TEAM}.", prefix=True),
            }
    return frozenset(allowed)


def administrator(settings: ServiceSettings) -> AdminClient:
    """An administration client for the broker and the credentials that the settings name."""
    options: dict[str, Any] = {
        "bootstrap.servers": settings.kafka,
        "security.protocol": settings.kafka_protocol,
        "logger": _silent,
    }
    security = settings.kafka_security()
    if "sasl_mechanism" in security:
        options |= {
            "sasl.mechanism": security["sasl_mechanism"],
            "sasl.username": security["sasl_plain_username"],
            "sasl.password": security["sasl_plain_password"],
        }
    if settings.kafka_ca is not None:
        options["ssl.ca.location"] = str(settings.kafka_ca)
    return AdminClient(options)


def apply_access(
    settings: ServiceSettings, passwords: Mapping[str, str], allowed: Iterable[Rule] | None = None
) -> Changed:
    """Make the broker know exactly the users in `passwords` and the rules of the catalog (or `allowed`).

    Repeatable. A user's password becomes the given one; rules and users that are not named are taken away.
    `settings` name the broker and an administrator. Raises `DeploymentError` when the broker cannot be reached or refuses.
    """
    try:
        return _apply(administrator(settings), passwords, rules() if allowed is None else frozenset(allowed))
    except KafkaException as problem:
        raise DeploymentError(f"Kafka at {settings.kafka} refused its users and rules: {problem}") from problem


def _apply(admin: AdminClient, passwords: Mapping[str, str], allowed: frozenset[Rule]) -> Changed:
    existing, declared = _existing(admin), {_binding(rule) for rule in allowed}
    # Those that exist already stay as they are. First, since only this tells somebody who is no administrator: librdkafka 2.16
    # shows them no rules and no refusal, and corrupts its memory when the broker refuses to tell the users.
    _all(admin.create_acls(list(declared), request_timeout=_SECONDS))
    if removed := existing - declared:
        _all(admin.delete_acls([_exactly(binding) for binding in removed], request_timeout=_SECONDS))
    known = _users(admin)
    dismissed = sorted(set(known) - set(passwords))
    _all(
        admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(user, ScramCredentialInfo(_MECHANISM, _ITERATIONS), password.encode())
                for user, password in passwords.items()
            ]
            + [
                UserScramCredentialDeletion(user, credential.mechanism)
                for user in dismissed
                for credential in known[user].scram_credential_infos
            ],
            request_timeout=_SECONDS,
        )
    )
    # The controller has answered; the broker's own view follows.
    deadline = time.monotonic() + _SECONDS
    while _existing(admin) != declared or set(_users(admin)) != set(passwords):
        if time.monotonic() > deadline:
            raise DeploymentError("Kafka does not show the users and rules that it accepted")
        time.sleep(0.1)
    return Changed(len(declared - existing), len(removed), tuple(dismissed))


def _existing(admin: AdminClient) -> set[AclBinding]:
    return set(_result(admin.describe_acls(_EVERY_RULE, request_timeout=_SECONDS)))


def _users(admin: AdminClient) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _result(admin.describe_user_scram_credentials(request_timeout=_SECONDS))
    return found


_EVERY_RULE = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
)


def _binding(rule: Rule) -> AclBinding:
    return AclBinding(
        ResourceType[rule.kind],
        rule.name,
        ResourcePatternType.PREFIXED if rule.prefix else ResourcePatternType.LITERAL,
        f"User:{rule.user}",
        "*",
        AclOperation[rule.operation],
        AclPermissionType.ALLOW,
    )


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _all(futures: Mapping[Any, Future[Any]]) -> None:
    for future in futures.values():
        _result(future)


def _result(future: Future[_T]) -> _T:
    return future.result(_SECONDS + 5)
