from __future__ import annotations

import asyncio

import httpx
import pytest
from chassis import metrics
from chassis.health import Progress, worker_app
from prometheus_client.parser import text_string_to_metric_families

from .sample import Sample
from .tokens import Issuer


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_alive_means_that_the_loops_turn() -> None:
    time = Time()
    progress = Progress(time)
    progress.expect("relay", max_age=5)
    progress.expect("consumer", max_age=20)
    time.now += 6
    assert progress.late() == ("relay",)
    progress.beat("relay")
    assert progress.late() == ()
    time.now += 21
    assert progress.late() == ("relay", "consumer")
    progress.forget("relay")
    assert progress.late() == ("consumer",)


async def test_ready_means_that_what_it_needs_answers() -> None:
    time = Time()
    progress = Progress(time)
    tries = []

    async def database() -> None:
        tries.append(time.now)
        if len(tries) == 2:
            raise ConnectionError

    progress.probe("database", database)
    assert await progress.unready() == ()
    time.now += 0.5
    assert await progress.unready() == ()
    time.now += 0.6
    assert await progress.unready() == ("database",)
    assert progress.late() == ()
    time.now += 1.1
    assert await progress.unready() == ()
    assert len(tries) == 3
    progress.stop()
    assert await progress.unready() == ("stopping",)


async def test_a_probe_that_hangs_is_a_probe_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.health._PROBE_TIMEOUT_SECONDS", 0.01)
    progress = Progress()

    async def hangs() -> None:
        await asyncio.sleep(60)

    progress.probe("broker", hangs)
    assert await progress.unready() == ("broker",)


async def test_a_worker_says_how_it_is() -> None:
    time = Time()
    progress = Progress(time)
    progress.expect("relay", max_age=5)
    transport = httpx.ASGITransport(worker_app(progress))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        assert (await client.get("/health/live")).json() == {"status": "ok"}
        time.now += 6
        late = await client.get("/health/live")
        assert (late.status_code, late.json()) == (503, {"status": "waiting", "waiting_for": ["relay"]})
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/nothing")).status_code == 404
        exposed = await client.get("/metrics")
    assert exposed.headers["content-type"].startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(exposed.text)}
    assert {"updraft_outbox_depth", "updraft_relay_watermark_age_seconds", "updraft_consumer_lag"} <= names


async def test_an_api_that_stops_is_not_ready(sample: Sample, issuer: Issuer) -> None:
    async with sample.client(issuer.token()) as client:
        assert (await client.get("/health/ready")).status_code == 200
        sample.app.state.progress.stop()
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["waiting_for"]) == (503, ["stopping"])
        assert (await client.get("/health/live")).status_code == 200
        served = await client.get("/v1/notes")
    assert (served.status_code, served.headers["connection"]) == (200, "close")


@pytest.mark.requirement("S14")
async def test_requests_are_counted_by_template(sample: Sample, issuer: Issuer) -> None:
    def counted(route: str, status: str, method: str = "GET") -> float:
        return (
            metrics.REGISTRY.get_sample_value(
                "updraft_http_requests_total", {"method": method, "route": route, "status": status}
            )
            or 0.0
        )

    before = counted("/v1/notes/{note_id}", "404"), counted("none", "404", "any")
    async with sample.client(issuer.token()) as client:
        await client.get("/v1/notes/01990c3e-6d2f-7c3a-9a51-3f1d2c4b5a69")
        await client.get("/wp-admin/ada@canary.example")
    assert counted("/v1/notes/{note_id}", "404") == before[0] + 1
    assert counted("none", "404", "any") == before[1] + 1
    assert b"canary" not in metrics.exposition()


def test_every_metric_is_explained() -> None:
    families = [
        family
        for family in text_string_to_metric_families(metrics.exposition().decode())
        if family.name.startswith("updraft_") and not family.name.endswith("_created")
    ]
    assert len(families) >= 20
    assert [family.name for family in families if not family.documentation] == []
