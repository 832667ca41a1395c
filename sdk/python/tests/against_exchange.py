"""
What the library promises, against a running exchange: `test/sdk-languages.it.test.ts` starts one and runs this. The first argument
is a JSON file of what it has there. Prints a line for each thing that holds; an AssertionError says which does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from typing import Any

from protobuf import Oneof
from wellapi import (
    AsyncClient,
    BatchOptions,
    Certificate,
    Client,
    ClientError,
    Code,
    OAuthClient,
    ProgressFile,
    WellApiError,
    batches_of,
    samples_of,
    to_arrow,
    to_pandas,
    verify_receipt,
)
from wellapi.audit.v1.audit_service_connect import AuditServiceClientSync
from wellapi.audit.v1.audit_service_pb import GetCheckpointRequest, GetReceiptKeysRequest
from wellapi.log_verifier import verify_log_growth, verify_logged_access
from wellapi.oauth import TokenSource
from wellapi.records.v1.clinical_records_pb import ClinicalBatch, ClinicalWrite, CreateClinicalRecord
from wellapi.records.v1.records_service_connect import RecordsServiceClientSync
from wellapi.records.v1.records_service_pb import (
    AggregateSeriesRequest,
    QuerySeriesRequest,
    ReadSeriesRequest,
    WatchSeriesRequest,
)
from wellapi.type.v1.vocabulary_pb import Coding, Purpose

HERE: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
HEART_RATE = Coding(code="8867-4")
DOOR = {"url": HERE["door"], "certificate": Certificate.from_folder(HERE["credentials"])}
KEY = {"url": HERE["gateway"], "api_key": HERE["apiKey"]}
OAUTH = OAuthClient(HERE["clientId"], HERE["privateJwk"], "system/Observation.cruds", issuer=HERE["issuer"])
START = datetime.fromisoformat("2026-05-01T08:00:00+02:00")


def batches(day: int, samples: int, per_batch: int = 1000):
    rows = (
        (START + timedelta(days=day, seconds=at), Decimal(600 + at % 50).scaleb(-1)) for at in range(samples)
    )
    options = BatchOptions(HERE["patient"], "8867-4", "/min", samples_per_batch=per_batch)
    return batches_of(rows, options)


def read_request() -> ReadSeriesRequest:
    return ReadSeriesRequest(patient=HERE["patient"], code=HEART_RATE, purpose=Purpose.TREATMENT)


def values_of_day(client: Client, day: int) -> list[Decimal]:
    first = START + timedelta(days=day)
    return [
        sample.value
        for run in client.read_series(read_request())
        for sample in samples_of(run)
        if first <= sample.time < first + timedelta(days=1)
    ]


def by_each_way() -> None:
    """Each of certificate, key and OAuth client writes, the same batches again are duplicates, and reads exactly that."""
    for day, options in enumerate([DOOR, KEY, {"url": HERE["gateway"], "oauth": OAUTH}]):
        with Client(**options) as client:
            for status in ("ACCEPTED", "DUPLICATE"):
                answers = list(client.upload_series(batches(day, 40, per_batch=4)))
                assert len(answers) == 10, answers
                found = {item.status.name for answer in answers for item in answer.receipt.items}
                assert found == {status}, found
            assert values_of_day(client, day) == [Decimal(600 + at).scaleb(-1) for at in range(40)]


async def tokens() -> None:
    """A token serves until shortly before its end, also for calls side by side; then there is another."""
    for renew_before, different in ((60, 1), (299, 1), (301, 3)):
        source = TokenSource(replace(OAUTH, renew_before=renew_before), HERE["gateway"])
        given = await asyncio.gather(source(), source(), source())
        await source.close()
        assert len(set(given)) == different, (renew_before, len(set(given)))


def clinical() -> None:
    """Clinical records go by a stream and by calls, and what was stored is noted, what was rejected is not."""
    subject = {"reference": f"Patient/{HERE['patient'].replace('_', '-')}"}
    coding = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45.20"}
    asthma = {"resourceType": "Condition", "subject": subject, "code": {"coding": [coding]}}
    path = Path(HERE["credentials"]) / "clinical"
    for name, options in (("door", DOOR), ("gateway", KEY)):
        batches = [
            ClinicalBatch(
                request_id=f"{name}-{onset}",
                patient=HERE["patient"],
                writes=[
                    ClinicalWrite(
                        operation=Oneof("create", CreateClinicalRecord(resource=json.dumps(resource)))
                    )
                ],
            )
            for onset, resource in (
                ("good", {**asthma, "onsetDateTime": "2026-03-01"}),
                ("bad", {**asthma, "onsetDateTime": "in spring"}),
            )
        ]
        with Client(**options) as client:
            answers = list(client.upload_clinical_records(batches, progress=ProgressFile(path)))
        found = {one.batch.request_id: one.receipt.outcomes[0].status.name for one in answers}
        assert found == {f"{name}-good": "CREATED", f"{name}-bad": "REJECTED"}, found
    assert path.read_text().split() == ["door-good", "gateway-good"]


def progress() -> None:
    """An upload that stops goes on where it was, and sends nothing twice."""
    path = Path(HERE["credentials"]) / "progress"
    with Client(**DOOR) as client:
        upload = client.upload_series(batches(4, 40, per_batch=2), window=2, progress=ProgressFile(path))
        first = [answer.batch.request_id for answer in islice(upload, 5)]
        upload.close()
        rest = client.upload_series(batches(4, 40, per_batch=2), progress=ProgressFile(path))
        second = [answer.batch.request_id for answer in rest]
        assert not set(first) & set(second) and len(set(first) | set(second)) <= 20, (first, second)
        assert len(values_of_day(client, 4)) == 40


def refusals() -> None:
    """Refusals are typed, with what to do; a float is never sent; an upload ends with its source's own error."""
    with Client(**DOOR) as client:
        try:
            next(client.query_series(QuerySeriesRequest(patient="", purpose=Purpose.TREATMENT)))
            raise AssertionError("not refused")
        except WellApiError as error:
            assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD"), error
            assert "patient" in error.remedy and error.request_id, error.remedy
        bad = client.upload_series(batches_of([(START, "60")], BatchOptions("pat_nobody", "8867-4", "/min")))
        assert next(bad).error.reason == "CONSENT_REQUIRED"
        try:
            list(client.upload_series(batches_of([(START, 98.6)], BatchOptions("p", "8867-4", "/min"))))
            raise AssertionError("a float was taken")
        except ClientError as error:
            assert error.code == "input", error

        def broken() -> Iterator[Any]:
            yield from batches(5, 3)
            raise LookupError("line 3 cannot be read")

        try:
            list(client.upload_series(broken()))
            raise AssertionError("the source's error is lost")
        except LookupError:
            pass


