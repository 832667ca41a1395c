import { Code, createContextValues } from "@connectrpc/connect";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type Caller,
  createEndedRequests,
  createUnadmittedRequests,
  type EndedOfOrganization,
  type Principal,
} from "../src/index.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const application = (organization: string): Principal => ({
  kind: "application",
  id: `app_of_${organization}`,
  organization,
  credential: "crd_1",
});

const call = (status = "OK", reason = "") => ({
  method: "a.B/C",
  protocol: "grpc" as const,
  status,
  reason,
  durationMs: 2,
  requestId: "request-1",
  traceId: "",
});

/** Batches as `organization: succeeded+refused, omitted`; the first `failures` are lost on their way. */
function open(bounds = {}, failures = 0) {
  const batches: string[] = [];
  let failing = failures;
  const requests = createEndedRequests({
    async send(batch: readonly EndedOfOrganization[]) {
      failing -= 1;
      if (failing >= 0) throw new Error("audit is away");
      for (const { organization, requests: all, omitted } of batch) {
        const succeeded = all.filter(({ reason }) => reason === "").length;
        batches.push(`${organization}: ${succeeded}+${all.length - succeeded}, ${omitted}`);
      }
    },
    isLeftOut: (method) => method === "a.Requests/List",
    clock: { now: () => 1_000 },
    log: silentLogger,
    bounds,
  });
  return { requests, batches };
}

test("a burst of one organization is kept in part and counted, and costs others and its own failures nothing", async () => {
  const { requests, batches } = open({ each: 3 });
  for (let i = 0; i < 10; i++) requests.ended(application("org_busy"), call());
  requests.ended(application("org_busy"), call("NOT_FOUND", "NOT_FOUND"));
  requests.ended(application("org_quiet"), call());
  expect(batches).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(batches).toEqual(["org_busy: 3+1, 7", "org_quiet: 1+0, 0"]);
});

test("what was lost on its way is told with the next request of the organization", async () => {
  const { requests, batches } = open({}, 1);
  requests.ended(application("org_a"), call());
  requests.ended(application("org_a"), call());
  await vi.advanceTimersByTimeAsync(5_000);
  requests.ended(application("org_b"), call());
  await vi.advanceTimersByTimeAsync(1_000);
  requests.ended(application("org_a"), call());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(batches).toEqual(["org_b: 1+0, 0", "org_a: 1+0, 2"]);
});

test("whoever has not called since does not keep a place from others", async () => {
  const { requests, batches } = open({ organizations: 2 }, 1);
  requests.ended(application("org_a"), call());
  requests.ended(application("org_b"), call());
  await vi.advanceTimersByTimeAsync(1_000);
  requests.ended(application("org_c"), call());
  requests.ended(application("org_d"), call());
  await requests.close();
  expect(batches).toEqual(["org_c: 1+0, 0", "org_d: 1+0, 0"]);
});

test("patients, operators and strangers have no requests, and looks at the requests are none", async () => {
  const { requests, batches } = open();
  requests.ended({ kind: "patient", id: "pat_1", partition: "local/pat_1" }, call());
  requests.ended({ kind: "anonymous", id: "" }, call());
  requests.ended(application("org_a"), { ...call(), method: "a.Requests/List" });
  await requests.close();
  expect(batches).toEqual([]);
});

test("a person's id and session are not told, and an application's are", async () => {
  const told: unknown[] = [];
  const requests = createEndedRequests({
    send: async ([one]) =>
      void told.push(one!.requests.map(({ application, credential }) => [application, credential])),
    clock: { now: () => 1_000 },
    log: silentLogger,
  });
  requests.ended({ ...application("org_a"), kind: "member", id: "acc_jane", credential: "ses_1" }, call());
  requests.ended(application("org_a"), call());
  await requests.close();
  expect(told).toEqual([
    [
      ["", ""],
      ["app_of_org_a", "crd_1"],
    ],
  ]);
});

test("of what came to no handler four are looked at at a time, and a stranger's is nobody's", async () => {
  const looks: PromiseWithResolvers<{ readonly caller: Caller }>[] = [];
  const told: string[] = [];
  const unadmitted = createUnadmittedRequests({
    authentication: {
      authenticate: () => {
        const look = Promise.withResolvers<{ readonly caller: Caller }>();
        looks.push(look);
        return look.promise;
      },
    },
    requests: {
      ended: ({ organization = "nobody" }, { status, reason }) =>
        void told.push(`${organization} ${status} ${reason}`),
    },
  });
  const problem = { code: Code.NotFound, reason: "NOT_FOUND", message: "nothing here" };
  const request = () => ({ ...call(), header: new Headers(), contextValues: createContextValues(), problem });
  for (let i = 0; i < 100; i++) unadmitted(request());
  expect(looks).toHaveLength(4);
  const [known, ...strangers] = looks;
  known!.resolve({ caller: { principal: application("org_a"), workload: "gateway", token: "t" } });
  for (const stranger of strangers) stranger.reject(new Error("no credential of ours"));
  await vi.advanceTimersByTimeAsync(0);
  expect(told.toSorted()).toEqual([
    ...Array(3).fill("nobody NOT_FOUND NOT_FOUND"),
    "org_a NOT_FOUND NOT_FOUND",
  ]);
  unadmitted(request());
  expect(looks).toHaveLength(5);
});
