import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type HandlerContext } from "@connectrpc/connect";
import { ReadSeriesResponseSchema, RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type AnswerGuard,
  type GuardedAnswer,
  type Objection,
  patientHeader,
  problemOf,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { openDoor } from "./open-door.ts";

const partition = "local/pat_internal";
const caller = {
  principal: { kind: "application", id: "app_1", organization: "org_clinic" },
  workload: "door",
  token: "",
} as const;
const about = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };

/** A guard that objects as the test says. */
class TestGuard implements AnswerGuard {
  objects: Objection | undefined;
  /** After so many times of saying that nothing is wrong, it objects. */
  sureFor = Number.POSITIVE_INFINITY;
  readonly asked: string[] = [];
  readonly #listeners = new Set<() => void>();

  get listening(): number {
    return this.#listeners.size;
  }

  begin(): GuardedAnswer {
    return {
      about: (whose, organization) => void this.asked.push(`${whose} ${organization}`),
      objection: () => (this.sureFor-- <= 0 ? "recalled" : this.objects),
      onObjection: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  object(objection: Objection): void {
    this.objects = objection;
    for (const listener of [...this.#listeners]) listener();
  }
}

type Handlers = Parameters<typeof partialRoute<typeof RecordsService>>[1];

/** A gRPC door before a records service. */
async function open(handlers: Handlers, guard: AnswerGuard = new TestGuard()) {
  const headers: string[] = [];
  const door = await openDoor(
    [partialRoute(RecordsService, handlers)],
    serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication(caller),
      release: { guard, guards: ({ name }) => name !== "ErasePatient" },
    }),
  );
  onTestFinished(() => door.close());
  const note = (found: Headers) => headers.push([...found.keys()].join());
  const client = createClient(RecordsService, door.transport);
  return { client, headers, note };
}

function named(context: HandlerContext): void {
  context.responseHeader.set(patientHeader, partition);
}

async function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "OK",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );
}

/** A handler that waits in its middle until the test has done something. */
function pausing() {
  const reached = Promise.withResolvers<void>();
  const resume = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    resume: resume.resolve,
    async wait() {
      reached.resolve();
      await resume.promise;
    },
  };
}

describe("a unary answer at a door", () => {
  test("leaves without the header that names the patient, and so does an error", async () => {
    const guard = new TestGuard();
    const { client, note, headers } = await open(
      {
        querySeries(_, context) {
          named(context);
          return { access: "acc_1" };
        },
        listObservations(_, context) {
          named(context);
          throw new ConnectError("no", Code.PermissionDenied);
        },
      },
      guard,
    );
    await client.querySeries(about, { onHeader: note, onTrailer: note });
    expect(headers).not.toHaveLength(0);
    const failed = client.listObservations(about, { onHeader: note, onTrailer: note });
    const error: ConnectError = await failed.then(() => expect.fail(), ConnectError.from);
    expect(error.code).toBe(Code.PermissionDenied);
    expect(headers.join() + [...error.metadata.keys()].join()).not.toContain(patientHeader);
    expect(guard.asked).toEqual([`${partition} org_clinic`]);
  });

  test("is withheld where something was taken away meanwhile, with when to ask again", async () => {
    const guard = new TestGuard();
    const { reached, resume, wait } = pausing();
    const { client } = await open(
      {
        async querySeries(_, context) {
          named(context);
          await wait();
          return { access: "acc_1" };
        },
      },
      guard,
    );
    const call = client.querySeries(about).then(() => expect.fail(), ConnectError.from);
    await reached;
    guard.object("recalled");
    resume();
    expect(problemOf(await call)).toMatchObject({
      code: Code.Unavailable,
      reason: "CONSENT_CHANGED",
      retryAfterMs: 100,
    });
  });

  test("is withheld also where the objection comes after the interceptors have let it pass", async () => {
    const guard = new TestGuard();
    guard.sureFor = 1;
    const { client } = await open(
      {
        querySeries(_, context) {
          named(context);
          return { access: "acc_1" };
        },
      },
      guard,
    );
    expect(await reasonOf(client.querySeries(about))).toBe("CONSENT_CHANGED");
  });

  test("is withheld without a session, and at a door without a guard", async () => {
    const handlers: Handlers = {
      querySeries(_, context) {
        named(context);
        return { access: "acc_1" };
      },
    };
    const guard = new TestGuard();
    guard.object("unsure");
    expect(await reasonOf((await open(handlers, guard)).client.querySeries(about))).toBe("UNDECIDED");
    const door = await openDoor(
      [partialRoute(RecordsService, handlers)],
      serverInterceptors({ log: silentLogger, authentication: createTrustingAuthentication(caller) }),
    );
    onTestFinished(() => door.close());
    const unguarded = createClient(RecordsService, door.transport);
    expect(await reasonOf(unguarded.querySeries(about))).toBe("UNDECIDED");
  });

  test("that does not say whose data it carries is not let out", async () => {
    const { client } = await open({ querySeries: () => ({ access: "acc_1" }) });
    expect(await reasonOf(client.querySeries(about))).toBe("INTERNAL");
  });
});