def frames() -> None:
    """Frames hold exact decimals."""
    with Client(**DOOR) as client:
        runs = list(client.read_series(read_request()))
        table, frame = to_arrow(runs), to_pandas(runs)
        assert str(table.schema.field("value").type).startswith("decimal128"), table.schema
        assert [str(one) for one in table.column("value").to_pylist()] == [
            str(sample.value) for run in runs for sample in samples_of(run)
        ]
        assert str(frame["value"].dtype).startswith("decimal128"), frame.dtypes
        assert set(table.column("utc_offset_minutes").to_pylist()) == {120}
        assert set(table.column("disputed").to_pylist()) == {False}
        consents = table.column("consents").to_pylist()
        assert len({tuple(one) for one in consents}) == 1 and len(consents[0]) == 1, consents[:3]


def watch() -> None:
    """A watch gives what arrives, ends by Ctrl-C and by `close` from another thread."""
    request = WatchSeriesRequest(patient=HERE["patient"], codes=[HEART_RATE], purpose=Purpose.TREATMENT)
    with Client(**DOOR) as client:
        messages = client.watch_series(request)
        assert next(messages).payload.field == "start"
        assert len(list(client.upload_series(batches(6, 3)))) == 1
        assert [str(one.value) for one in samples_of(next(messages).payload.value)] == [
            "60.0",
            "60.1",
            "60.2",
        ]
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            next(messages)
            raise AssertionError("not interrupted")
        except KeyboardInterrupt:
            pass
        second = client.watch_series(request)
        next(second)
        threading.Timer(0.2, client.close).start()
        try:
            next(second)
            raise AssertionError("not closed")
        except Exception as error:
            assert type(error).__name__ == "CancelledError", error


