"""
The Python library against every scenario: `python sdk/conformance/python_runner.py NODE blocking`, or `asyncio`, in an
environment that has the wheel. NODE runs src/main.ts. Prints a line a scenario; ends with 1 where one does not hold.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wellapi import (
    AsyncClient,
    Certificate,
    Client,
    ClientError,
    Deprecation,
    Retries,
    WellApiError,
    samples_of,
)
from wellapi.consent.v1 import consent_service_pb
from wellapi.consent.v1.consent_service_connect import ConsentServiceClient, ConsentServiceClientSync
from wellapi.ingestion.v1.ingestion_pb import SeriesBatch
from wellapi.records.v1.records_service_pb import QuerySeriesRequest, ReadSeriesRequest, WatchSeriesRequest

Result = dict[str, Any]
# Seconds after which a scenario has not ended.
LONGEST = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stored(set):
    """As the file of an upload's progress, in the order in which batches were added."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(ids)
        self.order = list(ids)

    def add(self, request_id: str) -> None:
        super().add(request_id)
        self.order.append(request_id)


def problem_of(error: Exception) -> Result:
    if isinstance(error, ClientError):
        return {"code": error.code}
    assert isinstance(error, WellApiError), repr(error)
    result = {
        "code": error.code.value,
        "reason": error.reason,
        "message": error.message,
        "transient": error.transient,
        "violations": [vars(one) for one in error.violations],
    }
    if error.retry_after is not None:
        result["retryAfterMs"] = round(error.retry_after * 1000)
    return result


def deprecation_of(one: Deprecation) -> Result:
    return {"name": one.name, "instead": one.instead, "sunset": one.sunset and one.sunset.date().isoformat()}


def answer_of(answer: Any) -> Result:
    if answer.error is not None:
        return {"requestId": answer.batch.request_id, "error": problem_of(answer.error)}
    statuses = [int(item.status) for item in answer.receipt.items]
    return {"requestId": answer.batch.request_id, "batch": answer.receipt.batch, "statuses": statuses}


def samples_in(run: Any) -> list[Result]:
    return [
        {
            "timeMs": round((one.time - EPOCH).total_seconds() * 1000),
            "value": f"{one.value:f}",
            "unit": one.unit,
        }
        for one in samples_of(run)
    ]


class Task:
    """What a scenario asks for. `steps` gives an iterator of its items; `note` takes each; `result` is what was noted."""

    def __init__(self, task: Result) -> None:
        self.task = task
        self.items: list[Any] = []
        self.cuts: list[Result] = []
        self.stored = Stored(task.get("stored", []))

    def steps(self, client: Any, batches: Any) -> Any:
        text = json.dumps(self.task.get("request", {}))
        kind = self.task["do"]
        if kind == "upload":
            options = {key: self.task[key] for key in ("window", "attempts") if key in self.task}
            if "stored" in self.task:
                options["progress"] = self.stored
            return client.upload_series(
                batches, on_cut=lambda error, _: self.cuts.append(problem_of(error)), **options
            )
        if kind == "watch":
            request = WatchSeriesRequest.from_json(text)
            return client.watch_series(request, on_cut=lambda error: self.cuts.append(problem_of(error)))
        if kind == "read":
            return client.read_series(ReadSeriesRequest.from_json(text))
        return client.query_series(QuerySeriesRequest.from_json(text))

    def note(self, item: Any) -> bool:
        """False where it was the last one that is wanted."""
        kind = self.task["do"]
        if kind == "upload":
            self.items.append(answer_of(item))
        elif kind == "watch":
            self.items.append(item.resume_token)
        else:
            self.items.extend(samples_in(item))
        return kind != "watch" or len(self.items) < self.task["messages"]

    def result(self, error: Exception | None) -> Result:
        name = {"upload": "answers", "watch": "tokens"}.get(self.task["do"], "samples")
        result: Result = {name: self.items, "cuts": self.cuts, "stored": self.stored.order}
        return result if error is None else {**result, "error": problem_of(error)}

    def call(self, consents: Any) -> Any:
        name = self.task["rpc"].split("/")[1]
        request = getattr(consent_service_pb, f"{name}Request").from_json(json.dumps(self.task["request"]))
        method = "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")
        return getattr(consents, method)(request)


def blocking(options: Result, task: Result) -> Result:
    run = Task(task)
    with Client(**options) as client:
        deadline = threading.Timer(LONGEST, client.close)
        deadline.start()
        try:
            if task["do"] == "call":
                answer = run.call(client.service(ConsentServiceClientSync))
                return {"answer": json.loads(answer.to_json())}
            steps = run.steps(client, (SeriesBatch(request_id=one) for one in task.get("batches", [])))
            for item in steps:
                if not run.note(item):
                    steps.close()
                    break
        except (WellApiError, ClientError) as error:
            return {"error": problem_of(error)} if task["do"] == "call" else run.result(error)
        except CancelledError:
            return {"error": {"code": "did not end"}}
        finally:
            deadline.cancel()
    return run.result(None)


async def asynchronous(options: Result, task: Result) -> Result:
    run = Task(task)

    async def batches() -> Any:
        for one in task.get("batches", []):
            yield SeriesBatch(request_id=one)

    async with AsyncClient(**options) as client:
        try:
            if task["do"] == "call":
                answer = await run.call(client.service(ConsentServiceClient))
                return {"answer": json.loads(answer.to_json())}
            steps = run.steps(client, batches())
            async for item in steps:
                if not run.note(item):
                    await steps.aclose()
                    break
        except (WellApiError, ClientError) as error:
            return {"error": problem_of(error)} if task["do"] == "call" else run.result(error)
    return run.result(None)


async def within(done: Any) -> Result:
    try:
        async with asyncio.timeout(LONGEST):
            return await done
    except TimeoutError:
        return {"error": {"code": "did not end"}}


def main(node: str, way: str) -> int:
    server = subprocess.Popen(
        [node, str(Path(__file__).parent / "src/main.ts")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert server.stdin is not None and server.stdout is not None

    def ask(line: Result) -> Result:
        server.stdin.write(f"{json.dumps(line)}\n")
        return json.loads(server.stdout.readline())

    failed = 0
    try:
        told = json.loads(server.stdout.readline())
        pem = {name: text.encode() for name, text in told["certificate"].items()}
        reached = {
            "door": {"url": told["door"], "certificate": Certificate(**pem)},
            "gateway": {"url": told["gateway"], "api_key": "wellapi_sk_conformance"},
        }
        for scenario in told["scenarios"]:
            task = scenario["client"]
            for over in scenario["over"]:
                deprecations: list[Result] = []
                options = {
                    **reached[over],
                    "retries": Retries(attempts=task.get("attempts", 1)),
                    "on_deprecation": lambda one, told=deprecations: told.append(deprecation_of(one)),
                }
                ask({"begin": scenario["name"]})
                result = (
                    blocking(options, task)
                    if way == "blocking"
                    else asyncio.run(within(asynchronous(options, task)))
                )
                problems = ask({"end": {**result, "deprecations": deprecations}})["problems"]
                failed += bool(problems)
                print("not ok" if problems else "ok", scenario["name"], over, way, *problems, flush=True)
    finally:
        server.stdin.close()
        server.wait()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
