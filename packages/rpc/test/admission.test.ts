import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError, createClient } from "@connectrpc/connect";
import {
  CreateSeriesRequestSchema,
  IngestionService,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  GetObservationRequestSchema,
  RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Authentication,
  anonymous,
  type Budget,
  type BudgetedCall,
  type Caller,
  openGrpcServer,
  openGrpcTransport,
  problemError,
  problemOf,
  requestBytesOf,
  type Spending,
  serverInterceptors,
} from "../src/index.ts";
import { partialRoute } from "../src/testing.ts";
import { type Authority, createAuthority, type Identity } from "./certificates.ts";
import { connectRaw, frame } from "./raw-http2.ts";

const getObservation = `/${RecordsService.typeName}/GetObservation`;
const watchSeries = `/${RecordsService.typeName}/WatchSeries`;
const streamSeries = `/${IngestionService.typeName}/StreamSeries`;
const createSeries = `/${IngestionService.typeName}/CreateSeries`;
const check = "/grpc.health.v1.Health/Check";

const application: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "door",
  token: "t",
};
const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
const observationBytes = toBinary(
  GetObservationRequestSchema,
  create(GetObservationRequestSchema, observation),
);

type Who = "permitted" | "revoked" | "nobody" | "patient";

/** Every caller is who the test says. */
const authenticationOf = (who: () => Who): Authentication => ({
  recheckMs: 60_000,
  forget: () => {},
  async authenticate() {
    switch (who()) {
      case "revoked":
        throw problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_INVALID",
          message: "the credential is revoked",
        });
      case "nobody":
        return { caller: anonymous };
      case "patient":
        return { caller: { ...application, principal: { kind: "patient", id: "p", partition: "l/p" } } };
      case "permitted":
        return { caller: application };
    }
  },
});

let authority: Authority;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  authority = await createAuthority("ours");
  server = await authority.issue({ name: "server" });
  client = await authority.issue({ name: "client" });
});

const free: Spending = { message: () => {}, bytes: () => {}, pace: () => undefined, end: () => {} };
const unlimited: Budget = {
  admit: async () => ({ state: undefined, spending: free }),
  beforeExchange: async () => undefined,
  exchanged: () => {},
};

interface Line {
  readonly rpc: string;
  readonly reason?: string;
  readonly request_id: string;
}

async function openDoor(who: Who, budget?: Budget) {
  const state = { who };
  const lines: Line[] = [];
  const handled: string[] = [];
  const write = (fields: unknown) => void lines.push(fields as Line);
  const log = { ...silentLogger, info: write, warn: write };
  const opened = await openGrpcServer({
    routes: [
      partialRoute(RecordsService, {
        getObservation({ patient }, { requestHeader }) {
          handled.push([...requestHeader.keys()].filter((name) => name.startsWith("wellapi-")).join());
          return { access: patient };
        },
        async *watchSeries() {
          yield {};
          yield {};
        },
      }),
      partialRoute(IngestionService, {
        createSeries: ({ batch }) => ({ receipt: { batch: batch?.requestId ?? "" } }),
        async *streamSeries(requests) {
          for await (const _ of requests) yield {};
        },
      }),
    ],
    interceptors: serverInterceptors({
      log,
      authentication: authenticationOf(() => state.who),
      selfValidating: [IngestionService.method.streamSeries],
      release: {
        guard: {
          begin: () => ({ about: () => {}, objection: () => undefined, onObjection: () => () => {} }),
        },
        guards: () => false,
      },
      ...(budget && { budget }),
    }),
    host: "127.0.0.1",
    port: 0,
    tls: { ...server, clientAuthority: authority.certificate },
    reflection: false,
    log,
  });
  const tls = { ...client, authority: authority.certificate };
  const raw = connectRaw(opened.port, tls);
  const { transport, close } = openGrpcTransport({
    address: `localhost:${opened.port}`,
    tls: { ...client, serverAuthority: authority.certificate },
  });
  onTestFinished(async () => {
    raw.close();
    close();
    await opened.close();
  });
  return { raw, transport, lines, handled, state };
}

