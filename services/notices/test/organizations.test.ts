import { ConnectError } from "@connectrpc/connect";
import { ConsentRequest_State as RequestState } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { type Event, Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { problemOf } from "@wellapi/rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { courseOfConsent } from "../src/organizations/event.ts";
import { type EventDocument, feedOf, organizationEvents } from "../src/organizations/feed-documents.ts";
import { createFeedRepository } from "../src/organizations/feed-repository.ts";
import { createFeedWriter } from "../src/organizations/feed-writer.ts";
import { clinic, DAY, type Installation, noon, openInstallation, partition } from "./installation.ts";

let world: Installation;
beforeEach(async () => {
  world = await openInstallation();
});
afterEach(() => world.close());

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "answered",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );
const listed = async (organization = clinic): Promise<readonly Event[]> =>
  (await world.application(organization).listEvents({})).events;
const kinds = async () => (await listed()).map(({ kind }) => kind);
const told = (...expected: Kind[]) => expect.poll(kinds, { timeout: 15_000 }).toEqual(expected);

/** Consent has a consent of so many versions, a second apart. */
function granted(id: string, versions: number, further: { revoked?: true; endTime?: number } = {}) {
  const times = Array.from({ length: versions }, (_, i) => noon + 1_000 * i);
  world.consents.set(id, { organization: clinic, createTime: noon, versions: times, ...further });
}

test("an organization is told of its consents and requests in their order, once, also where events come twice, late or not at all", async () => {
  granted("con_1", 1);
  await world.consented("created", "con_1", 1);
  await told(Kind.CONSENT_GRANTED);
  await world.asked("crq_1", clinic);
  await world.asked("crq_2", clinic);
  const asked = world.requests.get("crq_1")!;
  world.requests.set("crq_1", { ...asked, state: RequestState.REFUSED, decideTime: noon + 5 });
  await world.requested("refused", "crq_1");
  world.requests.set("crq_2", { ...asked, state: RequestState.WITHDRAWN, decideTime: noon + 6 });
  await world.requested("withdrawn", "crq_2");
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_REQUEST_REFUSED);
  granted("con_1", 3, { revoked: true });
  await world.restart();
  await world.consented("revoked", "con_1", 3);
  await world.consented("amended", "con_1", 2);
  await world.consented("revoked", "con_1", 3);
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_REQUEST_REFUSED, Kind.CONSENT_CHANGED, Kind.CONSENT_REVOKED);
  const events = await listed();
  expect(events.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4]);
  expect(events[2]).toMatchObject({ consent: "con_1", consentVersion: 2, consentRequest: "" });
  expect(events[1]).toMatchObject({ consent: "", consentRequest: "crq_1", patient: world.known(clinic) });
  // What lies in the store opens under no key but the patient's, and in clear it names neither.
  const { documents } = await world.store().scan<EventDocument>(organizationEvents.name, {
    index: "by_age",
    equals: [],
    limit: 10,
  });
  expect(JSON.stringify(documents)).not.toMatch(/con_1|crq_1|org_clinic|refused/);
});

test("what ends by itself is told at its time, and not where it has changed until then", async () => {
  granted("con_1", 1, { endTime: noon + DAY });
  granted("con_2", 1, { endTime: noon + DAY + 1 });
  await world.consented("created", "con_1", 1);
  await world.consented("created", "con_2", 1);
  await world.asked("crq_1", clinic);
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_GRANTED);
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(3);
  granted("con_2", 2, { endTime: noon + 40 * DAY });
  world.state.now = noon + DAY + 1;
  await told(
    Kind.CONSENT_GRANTED,
    Kind.CONSENT_GRANTED,
    Kind.CONSENT_ENDED,
    // Nobody told of the new terms: the timer looked, and saw them.
    Kind.CONSENT_CHANGED,
  );
  expect((await listed())[2]).toMatchObject({ consent: "con_1", consentVersion: 0 });
  world.state.now = noon + 30 * DAY;
  await expect.poll(async () => (await kinds()).at(-1)).toBe(Kind.CONSENT_REQUEST_LAPSED);
});