async def asynchronous() -> None:
    """The same for asyncio; whoever takes no answers is asked for no batches; a cancelled task ends as cancelled."""
    async with AsyncClient(**DOOR) as client:
        given = count()

        async def source() -> Any:
            for batch in batches(7, 400, per_batch=10):
                next(given)
                yield batch

        upload = client.upload_series(source(), window=4)
        await anext(upload)
        await asyncio.sleep(0.3)
        taken = next(given)
        assert taken <= 7, taken  # The window, the answer that was taken, and what is read ahead.
        assert 1 + len([answer async for answer in upload]) == 40
        watched = WatchSeriesRequest(patient=HERE["patient"], codes=[HEART_RATE], purpose=Purpose.TREATMENT)
        messages = client.watch_series(watched)
        await anext(messages)
        try:
            async with asyncio.timeout(0.2):
                await anext(messages)
            raise AssertionError("no message was expected")
        except TimeoutError:
            pass


async def log() -> None:
    """The patient verifies a read, and that the log only grew, with the key that was kept."""
    with Client(HERE["gateway"]) as anybody:
        checkpoint = anybody.service(AuditServiceClientSync).get_checkpoint(GetCheckpointRequest())
        keys = anybody.service(AuditServiceClientSync).get_receipt_keys(GetReceiptKeysRequest()).jwks
    key = checkpoint.verifier_key
    with Client(**DOOR) as client:
        request = QuerySeriesRequest(patient=HERE["patient"], code=HEART_RATE, purpose=Purpose.TREATMENT)
        access = client.service(RecordsServiceClientSync).query_series(request).access
    async with AsyncClient(HERE["gateway"], token=HERE["patientToken"]) as patient:
        for attempt in count():
            try:
                verified = await verify_logged_access(patient, access, key)
                break
            except WellApiError as error:
                assert error.reason == "NOT_FOUND" and attempt < 60, error
                await asyncio.sleep(0.25)
        assert verified.access.id == access
        try:
            await verify_log_growth(patient, checkpoint.checkpoint.replace("\n", "x\n", 1), key)
            raise AssertionError("a forged checkpoint is taken")
        except ClientError as error:
            assert error.code == "verification", error

    def grown() -> tuple[int, int]:
        with Client(HERE["gateway"], token=HERE["patientToken"]) as patient:
            assert patient.verify_logged_access(access, key).access.id == access
            return patient.verify_log_growth(checkpoint.checkpoint, key)

    older, newer = await asyncio.to_thread(grown)
    assert older < newer, (older, newer)
    receipt = verify_receipt(HERE["receipt"], keys)
    assert receipt.kind == "wellapi-consent-receipt+jwt" and receipt.claims, receipt
    head, body, signature = HERE["receipt"].split(".")
    for forged in (f"{head}.{body[:-4]}AAAA.{signature}", "no receipt"):
        try:
            verify_receipt(forged, keys)
            raise AssertionError("a forged receipt is taken")
        except ClientError as error:
            assert error.code == "verification", error


async def no_aggregate_without_an_interval() -> None:
    """A request that its contract refuses is not repeated."""
    async with AsyncClient(**KEY) as client:
        try:
            await anext(client.aggregate_series(AggregateSeriesRequest(patient=HERE["patient"])))
            raise AssertionError("not refused")
        except WellApiError as error:
            assert not error.transient and error.violations, error


for part in (
    by_each_way,
    tokens,
    clinical,
    progress,
    refusals,
    frames,
    watch,
    asynchronous,
    log,
    no_aggregate_without_an_interval,
):
    done = part()
    if done is not None:
        asyncio.run(done)
    print("ok", part.__name__, flush=True)
