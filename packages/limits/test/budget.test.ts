import { Code, ConnectError } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { anonymous, type Budget, type Caller, type CallerLimits, type Principal } from "@wellapi/rpc";
import { createLogger } from "@wellapi/runtime";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBudget, createMemoryCounters, windowSeconds } from "../src/index.ts";

const write = IngestionService.method.createObservations;
const stream = IngestionService.method.streamSeries;
const aggregate = RecordsService.method.aggregateSeries;
const proof = AuditService.method.getConsistencyProof;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function open(addressRate = 10): { readonly budget: Budget; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "info" }, destination });
  const counters = createMemoryCounters({ windowSeconds });
  return { budget: createBudget({ counters, addressRate, log, holdMs: 0 }), lines };
}

function application(id: string, organization: string, credential: string, limits?: CallerLimits): Caller {
  const principal: Principal = { kind: "application", id, organization, credential };
  return { principal, workload: "door", token: "", ...(limits && { limits }) };
}

async function admit(budget: Budget, caller: Caller, method = write, address?: string) {
  const admitted = budget.admit({ caller, method: method as typeof write, address });
  await vi.advanceTimersByTimeAsync(1);
  return admitted;
}

const loud = application("app_1", "org_1", "crd_1", { organization: 1 }); // 10 units a window

test("calls are admitted until the budget is used up, and again in the next window", async () => {
  const { budget } = open();
  for (let i = 0; i < 10; i++) expect((await admit(budget, loud)).refusal).toBeUndefined();
  const { refusal, state } = await admit(budget, loud);
  expect(refusal).toMatchObject({ code: Code.ResourceExhausted, reason: "RATE_LIMITED" });
  expect(refusal!.retryAfterMs).toBeGreaterThan(0);
  expect(refusal!.retryAfterMs).toBeLessThanOrEqual(windowSeconds * 1_000);
  expect(state).toMatchObject({ name: "organization", quota: 10, windowSeconds, remaining: 0 });
  await vi.advanceTimersByTimeAsync(refusal!.retryAfterMs!);
  expect((await admit(budget, loud)).refusal).toBeUndefined();
});

test("the tightest budget is told", async () => {
  const { budget } = open();
  const limits = { organization: 100, application: 2, credential: 50 };
  const { state } = await admit(budget, application("app_1", "org_1", "crd_1", limits));
  expect(state).toMatchObject({ name: "application", quota: 20, remaining: 19 });
});

test("applications of an organization share its budget; another organization has its own", async () => {
  const { budget } = open();
  for (let i = 0; i < 5; i++) {
    await admit(budget, loud);
    await admit(budget, application("app_2", "org_1", "crd_2", { organization: 1 }));
  }
  const third = application("app_3", "org_1", "crd_3", { organization: 1 });
  expect((await admit(budget, third)).refusal).toBeDefined();
  const other = application("app_4", "org_2", "crd_4", { organization: 1 });
  expect((await admit(budget, other)).refusal).toBeUndefined();
});

test("heavy calls cost more, and one that costs more than a whole budget is permitted with a full one", async () => {
  const { budget } = open();
  expect((await admit(budget, loud, aggregate as never)).state).toMatchObject({ remaining: 5 });
  expect((await admit(budget, loud, aggregate as never)).state).toMatchObject({ remaining: 0 });
  expect((await admit(budget, loud, aggregate as never)).refusal).toBeDefined();

  const poor = { ...anonymous };
  const { budget: small } = open(1); // 10 units, a proof costs 100
  expect((await admit(small, poor, proof as never, "192.0.2.1")).refusal).toBeUndefined();
  expect((await admit(small, poor, proof as never, "192.0.2.1")).refusal).toBeDefined();
});

test("bytes and denials are paid by the next call", async () => {
  const { budget } = open();
  const { spending } = await admit(budget, loud);
  spending.bytes(3 * 16_384);
  spending.end(undefined);
  // The answer is encoded after the call's end.
  spending.bytes(2 * 16_384);
  await vi.advanceTimersByTimeAsync(1);
  expect((await admit(budget, loud)).state).toMatchObject({ remaining: 10 - 1 - 5 - 1 });

  const asker = application("app_9", "org_9", "crd_9", { application: 100 });
  for (let i = 0; i < 2; i++) {
    const admitted = await admit(budget, asker);
    expect(admitted.refusal).toBeUndefined();
    admitted.spending.end(new ConnectError("no consent", Code.PermissionDenied));
    await vi.advanceTimersByTimeAsync(1);
  }
  expect((await admit(budget, asker)).refusal).toMatchObject({ reason: "RATE_LIMITED" });
});

test("other failures cost no more than the call", async () => {
  const { budget } = open();
  const asker = application("app_9", "org_9", "crd_9", { application: 100 });
  const { spending } = await admit(budget, asker);
  spending.end(new ConnectError("not there", Code.NotFound));
  await vi.advanceTimersByTimeAsync(1);
  expect((await admit(budget, asker)).state).toMatchObject({ remaining: 998 });
});

test("anonymous callers share the budget of their address, an IPv6 one with its network", async () => {
  const { budget } = open(1);
  const ask = async (address: string | undefined) =>
    (await admit(budget, anonymous, proof as never, address)).refusal === undefined;
  expect(await ask("192.0.2.1")).toBe(true);
  expect(await ask("::ffff:192.0.2.1")).toBe(false);
  expect(await ask("192.0.2.2")).toBe(true);
  expect(await ask("2001:db8:0:1::5")).toBe(true);
  expect(await ask("2001:db8:0:1:ffff::6")).toBe(false);
  expect(await ask("2001:db8:0:2::5")).toBe(true);
  // Where the address is not known, nobody pays for others.
  expect(await ask(undefined)).toBe(true);
  expect(await ask(undefined)).toBe(true);
});

