"""librdkafka's mock cluster: it speaks Kafka's protocol on a port of its own and answers with the error codes it is told to.

confluent-kafka's wheel carries it inside of librdkafka; its Python client exposes it no further than a setting, so it is
called where it lies.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

PRODUCE, FETCH, METADATA, OFFSET_COMMIT, OFFSET_FETCH = 0, 1, 3, 8, 9
FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, SYNC_GROUP, INIT_PRODUCER_ID = 10, 11, 12, 14, 22
"""Numbers of requests, as the protocol has them."""

ERRORS = {
    "UNKNOWN_SERVER_ERROR": -1,
    "NOT_LEADER_OR_FOLLOWER": 6,
    "REQUEST_TIMED_OUT": 7,
    "COORDINATOR_LOAD_IN_PROGRESS": 14,
    "COORDINATOR_NOT_AVAILABLE": 15,
    "NOT_COORDINATOR": 16,
    "NOT_ENOUGH_REPLICAS": 19,
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": 20,
}
"""Error codes by their names in the protocol."""

_PRODUCER = 0


def _library() -> ctypes.CDLL:
    package = Path(confluent_kafka.__file__).parent
    places = [package.parent / "confluent_kafka.libs", package / ".dylibs"]
    (found,) = [path for place in places if place.exists() for path in place.glob("librdkafka*")]
    library = ctypes.CDLL(str(found))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: Mapping[str, tuple[type, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (type(None), [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (type(None), [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_push_request_errors_array": (
            type(None),
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(number)],
        ),
        "rd_kafka_mock_start_request_tracking": (type(None), [pointer]),
        "rd_kafka_mock_clear_requests": (type(None), [pointer]),
        "rd_kafka_mock_get_requests": (ctypes.POINTER(pointer), [pointer, ctypes.POINTER(ctypes.c_size_t)]),
        "rd_kafka_mock_request_api_key": (ctypes.c_int16, [pointer]),
        "rd_kafka_mock_request_destroy_array": (type(None), [ctypes.POINTER(pointer), ctypes.c_size_t]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = None if result is type(None) else result
        function.argtypes = arguments
    return library


class MockCluster:
    """A running mock cluster of one broker."""

    def __init__(self, library: ctypes.CDLL, cluster: int) -> None:
        self._library = library
        self._cluster = cluster

    @property
    def bootstrap(self) -> str:
        """`host:port` that clients connect to."""
        address: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return address.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Make an empty topic. AssertionError when the cluster refuses."""
        assert self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def answer_with(self, request: int, errors: Sequence[str]) -> None:
        """Answer the coming requests of this kind with these errors, one each, and then as it should again."""
        codes = [ERRORS[name] for name in errors]
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, request, len(codes), (ctypes.c_int * len(codes))(*codes)
        )

    def forget_requests(self) -> None:
        """Count anew from here."""
        self._library.rd_kafka_mock_clear_requests(self._cluster)

    def requests(self) -> Counter[int]:
        """How many requests of each kind have come."""
        number = ctypes.c_size_t()
        found = self._library.rd_kafka_mock_get_requests(self._cluster, ctypes.byref(number))
        counted = Counter(self._library.rd_kafka_mock_request_api_key(found[index]) for index in range(number.value))
        self._library.rd_kafka_mock_request_destroy_array(found, number)
        return counted


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """A mock cluster for the length of the block."""
    library = _library()
    said = ctypes.create_string_buffer(512)
    settings = library.rd_kafka_conf_new()
    # It would complain that it knows no broker.
    assert library.rd_kafka_conf_set(settings, b"log_level", b"2", said, len(said)) == 0, said.value.decode()
    client = library.rd_kafka_new(_PRODUCER, settings, said, len(said))
    assert client, said.value.decode()
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    library.rd_kafka_mock_start_request_tracking(cluster)
    try:
        yield MockCluster(library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(client)
