import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { ReadSeriesResponseSchema, RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  anonymous,
  type Caller,
  type FaultOrders,
  faultHeader,
  patientHeader,
  problemOf,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication, nothingChanges, partialRoute } from "../src/testing.ts";
import { type DoorKind, doors } from "./doors.ts";

const application: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_clinic" },
  workload: "door",
  token: "",
};
const about = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
const order = (fault: string, timeoutMs?: number) => ({
  headers: { [faultHeader]: fault },
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});

/** From outside: a transport in memory is one between services. */
const outside = doors.filter(({ name }) => name !== "in memory");

async function open(kind: DoorKind, faults: FaultOrders | undefined, caller = application) {
  const seen: string[] = [];
  const door = await kind.open(
    [
      partialRoute(RecordsService, {
        listSeries(_request, context) {
          context.responseHeader.set(patientHeader, "local/pat_1");
          seen.push("asked");
          return {};
        },
        async *readSeries(_request, context) {
          context.responseHeader.set(patientHeader, "local/pat_1");
          try {
            for (let i = 0; i < 5; i++) yield create(ReadSeriesResponseSchema);
          } finally {
            seen.push("closed");
          }
        },
      }),
      partialRoute(TerminologyService, {
        listCodes() {
          seen.push("asked");
          return {};
        },
      }),
      partialRoute(EventService, {
        async *watchEvents() {
          yield {};
        },
      }),
    ],
    serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication(caller),
      release: { guard: nothingChanges, guards: ({ parent }) => parent.typeName === RecordsService.typeName },
      ...(faults && { faults }),
    }),
  );
  onTestFinished(() => door.close());
  const records = createClient(RecordsService, door.transport);
  return {
    seen,
    records,
    codes: createClient(TerminologyService, door.transport),
    events: createClient(EventService, door.transport),
  };
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "OK",
    (error: unknown) =>
      `${Code[ConnectError.from(error).code]} ${problemOf(ConnectError.from(error)).reason}`,
  );
}

describe.each(outside)("failures that a caller orders: $name", (kind) => {
  const listed = { patient: "pat_1", purpose: Purpose.TREATMENT };

  test("are carried out in a sandbox", async () => {
    const { records, events, seen } = await open(kind, { slowMs: 1 });
    expect(await refusalOf(records.listSeries(listed, order("unavailable")))).toBe(
      "Unavailable FAULT_ORDERED",
    );
    expect(seen).toEqual([]);
    const received: unknown[] = [];
    const reading = (async () => {
      for await (const message of records.readSeries(about, order("revoke-mid-stream")))
        received.push(message);
    })();
    expect(await refusalOf(reading)).toBe("PermissionDenied CONSENT_REVOKED");
    expect(received).toHaveLength(2);
    // The handler has ended, and with it what it says in the log.
    await expect.poll(() => seen).toEqual(["closed"]);
    expect(await refusalOf(records.listSeries(listed, order("slow")))).toBe("OK");
    expect(await refusalOf(records.listSeries(listed, order("revoke-mid-stream")))).toBe(
      "InvalidArgument INVALID_FIELD",
    );
    const watching = Array.fromAsync(events.watchEvents({}, order("revoke-mid-stream")));
    expect(await refusalOf(watching)).toBe("InvalidArgument INVALID_FIELD");
    expect(await refusalOf(records.listSeries(listed, order("explode")))).toBe(
      "InvalidArgument INVALID_FIELD",
    );
  });

  test("end with the call's deadline where that is sooner, before anything is asked", async () => {
    const { records, seen } = await open(kind, { slowMs: 3_600_000 });
    expect(await refusalOf(records.listSeries(listed, order("slow", 300)))).toMatch(/^DeadlineExceeded/);
    expect(seen).toEqual([]);
  });

  test("are refused where no sandbox is, and to nobody's calls", async () => {
    const production = await open(kind, undefined);
    for (const fault of ["unavailable", "slow", "revoke-mid-stream", ""])
      expect(await refusalOf(production.records.listSeries(listed, order(fault)))).toBe(
        "FailedPrecondition SANDBOX_ONLY",
      );
    expect(production.seen).toEqual([]);
    expect(await refusalOf(production.records.listSeries(listed))).toBe("OK");
    const nobody = await open(kind, { slowMs: 1 }, anonymous);
    expect(await refusalOf(nobody.codes.listCodes({}, order("slow")))).toBe(
      "Unauthenticated CREDENTIAL_REQUIRED",
    );
    expect(nobody.seen).toEqual([]);
  });
});
