import { join } from "node:path";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createLeafSealer } from "@wellapi/access-log";
import type { LoggedRequest } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { openLocalKms } from "@wellapi/vault";
import { expect, test } from "vitest";
import { auditCheck } from "../src/check.ts";
import { createRequestPages } from "../src/requests/request-pages.ts";
import { type AuditWorld, openAudit, trustDomain } from "./harness.ts";

const now = Date.UTC(2026, 5, 30, 12);
const clinic = "org_clinic";
const asClinic = { kind: "application", id: "app_1", organization: clinic } as const;
const asOther = { kind: "member", id: "acc_1", organization: "org_other", roles: ["developer"] } as const;

let ids = 0;

/** As a door tells it. */
function ended(fields: { method?: string; reason?: string; application?: string; startTime?: number } = {}) {
  const { startTime = now, reason = "", method = "a.B/Get", application = "app_1" } = fields;
  ids += 1;
  return {
    startTimeMs: BigInt(startTime),
    durationMs: 1.5,
    application,
    credential: "crd_1",
    method,
    protocol: "connect",
    status: reason === "" ? "OK" : "NOT_FOUND",
    reason,
    requestId: `request-${ids}`,
    traceId: "",
  };
}

async function keep(
  world: AuditWorld,
  requests: ReturnType<typeof ended>[],
  organization = clinic,
  omitted = 0,
) {
  await world.doors.keepRequests({ organizations: [{ organization, requests, omitted: BigInt(omitted) }] });
}

/** `method reason omitted` of each. */
function told(requests: readonly LoggedRequest[]): string[] {
  return requests.map(
    ({ method, reason, omitted }) => `${method.split("/")[1]} ${reason || "OK"} ${omitted}`,
  );
}

test("an organization lists its requests, the last ended first, by any filter, page by page, and nobody else's", async () => {
  const world = await openAudit({ now });
  const old = ended({ method: "a.B/Old", startTime: now - 3_600_000 });
  await keep(world, [old, ended({ reason: "NOT_FOUND" })]);
  await keep(world, [ended({ method: "a.B/List", application: "app_2" })], clinic, 3);
  await keep(world, [ended({ method: "a.B/Other" })], "org_other");
  const requests = world.requestsAs(asClinic);
  const list = async (filter: object) => told((await requests.listRequests({ filter })).requests);
  expect(await list({})).toEqual(["List OK 3", "Get NOT_FOUND 0", "Old OK 0"]);
  expect(await list({ failed: true })).toEqual(["Get NOT_FOUND 0"]);
  expect(await list({ reason: "NOT_FOUND" })).toEqual(["Get NOT_FOUND 0"]);
  expect(await list({ application: "app_2" })).toEqual(["List OK 3"]);
  expect(await list({ method: "a.B/Old" })).toEqual(["Old OK 0"]);
  expect(await list({ method: "B/Old" })).toEqual(["Old OK 0"]);
  expect(await list({ method: "ld" })).toEqual([]);
  expect(await list({ requestId: old.requestId })).toEqual(["Old OK 0"]);
  expect(await list({ interval: { endTime: timestampFromMs(now) } })).toEqual(["Old OK 0"]);
  expect(told((await world.requestsAs(asOther).listRequests({})).requests)).toEqual(["Other OK 0"]);
  const first = await requests.listRequests({ pageSize: 2 });
  const second = await requests.listRequests({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...told(first.requests), ...told(second.requests)]).toEqual(await list({}));
  expect(second.nextPageToken).toBe("");
  const [newest] = first.requests;
  expect(timestampMs(newest!.startTime!)).toBe(now);
  expect(newest).toMatchObject({ durationMs: 1.5, credential: "crd_1", protocol: "connect", status: "OK" });
});

test("a watch begins now, tells what ends at once, and goes on behind what was told", async () => {
  const world = await openAudit({ now });
  await keep(world, [ended({ method: "a.B/Before" })]);
  const requests = world.requestsAs(asClinic);
  const stop = new AbortController();
  const watch = requests
    .watchRequests({ filter: { failed: true } }, { signal: stop.signal })
    [Symbol.asyncIterator]();
  const { value: start } = await watch.next();
  expect(told(start.requests)).toEqual([]);
  await keep(world, [ended({ reason: "NOT_FOUND" }), ended({ method: "a.B/Good" })]);
  const { value: next } = await watch.next();
  expect(told(next.requests)).toEqual(["Get NOT_FOUND 0"]);
  stop.abort();
  await keep(world, [ended({ method: "a.B/Meanwhile" })]);
  const again = requests.watchRequests({ resumeToken: next.resumeToken })[Symbol.asyncIterator]();
  const { value: missed } = await again.next();
  expect(told(missed.requests)).toEqual(["Meanwhile OK 0"]);
  const ended2 = again.next();
  await world.shut();
  expect((await ended2.catch(() => ({ done: true }))).done).toBe(true);
});

test("a page that was begun goes on after a restart", async () => {
  const world = await openAudit({ now });
  await keep(world, [ended()]);
  await world.shut();
  const again = await openAudit({ now, folder: world.folder });
  await keep(again, [ended()]);
  expect((await again.store.scan("requests", { equals: [], limit: 10 })).documents.length).toBe(1);
  const { requests } = await again.requestsAs(asClinic).listRequests({});
  expect(requests.map(({ position }) => Number(position))).toEqual([2, 1]);
});

