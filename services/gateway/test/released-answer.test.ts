import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type AnswerGuard, type Objection, patientHeader, problemOf } from "@wellapi/rpc";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Handlers, internalPartition, openTestGateway } from "./harness.ts";

const about = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };

/** A guard that says so often that nothing is wrong, and objects from then on. */
function sureFor(looks: number, objection: Objection = "recalled"): AnswerGuard & { left: number } {
  const guard = {
    left: looks,
    begin: () => ({
      about: () => {},
      objection: () => (guard.left-- > 0 ? undefined : objection),
      onObjection: () => () => {},
    }),
  };
  return guard;
}

async function open(handlers: Handlers["records"], answers?: AnswerGuard) {
  const { gateway, url } = await openTestGateway({ records: handlers! }, answers ? { answers } : {});
  onTestFinished(() => gateway.close());
  const withKey = {
    baseUrl: url,
    httpVersion: "1.1" as const,
    interceptors: [
      (next: (request: never) => Promise<never>) => (request: { header: Headers }) => {
        request.header.set("authorization", "Bearer wellapi_sk_clinic");
        return next(request as never);
      },
    ] as never,
  };
  const doors: Record<string, Transport> = {
    "Connect JSON": createConnectTransport({ ...withKey, useBinaryFormat: false }),
    "gRPC-Web": createGrpcWebTransport(withKey),
  };
  return { url, client: (door: string) => createClient(RecordsService, doors[door]!) };
}

/** Large enough to be compressed. */
const answer = { access: "a".repeat(5_000) };
const message = (access: string) => ({ payload: { case: "start" as const, value: { access } } });

describe.each(["Connect JSON", "gRPC-Web"])("an answer at the gateway, by %s", (door) => {
  test("leaves without the header that names the patient, whether it is one, many or an error", async () => {
    const { client } = await open({
      querySeries: () => answer,
      listObservations() {
        throw new ConnectError("no", Code.PermissionDenied);
      },
      async *watchSeries() {
        yield message("acc_1") as never;
        throw new ConnectError("no", Code.PermissionDenied);
      },
    });
    const seen: string[] = [];
    const note = (headers: Headers) => seen.push(...headers.keys(), ...headers.values());
    const noting = { onHeader: note, onTrailer: note };
    await client(door).querySeries(about, noting);
    const failures = [
      client(door).listObservations(about, noting),
      (async () => {
        for await (const _ of client(door).watchSeries({ ...about, codes: [about.code] }, noting));
      })(),
    ];
    for (const failure of failures) {
      const error: ConnectError = await failure.then(() => expect.fail(), ConnectError.from);
      expect(error.code).toBe(Code.PermissionDenied);
      note(error.metadata);
    }
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.join()).not.toContain(patientHeader);
    expect(seen.join()).not.toContain(internalPartition);
  });

  // 0: the interceptors check. 1: the writer checks once more, after the answer has been compressed.
  test.each([0, 1])("is withheld where something was taken away (after %i looks)", async (looks) => {
    const { client } = await open({ querySeries: () => answer }, sureFor(looks));
    const error: ConnectError = await client(door)
      .querySeries(about)
      .then(() => expect.fail("data left"), ConnectError.from);
    const wholeReason = door === "Connect JSON" || looks === 0;
    expect(problemOf(error).reason).toBe(wholeReason ? "CONSENT_CHANGED" : problemOf(error).reason);
  });

  test("is withheld without a session", async () => {
    const { client } = await open({ querySeries: () => answer }, sureFor(0, "unsure"));
    const error: ConnectError = await client(door)
      .querySeries(about)
      .then(() => expect.fail(), ConnectError.from);
    expect(problemOf(error).reason).toBe("UNDECIDED");
  });

  test("is a stream that drops a message which was about to be written, and ends by the status behind", async () => {
    const guard = sureFor(Number.POSITIVE_INFINITY);
    const { client } = await open(
      {
        async *watchSeries() {
          yield message("acc_1") as never;
          guard.left = 1; // the interceptors let it pass
          yield message("acc_2") as never;
          throw new ConnectError("taken back", Code.PermissionDenied);
        },
      },
      guard,
    );
    const seen: string[] = [];
    const read = async () => {
      for await (const { payload } of client(door).watchSeries({ ...about, codes: [about.code] }))
        seen.push((payload.value as { access: string }).access);
    };
    await expect(read()).rejects.toMatchObject({ code: Code.PermissionDenied });
    expect(seen).toEqual(["acc_1"]);
  });
});

test("a compressed answer that is withheld is told in plain JSON, with when to ask again", async () => {
  const { url } = await open({ querySeries: () => answer }, sureFor(1));
  const response = await fetch(`${url}/wellapi.records.v1.RecordsService/QuerySeries`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept-encoding": "gzip",
      authorization: "Bearer wellapi_sk_clinic",
    },
    body: JSON.stringify({ ...about, purpose: "PURPOSE_TREATMENT" }),
  });
  expect(response.status).toBe(503);
  expect(response.headers.get("content-encoding")).toBeNull();
  const problem = (await response.json()) as { code: string; details: { type: string }[] };
  expect(problem.code).toBe("unavailable");
  expect(problem.details.map(({ type }) => type)).toContain("google.rpc.RetryInfo");
});