test("an address that shows refused credentials is refused before they are exchanged", async () => {
  const { budget } = open(20); // 200 units, a refused credential costs 100
  const before = async (address: string, fingerprint: string) => {
    const tried = budget.beforeExchange(address, fingerprint);
    await vi.advanceTimersByTimeAsync(1);
    return (await tried)?.refusal?.reason;
  };
  budget.exchanged("192.0.2.1", "good", true);
  for (const bad of ["bad 1", "bad 2", "bad 3"]) {
    expect(await before("192.0.2.1", bad)).toBeUndefined();
    budget.exchanged("192.0.2.1", bad, false);
  }
  expect(await before("192.0.2.1", "bad 4")).toBe("RATE_LIMITED");
  // Others behind the same address, and at others.
  expect(await before("192.0.2.1", "good")).toBeUndefined();
  expect(await before("192.0.2.2", "bad 4")).toBeUndefined();
  // One that is refused since is like any other.
  budget.exchanged("192.0.2.1", "good", false);
  expect(await before("192.0.2.1", "good")).toBe("RATE_LIMITED");
  await vi.advanceTimersByTimeAsync(windowSeconds * 1_000);
  expect(await before("192.0.2.1", "bad 5")).toBeUndefined();
});

test("a stream over its budget takes its next message when the window ends", async () => {
  const { budget } = open();
  const fast = application("app_1", "org_1", "crd_1", { organization: 10 }); // 100 units
  const { spending } = await admit(budget, fast, stream as never);
  const { signal } = new AbortController();
  let taken = 0;
  let pause: Promise<void> | undefined;
  while (pause === undefined && taken < 1_000) {
    spending.message();
    taken += 1;
    await vi.advanceTimersByTimeAsync(0);
    pause = spending.pace(signal);
  }
  // It is asked after every 20 messages.
  expect(taken).toBe(100);
  let resumed = false;
  void pause!.then(() => {
    resumed = true;
  });
  await vi.advanceTimersByTimeAsync(windowSeconds * 1_000 - 100);
  expect(resumed).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(resumed).toBe(true);
  expect(spending.pace(signal)).toBeUndefined();
});

test("a stream whose organization spends all it has elsewhere is refused after a minute", async () => {
  const { budget } = open();
  const { spending } = await admit(budget, loud, stream as never);
  const { signal } = new AbortController();
  let refused: unknown;
  let windows = 0;
  while (refused === undefined && windows < 20) {
    for (let i = 0; i < 10; i++) await admit(budget, loud);
    for (let i = 0; i < 20; i++) spending.message();
    await vi.advanceTimersByTimeAsync(0);
    const pause = spending.pace(signal)?.catch((error: unknown) => {
      refused = error;
    });
    expect(pause).toBeDefined();
    await vi.advanceTimersByTimeAsync(windowSeconds * 1_000);
    await pause;
    windows += 1;
  }
  expect(refused).toMatchObject({ code: Code.ResourceExhausted });
  expect(windows).toBe(7);
});

test("a paused stream ends with its call", async () => {
  const { budget } = open();
  const { spending } = await admit(budget, loud, stream as never);
  for (let i = 0; i < 20; i++) spending.message();
  await vi.advanceTimersByTimeAsync(0);
  const call = new AbortController();
  const pause = spending.pace(call.signal);
  call.abort(new Error("the call is over"));
  await expect(pause).rejects.toThrow("the call is over");
});

test("one line a window and budget, which names nobody", async () => {
  const { budget, lines } = open();
  for (let i = 0; i < 30; i++) await admit(budget, loud);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ name: "organization", limit: 10 });
  expect(JSON.stringify(lines)).not.toMatch(/org_1|app_1|crd_1/);
  await vi.advanceTimersByTimeAsync(windowSeconds * 1_000);
  for (let i = 0; i < 30; i++) await admit(budget, loud);
  expect(lines).toHaveLength(2);
});

test("refusals are held back, but never more than a thousand", async () => {
  const counters = createMemoryCounters({ windowSeconds });
  const log = createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "silent" } });
  const budget = createBudget({ counters, addressRate: 1, log, holdMs: 500 });
  let answered = 0;
  const ask = () =>
    budget.admit({ caller: anonymous, method: write, address: "192.0.2.1" }).then(() => {
      answered += 1;
    });
  await Promise.all(Array.from({ length: 10 }, ask));
  expect(answered).toBe(10);
  const more = Promise.all(Array.from({ length: 1_200 }, ask));
  await vi.advanceTimersByTimeAsync(0);
  expect(answered).toBe(10 + 200);
  await vi.advanceTimersByTimeAsync(500);
  await more;
  expect(answered).toBe(1_210);
});

test("a failed sign-in weighs on its address as a refused credential does, and on no address of others", async () => {
  const { budget } = open(10); // 100 units a window
  const failed = new ConnectError("the code is wrong", Code.Unauthenticated);
  const first = await admit(budget, anonymous, write, "192.0.2.1");
  first.spending.end(failed);
  expect((await admit(budget, anonymous, write, "192.0.2.1")).refusal).toBeDefined();
  expect((await admit(budget, anonymous, write, "192.0.2.2")).refusal).toBeUndefined();
  // The end of a stream whose credential was revoked is no failed sign-in.
  (await admit(budget, loud)).spending.end(failed);
  expect((await admit(budget, loud)).refusal).toBeUndefined();
});