test("an organization has at most 10,000: the page of the oldest goes as a new one comes", async () => {
  const world = await openAudit({ now });
  await keep(world, [ended({ method: "a.B/Oldest" })]);
  const [oldest] = (await world.store.scan("requests", { equals: [], limit: 10 })).documents;
  const kms = await openLocalKms({ path: join(world.folder, "master.key") });
  const sealer = await createLeafSealer({ kms, service: "audit" });
  await kms.close();
  const pages = createRequestPages({ store: world.store, sealer, damage: { report() {} } });
  const { startTimeMs: _, ...request } = ended();
  const kept = { ...request, startTime: now, omitted: 0 };
  const tag = oldest!.document.organization as string;
  const document = pages.document(tag, { first: 9_951, requests: [kept] }, now);
  await world.store.commit({
    partition: "requests",
    changes: [{ kind: "insert", collection: "requests", document }],
  });
  await world.shut();
  const again = await openAudit({ now, folder: world.folder });
  const firsts = async () =>
    (await again.store.scan("requests", { equals: [], limit: 10 })).documents.map(
      ({ document: one }) => one.first,
    );
  await keep(
    again,
    Array.from({ length: 49 }, () => ended()),
  );
  expect(await firsts()).toEqual([1, 9_951]);
  await keep(again, [ended(), ended()]);
  expect(await firsts()).toEqual([9_951, 10_001]);
});

test("requests end with their week", async () => {
  let time = now;
  const world = await openAudit({ clock: () => time });
  await keep(world, [ended({ startTime: now })]);
  time = now + 2 * 86_400_000;
  await keep(world, [ended({ method: "a.B/Later", startTime: time })]);
  expect((await world.store.scan("requests", { equals: [], limit: 10 })).documents.length).toBe(2);
  time = now + 6.5 * 86_400_000;
  const stop = new AbortController();
  const watch = world.requestsAs(asClinic).watchRequests({ resumeToken: "0" }, { signal: stop.signal });
  for await (const { requests, resumeToken } of watch) {
    expect(told(requests)).toEqual(["Later OK 0"]);
    expect(resumeToken).toBe("51");
    stop.abort();
    break;
  }
  time = now + 8.5 * 86_400_000;
  // A week later nothing is told, and a watch does not stay where nothing comes.
  const empty = world.requestsAs(asClinic).watchRequests({ resumeToken: "0" })[Symbol.asyncIterator]();
  expect((await empty.next()).value).toMatchObject({ requests: [], resumeToken: "100" });
  time = now + 6.5 * 86_400_000;
  expect(told((await world.requestsAs(asClinic).listRequests({})).requests)).toEqual(["Later OK 0"]);
});

test("the store names no organization and no request, and a damaged page hides itself alone", async () => {
  const world = await openAudit({ now });
  await keep(world, [ended({ method: "a.B/Damaged" })]);
  const [broken] = (await world.store.scan("requests", { equals: [], limit: 10 })).documents;
  const stored = JSON.stringify(broken!.document, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
  for (const word of [clinic, "app_1", "Damaged", "crd_1"]) expect(stored).not.toContain(word);
  const sealed = new Uint8Array((broken!.document.sealed as Uint8Array).length);
  const change = {
    kind: "replace",
    collection: "requests",
    document: { ...broken!.document, sealed },
  } as const;
  await world.store.commit({ partition: "requests", changes: [{ ...change, ifRevision: broken!.revision }] });
  await world.shut();
  const again = await openAudit({ now, folder: world.folder });
  await keep(again, [ended({ method: "a.B/Whole" })]);
  expect(told((await again.requestsAs(asClinic).listRequests({})).requests)).toEqual(["Whole OK 0"]);
  const kms = await openLocalKms({ path: join(again.folder, "master.key") });
  const folders = { directory: join(again.folder, "log"), publishedDirectory: join(again.folder, "log") };
  const check = await auditCheck({ ...again, kms, trustDomain, ...folders });
  const { documents } = await again.store.scan("requests", { equals: [], limit: 10 });
  const found = await Promise.all(documents.map(({ document }) => check.documents.requests!(document)));
  await kms.close();
  expect(found.map((finding) => finding?.what)).toEqual(["its seal does not open", undefined]);
});

test("who may see: applications and members with a developer's work; no patient, no clinician", async () => {
  const world = await openAudit({ now });
  const refused = async (principal: Parameters<AuditWorld["requestsAs"]>[0]) =>
    (
      await world
        .requestsAs(principal)
        .listRequests({})
        .catch((error) => error)
    ).code;
  const clinician = { ...asOther, roles: ["clinician"] } as const;
  const onePatient = {
    ...asClinic,
    onlyPatient: "local/pat_ada",
    scopes: ["patient/Observation.rs"],
  } as const;
  for (const one of [{ kind: "patient", partition: "local/pat_ada" }, clinician, onePatient] as const)
    expect(await refused(one)).toBe(7);
});