test("an obligation to delete is told when it is made, and when it was not answered in time", async () => {
  const createTime = noon;
  world.obligations.set("dob_1", { organization: clinic, createTime, dueTime: noon + DAY });
  world.obligations.set("dob_2", { organization: clinic, createTime, dueTime: noon + DAY });
  await world.obliged("dob_1");
  await world.obliged("dob_2");
  const { DELETION_OBLIGATION_CREATED, DELETION_OBLIGATION_OVERDUE } = Kind;
  await told(DELETION_OBLIGATION_CREATED, DELETION_OBLIGATION_CREATED);
  world.obligations.set("dob_2", { organization: clinic, createTime, dueTime: noon + DAY, answered: true });
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(2);
  world.state.now = noon + DAY;
  await told(DELETION_OBLIGATION_CREATED, DELETION_OBLIGATION_CREATED, DELETION_OBLIGATION_OVERDUE);
  const about = (await listed()).map(({ deletionObligation }) => deletionObligation);
  expect(about).toEqual(["dob_1", "dob_2", "dob_1"]);
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(0);
});

test("a patient's use of a right is told, and that it was taken back, or not answered in time", async () => {
  const request = { organization: clinic, createTime: noon, dueTime: noon + DAY };
  world.rights.set("rrq_1", request);
  world.rights.set("rrq_2", request);
  await world.demanded("rrq_1", "created");
  await world.demanded("rrq_2", "created");
  const { RIGHTS_REQUEST_CREATED, RIGHTS_REQUEST_OVERDUE, RIGHTS_REQUEST_WITHDRAWN } = Kind;
  const made = [RIGHTS_REQUEST_CREATED, RIGHTS_REQUEST_CREATED];
  await told(...made);
  world.rights.set("rrq_2", { ...request, withdrawTime: noon + 1 });
  await world.demanded("rrq_2", "withdrawn");
  await told(...made, RIGHTS_REQUEST_WITHDRAWN);
  world.state.now = noon + DAY;
  await told(...made, RIGHTS_REQUEST_WITHDRAWN, RIGHTS_REQUEST_OVERDUE);
  const about = (await listed()).map(({ rightsRequest }) => rightsRequest);
  expect(about).toEqual(["rrq_1", "rrq_2", "rrq_2", "rrq_1"]);
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(0);
});

test("a resume token goes on after what was read, also after a restart; another's is refused, and one that is too old says so", async () => {
  const before = (await world.application(clinic).listEvents({})).resumeToken;
  for (const id of ["con_1", "con_2", "con_3"]) {
    granted(id, 1);
    await world.consented("created", id, 1);
  }
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_GRANTED, Kind.CONSENT_GRANTED);
  await world.restart();
  const page = await world.application(clinic).listEvents({ pageSize: 2, resumeToken: before });
  expect(page.events.map(({ consent }) => consent)).toEqual(["con_1", "con_2"]);
  const { resumeToken, nextPageToken } = page;
  const rest = await world.application(clinic).listEvents({ resumeToken });
  expect(rest.events.map(({ consent }) => consent)).toEqual(["con_3"]);
  const next = { pageSize: 2, pageToken: nextPageToken, resumeToken: before };
  expect((await world.application(clinic).listEvents(next)).events).toEqual(rest.events);
  expect((await world.application(clinic).listEvents({ resumeToken: rest.resumeToken })).events).toEqual([]);
  const other = world.application("org_other");
  expect((await other.listEvents({})).events).toEqual([]);
  expect(await reasonOf(other.listEvents({ resumeToken }))).toBe("INVALID_RESUME_TOKEN");
  expect(await reasonOf(other.listEvents({ pageToken: nextPageToken }))).toBe("INVALID_PAGE_TOKEN");
  // A restored server has another event under the number.
  const feed = createFeedRepository(world.store(), world.vault);
  const own = feedOf(world.tagOf, clinic);
  for (const [sequence, id] of [
    [1, "evt_lost"],
    [3, "evt_lost"],
    [4, "evt_lost"],
  ] as const) {
    const lost = feed.after(own, { sequence, event: id }, 10, world.state.now);
    await expect(lost).rejects.toMatchObject({ code: "resume_token_too_old" });
  }
  world.state.now += 31 * DAY;
  const old = world.application(clinic).listEvents({ resumeToken });
  expect(await reasonOf(old)).toBe("RESUME_TOKEN_TOO_OLD");
  const watch = world.application(clinic).watchEvents({ resumeToken })[Symbol.asyncIterator]();
  expect(await reasonOf(watch.next())).toBe("RESUME_TOKEN_TOO_OLD");
  // Whoever had read all of it has missed nothing.
  const ended = await world.application(clinic).listEvents({ resumeToken: rest.resumeToken });
  expect(ended.events).toEqual([]);
});