describe("a stream at a door", () => {
  const message = create(ReadSeriesResponseSchema, {
    payload: { case: "start", value: { access: "acc_1" } },
  });

  /** A stream that gives a message whenever the test says so. */
  function stepping() {
    const steps: (() => void)[] = [];
    let waiting: (() => void) | undefined;
    return {
      step() {
        if (waiting) waiting();
        else steps.push(() => {});
        waiting = undefined;
      },
      async next(signal: AbortSignal) {
        if (steps.shift() !== undefined) return;
        await new Promise<void>((resolve, reject) => {
          waiting = resolve;
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      },
    };
  }

  test("leaves without the header, message by message, and nobody listens to the guard after its end", async () => {
    const guard = new TestGuard();
    const { client, note, headers } = await open(
      {
        async *readSeries(_, context) {
          named(context);
          yield message;
          yield message;
        },
      },
      guard,
    );
    let messages = 0;
    for await (const _ of client.readSeries(about, { onHeader: note, onTrailer: note })) messages += 1;
    expect(messages).toBe(2);
    expect(headers.join()).not.toContain(patientHeader);
    expect(guard.listening).toBe(0);
  });

  test("that fails at once leaves without the header", async () => {
    const { client, note, headers } = await open({
      // biome-ignore lint/correctness/useYield: it fails before it says anything
      async *readSeries(_, context) {
        named(context);
        throw new ConnectError("no", Code.PermissionDenied);
      },
    });
    const read = async () => {
      for await (const _ of client.readSeries(about, { onHeader: note, onTrailer: note })) expect.fail();
    };
    const error: ConnectError = await read().then(() => expect.fail(), ConnectError.from);
    expect(error.code).toBe(Code.PermissionDenied);
    expect(headers.join() + [...error.metadata.keys()].join()).not.toContain(patientHeader);
  });

  test("is cut at once by an objection, and ends with the status of the service behind", async () => {
    const guard = new TestGuard();
    const { step, next } = stepping();
    const { client } = await open(
      {
        async *watchSeries(_, context) {
          named(context);
          yield { payload: { case: "start" as const, value: { access: "acc_1" } } };
          await next(context.signal);
          yield { payload: { case: "start" as const, value: { access: "too late" } } };
          await next(context.signal);
          throw new ConnectError("taken back", Code.PermissionDenied);
        },
      },
      guard,
    );
    const stream = client.watchSeries({ ...about, codes: [about.code] })[Symbol.asyncIterator]();
    await stream.next();
    guard.object("recalled");
    const end = stream.next();
    step();
    step();
    await expect(end).rejects.toMatchObject({ code: Code.PermissionDenied });
  });

  test("that the service behind goes on with is ended in a second, its messages dropped", async () => {
    const guard = new TestGuard();
    let ended = false;
    const { client } = await open(
      {
        async *watchSeries(_, context) {
          named(context);
          try {
            for (let i = 0; !context.signal.aborted; i++) {
              yield { payload: { case: "start" as const, value: { access: `acc_${i}` } } };
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
          } finally {
            ended = true;
          }
        },
      },
      guard,
    );
    const seen: string[] = [];
    let cut = Number.POSITIVE_INFINITY;
    const read = async () => {
      for await (const { payload } of client.watchSeries({ ...about, codes: [about.code] })) {
        seen.push((payload.value as { access: string }).access);
        if (seen.length !== 3) continue;
        cut = performance.now();
        guard.object("recalled");
      }
    };
    const error: ConnectError = await read().then(() => expect.fail(), ConnectError.from);
    expect(problemOf(error)).toMatchObject({ code: Code.Unavailable, reason: "CONSENT_CHANGED" });
    expect(performance.now() - cut).toBeGreaterThan(900);
    // What had been written to the socket when the test objected.
    expect(seen.length).toBeLessThan(6);
    await expect.poll(() => ended).toBe(true);
    expect(guard.listening).toBe(0);
  });

  test("that is quiet ends, too", async () => {
    const guard = new TestGuard();
    const { next } = stepping();
    const { client } = await open(
      {
        async *watchSeries(_, context) {
          named(context);
          yield { payload: { case: "start" as const, value: { access: "acc_1" } } };
          await next(context.signal);
        },
      },
      guard,
    );
    const stream = client.watchSeries({ ...about, codes: [about.code] })[Symbol.asyncIterator]();
    await stream.next();
    const end = stream.next();
    guard.object("recalled");
    expect(await reasonOf(end)).toBe("CONSENT_CHANGED");
  });

  test("ends at once where the session is lost", async () => {
    const guard = new TestGuard();
    const { next } = stepping();
    const { client } = await open(
      {
        async *watchSeries(_, context) {
          named(context);
          yield { payload: { case: "start" as const, value: { access: "acc_1" } } };
          await next(context.signal);
        },
      },
      guard,
    );
    const stream = client.watchSeries({ ...about, codes: [about.code] })[Symbol.asyncIterator]();
    await stream.next();
    // No timer fires: what waited for one would never end.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const end = stream.next();
    guard.object("unsure");
    expect(await reasonOf(end)).toBe("UNDECIDED");
  });

  test("drops a message to which the objection comes after the interceptors have let it pass", async () => {
    const guard = new TestGuard();
    const { client } = await open(
      {
        async *readSeries(_, context) {
          named(context);
          guard.sureFor = 1;
          yield message;
          throw new ConnectError("taken back", Code.PermissionDenied);
        },
      },
      guard,
    );
    const read = async () => {
      for await (const _ of client.readSeries(about)) expect.fail("a message left");
    };
    await expect(read()).rejects.toMatchObject({ code: Code.PermissionDenied });
  });

  test("whose patient is known only by its first message is judged by what came since it began", async () => {
    const guard = new TestGuard();
    const { step, next } = stepping();
    const { client } = await open(
      {
        async *readSeries(_, context) {
          await next(context.signal);
          named(context);
          yield message;
        },
      },
      guard,
    );
    const read = async () => {
      for await (const _ of client.readSeries(about)) expect.fail("a message left");
    };
    const end = reasonOf(read());
    guard.object("recalled");
    step();
    expect(await end).toBe("CONSENT_CHANGED");
  });

  test("that does not say whose data it carries is not let out", async () => {
    const { client } = await open({
      async *readSeries() {
        yield message;
      },
    });
    const read = async () => {
      for await (const _ of client.readSeries(about)) expect.fail("a message left");
    };
    expect(await reasonOf(read())).toBe("INTERNAL");
  });
});