describe("a refused caller gets the answer before any of the body was sent:", () => {
  test.each([
    ["a unary call", getObservation],
    ["a stream of answers", watchSeries],
    ["a stream both ways", streamSeries],
  ])("%s", async (_name, path) => {
    const { raw, lines } = await openDoor("revoked");
    // A frame that never comes: the server would wait for it.
    const { status } = raw.call(path, { "x-request-id": "request-0001" });
    expect(await status).toMatchObject({ "grpc-status": "16", "x-request-id": "request-0001" });
    expect(lines).toMatchObject([{ reason: "CREDENTIAL_INVALID", request_id: "request-0001" }]);
  });

  test("by the caller rule", async () => {
    const { raw, lines } = await openDoor("patient");
    expect(await raw.call(createSeries).status).toMatchObject({ "grpc-status": "7" });
    expect(lines.map(({ reason }) => reason)).toEqual(["CALLER_NOT_PERMITTED"]);
  });

  test("by the budget", async () => {
    const { raw, lines } = await openDoor("permitted", {
      ...unlimited,
      admit: async () => ({
        state: undefined,
        refusal: { code: Code.ResourceExhausted, reason: "RATE_LIMITED", message: "too many calls" },
        spending: free,
      }),
    });
    expect(await raw.call(getObservation).status).toMatchObject({ "grpc-status": "8" });
    expect(lines.map(({ reason }) => reason)).toEqual(["RATE_LIMITED"]);
  });

  test("a client in the middle of a large body gets the reason, not the end of its stream", async () => {
    const { transport } = await openDoor("revoked");
    const ingestion = createClient(IngestionService, transport);
    const batch = { requestId: "large-0001", patient: "p", timeZone: "x".repeat(900_000) };
    const reasons: string[] = [];
    for (let times = 0; times < 40; times++) {
      const refused = await ingestion.createSeries({ batch }).catch((error: ConnectError) => error);
      reasons.push(problemOf(refused as ConnectError).reason);
    }
    // Node keeps what was not sent, and gives a connection up after 10 MB of it: the call after that has a new one.
    const lost = reasons.filter((reason) => reason !== "CREDENTIAL_INVALID");
    expect(reasons.slice(0, 5)).toEqual(Array(5).fill("CREDENTIAL_INVALID"));
    expect(lost.length).toBeLessThanOrEqual(4);
    expect(lost.filter((reason) => reason !== "UNAVAILABLE")).toEqual([]);
  });

  test("and what is sent for all that is neither decompressed nor decoded", async () => {
    const { raw, handled } = await openDoor("revoked");
    const { stream, status } = raw.call(getObservation, { "grpc-encoding": "gzip" });
    stream.end(Buffer.concat([Buffer.from([1, 0, 0, 0, 8]), Buffer.from("not gzip")]));
    // Of a message that is read, the broken compression would be the answer.
    expect(await status).toMatchObject({ "grpc-status": "16" });
    expect(handled).toEqual([]);
  });
});

test("what no handler is for has a request id and a line, too: a path without a method, a media type of others", async () => {
  const { raw, lines } = await openDoor("permitted");
  const nothing = raw.call(`/${RecordsService.typeName}/GetNothing`, { "x-request-id": "request-0002" });
  expect(await nothing.status).toMatchObject({
    ":status": 200,
    "grpc-status": "12",
    "x-request-id": "request-0002",
    "grpc-status-details-bin": expect.any(String),
  });
  const json = await raw.call(getObservation, { "content-type": "application/json" }).status;
  expect(json[":status"]).toBe(415);
  expect(lines).toEqual([
    expect.objectContaining({ code: "UNIMPLEMENTED", reason: "NOT_FOUND", request_id: "request-0002" }),
    expect.objectContaining({ reason: "UNSUPPORTED_MEDIA_TYPE", request_id: json["x-request-id"] }),
  ]);
});

describe("compression", () => {
  test("of a caller with a credential is taken, and no client names it to the handler", async () => {
    const { raw, handled } = await openDoor("permitted");
    const headers = { "grpc-encoding": "gzip", "wellapi-grpc-encoding": "br" };
    const { stream, status } = raw.call(getObservation, headers);
    stream.end(frame(observationBytes, { gzip: true }));
    expect(await status).toMatchObject({ "grpc-status": "0" });
    expect(handled).toEqual([""]);
    const plain = raw.call(getObservation, { "wellapi-grpc-encoding": "br" });
    plain.stream.end(frame(observationBytes));
    expect(await plain.status).toMatchObject({ "grpc-status": "0" });
  });

  test("of health, which asks for no credential, is refused by its headers", async () => {
    const { raw } = await openDoor("permitted");
    expect(await raw.call(check, { "grpc-encoding": "gzip" }).status).toMatchObject({ "grpc-status": "16" });
    const plain = raw.call(check);
    plain.stream.end(frame(new Uint8Array()));
    expect(await plain.status).toMatchObject({ "grpc-status": "0" });
  });

  test("does not get around the limit of a message", async () => {
    const { raw, lines } = await openDoor("permitted");
    // Beyond twice the server's own limit grpc-js ends the decompression itself.
    for (const bytes of [70_000, 50_000_000]) {
      const { stream, status } = raw.call(getObservation, { "grpc-encoding": "gzip" });
      stream.end(frame(new Uint8Array(bytes), { gzip: true }));
      const told = await status;
      expect(told).toMatchObject({ "grpc-status": "8" });
      expect(lines.at(-1)).toMatchObject({
        reason: "MESSAGE_TOO_LARGE",
        request_id: told["x-request-id"],
      });
    }
    expect(lines).toHaveLength(2);
  });

  test.each([
    ["of which nothing is known", "snappy", "12", "REQUEST_REFUSED"],
    ["that is not what it says", "gzip", "3", "MALFORMED_MESSAGE"],
  ])("%s is refused with a reason", async (_name, encoding, code, reason) => {
    const { raw, lines } = await openDoor("permitted");
    const { stream, status } = raw.call(getObservation, { "grpc-encoding": encoding });
    stream.end(Buffer.concat([Buffer.from([1, 0, 0, 0, 8]), Buffer.from("not gzip")]));
    const told = await status;
    expect(told).toMatchObject({ "grpc-status": code });
    expect(lines).toMatchObject([{ reason, request_id: told["x-request-id"] }]);
  });
});