test("a watch gives its token at once, then what comes, and nobody else's", async () => {
  granted("con_0", 1);
  await world.consented("created", "con_0", 1);
  await told(Kind.CONSENT_GRANTED);
  const watch = world.application(clinic).watchEvents({})[Symbol.asyncIterator]();
  const other = world.application("org_other").watchEvents({})[Symbol.asyncIterator]();
  const opened = (await watch.next()).value;
  expect(opened?.events).toEqual([]);
  expect((await other.next()).value?.events).toEqual([]);
  granted("con_1", 1);
  await world.consented("created", "con_1", 1);
  expect((await watch.next()).value?.events).toMatchObject([{ consent: "con_1" }]);
  await watch.return?.();
  world.consents.set("con_2", { organization: "org_other", createTime: noon });
  await world.consented("created", "con_2", 1);
  expect((await other.next()).value?.events).toMatchObject([{ consent: "con_2", sequence: 1n }]);
  await other.return?.();
  const resumed = world.application(clinic).watchEvents({ resumeToken: opened!.resumeToken });
  const again = resumed[Symbol.asyncIterator]();
  expect((await again.next()).value?.events).toMatchObject([{ consent: "con_1" }]);
  await again.return?.();
});

test("replicas that follow the same at once, and a commit whose outcome nobody knows, repeat and lose nothing", async () => {
  const deps = { store: world.store(), vault: world.vault, tagOf: world.tagOf };
  const replicas = [createFeedWriter(deps), createFeedWriter(deps)];
  const facts = (versions: number) => ({
    organization: clinic,
    revoked: false,
    versions: Array.from({ length: versions }, (_, i) => ({ version: i + 1, time: noon + i })),
  });
  granted("con_1", 5);
  for (const versions of [2, 5]) {
    const course = courseOfConsent("con_1", facts(versions), noon);
    await Promise.all(
      [...replicas, ...replicas].map((one) => one.follow(partition, { consent: "con_1" }, course, noon)),
    );
  }
  world.state.unknownCommits = 1;
  granted("con_2", 1);
  await world.consented("created", "con_2", 1);
  await expect.poll(async () => (await listed()).length, { timeout: 15_000 }).toBe(6);
  expect(world.state.unknownCommits).toBe(0);
  const events = await listed();
  expect(events.map(({ consentVersion }) => consentVersion)).toEqual([1, 2, 3, 4, 5, 1]);
  expect(new Set(events.map(({ id }) => id)).size).toBe(6);
});

test("an event waits for consent in the order in which it came", async () => {
  world.state.consentDown = true;
  granted("con_1", 1);
  granted("con_2", 1);
  await world.consented("created", "con_1", 1);
  await world.consented("created", "con_2", 1);
  await expect
    .poll(() => world.warnings.filter((one) => one.includes("an organization waits")).length)
    .toBe(2);
  world.state.consentDown = false;
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_GRANTED);
  expect((await listed()).map(({ consent }) => consent)).toEqual(["con_1", "con_2"]);
});

test("an event is given out only where the organization may read what it names, at that moment", async () => {
  for (const id of ["con_1", "con_2"]) {
    granted(id, 1);
    await world.consented("created", id, 1);
  }
  await told(Kind.CONSENT_GRANTED, Kind.CONSENT_GRANTED);
  world.state.consentDown = true;
  expect(await reasonOf(listed())).toBe("UNAVAILABLE");
  world.state.consentDown = false;
  world.consents.delete("con_1");
  expect((await listed()).map(({ consent }) => consent)).toEqual(["con_2"]);
  // The data key goes with an erasure; what consents say stays readable until the retention after it is over.
  await world.vault.destroy(partition, "data");
  expect(await listed()).toHaveLength(1);
  await world.vault.destroy(partition, "audit");
  expect(await listed()).toEqual([]);
});

test("events are for an organization's applications: not for a token of one patient, and not for patients and who acts for them", async () => {
  const refused = (principal: Parameters<Installation["application"]>[1]) =>
    reasonOf(world.application(clinic, principal).listEvents({}));
  expect(await refused({})).toBe("answered");
  expect(await refused({ onlyPatient: partition, scopes: ["patient/Consent.s"] })).toBe(
    "CALLER_NOT_PERMITTED",
  );
  const guardian = { kind: "patient", id: "pat_1", partition, hides: ["reproductive"] } as const;
  expect(await refused(guardian)).toBe("CALLER_NOT_PERMITTED");
});