describe("a message", () => {
  test("is as large as its contract says, at most", async () => {
    const { raw, lines } = await openDoor("permitted");
    const sent = async (path: string, bytes: number) => {
      const { stream, status } = raw.call(path);
      stream.end(frame(new Uint8Array(bytes)));
      await status;
      return lines.at(-1)?.reason;
    };
    expect(requestBytesOf(RecordsService.method.getObservation)).toBe(65_536);
    expect(await sent(getObservation, 65_537)).toBe("MESSAGE_TOO_LARGE");
    expect(await sent(getObservation, 65_536)).toBe("MALFORMED_MESSAGE");
    expect(requestBytesOf(IngestionService.method.createSeries)).toBe(1_048_576);
    expect(await sent(createSeries, 1_048_577)).toBe("MESSAGE_TOO_LARGE");
    expect(await sent(createSeries, 1_048_576)).toBe("MALFORMED_MESSAGE");
    // Of what grpc-js does not read: refused at its first bytes, in a stream, too.
    expect(await sent(createSeries, 3_000_000)).toBe("MESSAGE_TOO_LARGE");
    expect(await sent(streamSeries, 3_000_000)).toBe("MESSAGE_TOO_LARGE");
    expect(lines).toHaveLength(6);
    expect(new Set(lines.map(({ request_id }) => request_id)).size).toBe(6);
  });

  test("that is one too many, or none, is no unary call", async () => {
    const { raw } = await openDoor("permitted");
    for (const messages of [[], [observationBytes, observationBytes]]) {
      const { stream, status } = raw.call(getObservation);
      stream.end(Buffer.concat(messages.map((message) => frame(message))));
      expect(await status).toMatchObject({ "grpc-status": "12" });
    }
  });

  test("of a large batch arrives whole", async () => {
    const { transport } = await openDoor("permitted");
    const durationsMs = Array.from({ length: 100_000 }, () => 60_000);
    const request = create(CreateSeriesRequestSchema, {
      batch: {
        requestId: "large-0001",
        patient: "p",
        series: [{ code: { code: "8867-4" }, times: { durationsMs } }],
      },
    });
    expect(toBinary(CreateSeriesRequestSchema, request).length).toBeGreaterThan(300_000);
    const { receipt } = await createClient(IngestionService, transport).createSeries(request);
    expect(receipt?.batch).toBe("large-0001");
  });
});

test("the budget is asked before the body is read, and told what the call used", async () => {
  const calls: BudgetedCall[] = [];
  const seen: unknown[] = [];
  const { transport } = await openDoor("permitted", {
    ...unlimited,
    async admit(call) {
      calls.push(call);
      const bytes = (count: number) => void seen.push(count);
      const end = (error: unknown) =>
        void seen.push(error === undefined ? "end" : Code[(error as ConnectError).code]);
      return { state: undefined, spending: { ...free, bytes, end } };
    },
  });
  const records = createClient(RecordsService, transport);
  await records.getObservation(observation);
  expect(calls).toMatchObject([
    { method: RecordsService.method.getObservation, caller: application, address: "127.0.0.1" },
  ]);
  await expect.poll(() => seen).toEqual([observationBytes.length, "end", expect.any(Number)]);
  seen.length = 0;
  await expect(records.getObservation({ patient: "pat_1" })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  });
  await expect.poll(() => seen).toEqual([expect.any(Number), "InvalidArgument"]);
});

describe("who calls what is not for their kind pays", () => {
  const recording = (refuse = false) => {
    const seen: string[] = [];
    const budget: Budget = {
      ...unlimited,
      async admit({ caller, method }) {
        seen.push(`${caller.principal.kind} ${method.name}`);
        const end = (error: unknown) => void seen.push(Code[(error as ConnectError).code]);
        const refusal = { code: Code.ResourceExhausted, reason: "RATE_LIMITED", message: "too many calls" };
        return { state: undefined, spending: { ...free, end }, ...(refuse && { refusal }) };
      },
    };
    return { seen, budget };
  };

  test.each([
    ["patient", "7", "PermissionDenied"],
    ["nobody", "16", "Unauthenticated"],
  ] as const)("for the call and its refusal: %s", async (who, status, code) => {
    const { seen, budget } = recording();
    const { raw } = await openDoor(who, budget);
    expect(await raw.call(createSeries).status).toMatchObject({ "grpc-status": status });
    expect(seen).toEqual([`${who === "nobody" ? "anonymous" : who} CreateSeries`, code]);
  });

  test("and without budget is refused for that alone", async () => {
    const { seen, budget } = recording(true);
    const { raw, lines } = await openDoor("patient", budget);
    expect(await raw.call(createSeries).status).toMatchObject({ "grpc-status": "8" });
    expect(lines.map(({ reason }) => reason)).toEqual(["RATE_LIMITED"]);
    expect(seen).toEqual(["patient CreateSeries"]);
  });
});
