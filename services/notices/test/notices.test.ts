import { ConnectError } from "@connectrpc/connect";
import { Notice_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { problemOf } from "@wellapi/rpc";
import { keysOfCategory } from "@wellapi/terminology";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import webPush from "web-push";
import { createPushSender } from "../src/push-sender.ts";
import { clinic, DAY, type Installation, noon, openInstallation, partition } from "./installation.ts";
import { openPushService, type PushService } from "./push-service.ts";

const emergency = "wellapi.consent.v1.EmergencyService/OpenEmergencyAccess";
const read = "wellapi.records.v1.RecordsService/ReadSeries";
const retracted = "wellapi.ingestion.v1.IngestionService/RetractBatch";
const erased = "wellapi.records.v1.RecordsService/ErasePatient";
const HOUR = 3_600_000;

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "answered",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );

let world: Installation;
let push: PushService;
beforeAll(async () => {
  push = await openPushService();
});
afterAll(() => push.close());
beforeEach(async () => {
  push.answer(201);
  world = await openInstallation([push.host]);
});
afterEach(() => {
  push.hold([]);
  return world.close();
});

const kinds = async (client = world.ada()) => (await client.listNotices({})).notices.map(({ kind }) => kind);
const toldOf = (...expected: Kind[]) => expect.poll(() => kinds(), { timeout: 15_000 }).toEqual(expected);
const mails = (count: number) => expect.poll(() => world.sent.length, { timeout: 15_000 }).toBe(count);
/** Nothing waits to be sent now: what could come has come. */
const settled = (waiting = 0) =>
  expect.poll(() => world.store().count("deliveries"), { timeout: 15_000 }).toBe(waiting);

async function consent(id: string, endTime?: number) {
  world.consents.set(id, {
    organization: clinic,
    createTime: world.state.now,
    ...(endTime !== undefined && { endTime }),
  });
  await world.consented("created", id, 1);
}

describe("the inbox", () => {
  test("has what happened, newest first, with what it refers to; reading marks it", async () => {
    await consent("con_1");
    await toldOf(Kind.CONSENT_GRANTED);
    world.state.now += 1_000;
    await world.noted({ method: emergency, organization: clinic, emergencyAccess: "emg_1" });
    await toldOf(Kind.EMERGENCY_ACCESS, Kind.CONSENT_GRANTED);
    const { notices, unreadCount } = await world.ada().listNotices({});
    expect(unreadCount).toBe(2);
    expect(notices[0]).toMatchObject({ organization: clinic, emergencyAccess: "emg_1", read: false });
    expect(notices[0]).toMatchObject({ access: "acc_event-1" });
    expect(notices[1]).toMatchObject({ organization: clinic, consent: "con_1", access: "" });
    const marked = await world.ada().markNoticesRead({ notices: [notices[1]!.id, "ntc_another"] });
    expect(marked.unreadCount).toBe(1);
    const unread = await world.ada().listNotices({ unreadOnly: true });
    expect(unread.notices.map(({ id }) => id)).toEqual([notices[0]!.id]);
  });

  test("comes in pages, and a token of one list is no token of another", async () => {
    for (let i = 0; i < 5; i += 1) {
      await consent(`con_${i}`);
      await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(i + 1);
      world.state.now += 1_000;
    }
    const first = await world.ada().listNotices({ pageSize: 3 });
    const second = await world.ada().listNotices({ pageSize: 3, pageToken: first.nextPageToken });
    expect([...first.notices, ...second.notices].map((one) => one.consent)).toEqual(
      [4, 3, 2, 1, 0].map((i) => `con_${i}`),
    );
    const crossed = world.ada().listNotices({ unreadOnly: true, pageToken: first.nextPageToken });
    expect(await reasonOf(crossed)).toBe("INVALID_PAGE_TOKEN");
  });

  test("tells an event once, however often it comes, also across a restart", async () => {
    await consent("con_1");
    await toldOf(Kind.CONSENT_GRANTED);
    await settled();
    await world.restart();
    await world.consented("created", "con_1", 1);
    await world.noted({ method: retracted, organization: clinic }, "one");
    await world.noted({ method: retracted, organization: clinic }, "one");
    await world.noted({ method: retracted, organization: clinic }, "another-of-the-day");
    await world.noted({ method: emergency, organization: clinic }, "last");
    await expect
      .poll(async () => (await kinds()).sort(), { timeout: 15_000 })
      .toEqual([Kind.CONSENT_GRANTED, Kind.EMERGENCY_ACCESS, Kind.DATA_RETRACTED]);
    await settled();
    expect(world.sent).toHaveLength(1);
  });

  test("is the patient's: nobody else has one, and who acts for a minor sees no notice that may be of own care", async () => {
    await consent("con_1");
    const [open, own] = ["8867-4", keysOfCategory("reproductive", 1)[0]];
    await world.noted({ method: read, organization: "org_a", codes: [open] });
    await world.noted({ method: read, organization: "org_b", codes: [open, own!] });
    await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(3);
    const guardian = world.as({ hides: ["reproductive"], actor: { kind: "guardian", id: "usr_g" } });
    const shown = await guardian.listNotices({});
    expect(shown.notices.map(({ organization }) => organization)).toEqual(["org_a"]);
    expect(shown.unreadCount).toBe(1);
    const { notices } = await world.ada().listNotices({});
    await guardian.markNoticesRead({ notices: notices.map(({ id }) => id) });
    expect((await world.ada().listNotices({})).unreadCount).toBe(2);
    const other = world.as({ id: "pat_00000000000000000000000002", partition: `${partition.slice(0, -1)}2` });
    await world.vault.create(`${partition.slice(0, -1)}2`, "data");
    expect(await kinds(other)).toEqual([]);
    expect(await reasonOf(world.as({ kind: "application", organization: clinic }).listNotices({}))).toBe(
      "CALLER_NOT_PERMITTED",
    );
  });

  test("a watch says the count, then each notice as it comes and each reading", async () => {
    const watch = world.ada().watchNotices({})[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ notices: [], unreadCount: 0 });
    await consent("con_1");
    const { value } = await watch.next();
    expect(value).toMatchObject({ unreadCount: 1, notices: [{ consent: "con_1" }] });
    await world.ada().markNoticesRead({ notices: [value!.notices[0]!.id] });
    expect((await watch.next()).value).toMatchObject({ notices: [], unreadCount: 0 });
    await watch.return?.();
  });
});

describe("unusual access", () => {
  test("is told of each organization: its first read, then what differs from its habit", async () => {
    await world.noted({ method: read, organization: clinic, reads: 1 });
    await toldOf(Kind.FIRST_ACCESS);
    world.state.now += DAY;
    await world.noted({ method: read, organization: clinic, reads: 1 });
    world.state.now += 14 * HOUR; // two in the morning, in Berlin
    await world.noted({ method: read, organization: clinic, reads: 1 });
    await toldOf(Kind.ACCESS_AT_NIGHT, Kind.FIRST_ACCESS);
    world.state.now += 1_000;
    await world.noted({ method: read, organization: "org_other", reads: 1 });
    await toldOf(Kind.FIRST_ACCESS, Kind.ACCESS_AT_NIGHT, Kind.FIRST_ACCESS);
  });

  test("night is by the zone that the patient has chosen", async () => {
    await world.ada().updatePreferences({ preferences: { timeZone: "Asia/Tokyo" } });
    await world.noted({ method: read, organization: clinic, reads: 1 });
    await toldOf(Kind.FIRST_ACCESS);
    world.state.now += 5 * HOUR; // one in the morning, in Tokyo
    await world.noted({ method: read, organization: clinic, reads: 1 });
    await toldOf(Kind.ACCESS_AT_NIGHT, Kind.FIRST_ACCESS);
  });
});

describe("mail", () => {
  test("goes to who is to have it, in their language, without a name, a category or a value", async () => {
    world.recipients.push({ account: "usr_guardian", language: "en", hides: [] });
    await consent("con_1");
    await mails(2);
    const [german, english] = world.sent;
    const { id } = (await world.ada().listNotices({})).notices[0]!;
    expect(german).toMatchObject({ account: "usr_ada", messageId: `${id}.usr_ada` });
    expect(german!.text).toMatch(/Einwilligung erteilt[\s\S]*\{origin\}\/me\//);
    expect(english!.text).toMatch(/consent was granted/);
    for (const { subject, text } of world.sent) expect(`${subject} ${text}`).not.toMatch(/org_|con_|heart/);
    await settled();
  });

  test("a mail server that is down for an hour loses nothing and repeats nothing", async () => {
    world.state.mailServer = "down";
    await consent("con_1");
    await toldOf(Kind.CONSENT_GRANTED);
    for (let minute = 0; minute < 60; minute += 10) {
      world.state.now += 600_000;
      await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
    }
    await world.restart();
    expect(world.sent).toEqual([]);
    world.state.mailServer = "up";
    world.state.now += 2 * HOUR;
    await mails(1);
    await settled();
    expect(world.sent).toHaveLength(1);
  });

  test("waits for a store that takes no writes, which is tried again at intervals, not without an end", async () => {
    const quietHours = { startMinute: 11 * 60, endMinute: 14 * 60 };
    await world.ada().updatePreferences({ preferences: { quietHours } });
    await consent("con_1");
    await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
    world.state.diskFull = true;
    world.state.now += 3 * HOUR;
    await expect
      .poll(() => world.warnings, { timeout: 15_000 })
      .toContain("notices wait to be sent; trying again");
    expect(world.sent).toEqual([]);
    world.state.diskFull = false;
    await mails(1);
    await settled();
  });

  test("who has it already gets it no second time because another one's failed", async () => {
    world.recipients.push({ account: "usr_guardian", language: "en", hides: [] });
    world.state.mailServer = "refuses one";
    await consent("con_1");
    await mails(1);
    await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
    world.state.mailServer = "up";
    world.state.now += HOUR;
    await mails(2);
    await settled();
    expect(world.sent.map(({ account }) => account)).toEqual(["usr_guardian", "usr_ada"]);
  });

  test("a stop between the mail server's yes and the commit repeats one mail, under the same Message-ID", async () => {
    world.state.sent = () => world.store().close();
    await consent("con_1");
    await mails(1);
    world.state.sent = async () => {};
    await world.restart();
    world.state.now += 59_000;
    await world.restart();
    expect(world.sent).toHaveLength(1);
    world.state.now += 2_000;
    await mails(2);
    await settled();
    world.state.now += DAY;
    await world.restart();
    expect(world.sent[1]).toEqual(world.sent[0]);
    expect(world.sent).toHaveLength(2);
    expect(await kinds()).toEqual([Kind.CONSENT_GRANTED]);
  });

  test.each(["down", "no recipients"] as const)(
    "is given up after twenty tries, mail server %s; the inbox has it",
    async (mailServer) => {
      world.state.mailServer = mailServer;
      await consent("con_1");
      await toldOf(Kind.CONSENT_GRANTED);
      for (let tries = 1; tries < 20; tries += 1) {
        await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
        world.state.now += 7 * HOUR;
      }
      await settled();
      expect(world.sent).toEqual([]);
      expect(await kinds()).toEqual([Kind.CONSENT_GRANTED]);
    },
  );

  test("what was read in the inbox, what is muted and a grant that was revoked are not sent", async () => {
    const quiet = { startMinute: 11 * 60, endMinute: 14 * 60 };
    await world.ada().updatePreferences({ preferences: { quietHours: quiet } });
    await consent("con_read");
    await consent("con_revoked");
    await consent("con_told");
    await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(3);
    const { notices } = await world.ada().listNotices({});
    await world.ada().markNoticesRead({ notices: [notices.find((one) => one.consent === "con_read")!.id] });
    world.consents.set("con_revoked", { organization: clinic, createTime: noon, revoked: true });
    expect(world.sent).toEqual([]);
    world.state.now += 3 * HOUR;
    await mails(1);
    await settled();
    const told = notices.find((one) => one.consent === "con_told")!;
    expect(world.sent.map(({ messageId }) => messageId)).toEqual([`${told.id}.usr_ada`]);
    const email = { enabled: true, mutedKinds: [Kind.CONSENT_GRANTED] };
    await world.ada().updatePreferences({ preferences: { email } });
    await consent("con_muted");
    await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(4);
    await settled();
    expect(world.sent).toHaveLength(1);
  });

  test("a guardian gets no mail of what may be a minor's own care", async () => {
    world.recipients.splice(0, 1, {
      account: "usr_guardian",
      language: "en",
      hides: ["reproductive"],
    });
    await consent("con_1");
    await world.noted({ method: read, organization: clinic, codes: ["8867-4"] });
    await mails(1);
    await settled();
    expect(world.sent[0]!.text).toContain("for the first time");
  });
});

/** Whether everything that is to be sent is due at a later time than now. */
async function dueLater(): Promise<boolean> {
  const { documents } = await world.store().scan("deliveries", {
    index: "due",
    equals: [],
    range: { to: world.state.now + 1 },
    limit: 10,
  });
  return documents.length === 0 && (await world.store().count("deliveries")) > 0;
}

describe("the end of a consent", () => {
  test("is told a week before, once, also where the service stood still", async () => {
    await consent("con_1", noon + 30 * DAY);
    await toldOf(Kind.CONSENT_GRANTED);
    await mails(1);
    world.state.now = noon + 22 * DAY;
    await world.restart();
    expect(await kinds()).toEqual([Kind.CONSENT_GRANTED]);
    world.state.now = noon + 24 * DAY;
    await toldOf(Kind.CONSENT_ENDING, Kind.CONSENT_GRANTED);
    const [ending] = (await world.ada().listNotices({})).notices;
    expect(ending).toMatchObject({ consent: "con_1", organization: clinic });
    expect(Number(ending!.endTime!.seconds) * 1_000).toBe(noon + 30 * DAY);
    await mails(2);
    await world.restart();
    await settled();
    expect(world.sent).toHaveLength(2);
  });

  test("of a consent that was revoked, or that ends otherwise by now, is not told", async () => {
    await consent("con_revoked", noon + 30 * DAY);
    await consent("con_changed", noon + 30 * DAY);
    await expect.poll(() => world.store().count("consent_endings"), { timeout: 15_000 }).toBe(2);
    world.consents.get("con_revoked")!.revoked = true;
    world.consents.get("con_changed")!.endTime = noon + 300 * DAY;
    world.state.now = noon + 24 * DAY;
    await expect.poll(() => world.store().count("consent_endings"), { timeout: 15_000 }).toBe(0);
    expect(await kinds()).not.toContain(Kind.CONSENT_ENDING);
  });
});

describe("a consent that changes", () => {
  test("is told with its new end; a revocation ends the timer", async () => {
    await consent("con_1", noon + 30 * DAY);
    await toldOf(Kind.CONSENT_GRANTED);
    world.consents.get("con_1")!.endTime = noon + 60 * DAY;
    world.state.now += 1_000;
    await world.consented("amended", "con_1", 2);
    await toldOf(Kind.CONSENT_CHANGED, Kind.CONSENT_GRANTED);
    world.state.now = noon + 24 * DAY;
    await world.restart();
    expect(await kinds()).toEqual([Kind.CONSENT_CHANGED, Kind.CONSENT_GRANTED]);
    world.consents.get("con_1")!.revoked = true;
    await world.consented("revoked", "con_1", 3);
    await toldOf(Kind.CONSENT_REVOKED, Kind.CONSENT_CHANGED, Kind.CONSENT_GRANTED);
    expect(await world.store().count("consent_endings")).toBe(0);
  });

  test("and a request for one is told while it waits, and mailed to nobody once it was decided", async () => {
    const quietHours = { startMinute: 11 * 60, endMinute: 14 * 60 };
    await world.ada().updatePreferences({ preferences: { quietHours } });
    await world.asked("crq_decided", clinic);
    await world.asked("crq_waits", clinic);
    await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(2);
    const { notices } = await world.ada().listNotices({});
    expect(notices[0]).toMatchObject({ kind: Kind.CONSENT_REQUESTED, organization: clinic });
    world.requests.get("crq_decided")!.waits = false;
    world.state.now += 3 * HOUR;
    await mails(1);
    await settled();
    const waits = notices.find(({ consentRequest }) => consentRequest === "crq_waits")!;
    expect(world.sent.map(({ messageId }) => messageId)).toEqual([`${waits.id}.usr_ada`]);
  });
});

test("what only forbids is told as a change: nobody is said to have got a permission", async () => {
  world.consents.set("con_denies", { organization: clinic, createTime: world.state.now, onlyDenies: true });
  await world.consented("created", "con_denies", 1);
  await toldOf(Kind.CONSENT_CHANGED);
});

test("an organization's answer to what a patient demands is told", async () => {
  world.rights.set("rrq_1", {
    organization: clinic,
    createTime: world.state.now,
    dueTime: world.state.now + HOUR,
  });
  await world.demanded("rrq_1", "answered");
  await toldOf(Kind.RIGHTS_ANSWERED);
  const [notice] = (await world.ada().listNotices({})).notices;
  expect(notice).toMatchObject({ organization: clinic, rightsRequest: "rrq_1" });
});

test("an organization's answer to an obligation to delete is told, each once, in the patient's language, unless it is muted", async () => {
  const about = { organization: clinic, createTime: noon, dueTime: noon + DAY };
  for (const id of ["dob_1", "dob_2"]) world.obligations.set(id, about);
  await world.ada().updatePreferences({ preferences: { language: "de" } });
  await world.obliged("dob_1", "answered");
  await toldOf(Kind.DELETION_ANSWERED);
  await mails(1);
  expect(world.sent[0]!.text).toMatch(/^Eine Organisation hat geantwortet, ob sie gelöscht hat/);
  const [notice] = (await world.ada().listNotices({})).notices;
  expect(notice).toMatchObject({ organization: clinic, deletionObligation: "dob_1" });
  const email = { enabled: true, mutedKinds: [Kind.DELETION_ANSWERED] };
  await world.ada().updatePreferences({ preferences: { email, language: "de" } });
  // The same comes again, and another.
  await world.restart();
  await world.obliged("dob_1", "answered");
  await world.obliged("dob_2", "answered");
  await toldOf(Kind.DELETION_ANSWERED, Kind.DELETION_ANSWERED);
  await settled();
  expect(world.sent).toHaveLength(1);
});

test("what an organization did not answer in time is told once, and mailed unless it was answered before", async () => {
  const dueTime = noon + DAY;
  const about = { organization: clinic, createTime: noon, dueTime };
  for (const id of ["rrq_late", "rrq_answered"]) {
    world.rights.set(id, about);
    await world.demanded(id, "created");
  }
  world.obligations.set("dob_late", about);
  await world.obliged("dob_late");
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(3);
  await world.restart();
  expect(await kinds()).toEqual([]);
  const quietHours = { startMinute: 11 * 60, endMinute: 14 * 60 };
  await world.ada().updatePreferences({ preferences: { quietHours, language: "de" } });
  world.state.mailServer = "down";
  // As if it died right after the timers ended.
  world.state.unknownCommits = 3;
  world.state.now = dueTime;
  await expect.poll(() => kinds(), { timeout: 15_000 }).toHaveLength(3);
  const { notices } = await world.ada().listNotices({});
  const told = notices.map(({ kind, organization, rightsRequest, deletionObligation, eventTime }) => ({
    of: [kind, organization, rightsRequest || deletionObligation],
    time: Number(eventTime!.seconds) * 1_000,
  }));
  expect(told).toHaveLength(3);
  expect(told).toEqual(
    expect.arrayContaining([
      { of: [Kind.RIGHTS_OVERDUE, clinic, "rrq_late"], time: dueTime },
      { of: [Kind.RIGHTS_OVERDUE, clinic, "rrq_answered"], time: dueTime },
      { of: [Kind.DELETION_OVERDUE, clinic, "dob_late"], time: dueTime },
    ]),
  );
  await expect.poll(() => world.store().count("organization_timers"), { timeout: 15_000 }).toBe(0);
  world.rights.set("rrq_answered", { ...about, withdrawTime: dueTime });
  // The same comes again, the service starts again, and the mail server is away.
  world.state.now += 1_000;
  await world.demanded("rrq_late", "answered");
  await toldOf(Kind.RIGHTS_ANSWERED, ...notices.map(({ kind }) => kind));
  await world.restart();
  world.state.now += 3 * HOUR;
  const failed = () => world.warnings.filter((one) => one.includes("could not be sent")).length;
  await expect.poll(failed, { timeout: 15_000 }).toBeGreaterThanOrEqual(3);
  world.state.mailServer = "up";
  world.state.now += HOUR;
  await mails(3);
  await settled();
  const texts = world.sent.map(({ text }) => text.split("\n")[0]);
  expect(texts).toHaveLength(3);
  expect(texts).toEqual(
    expect.arrayContaining([
      "Eine Organisation hat nicht rechtzeitig beantwortet, was Sie von ihr verlangen.",
      "Eine Organisation hat nicht rechtzeitig gesagt, ob sie gelöscht hat, was sie von Ihnen erhalten hatte.",
      "Eine Organisation hat beantwortet, was Sie von ihr verlangen.",
    ]),
  );
});

describe("web push", () => {
  test("reaches the browser, which alone can read it, and shows the push service whose it is", async () => {
    const browser = push.subscribe();
    await world.ada().createPushSubscription({ ...browser, language: "de" });
    await consent("con_1");
    await expect.poll(() => push.to(browser), { timeout: 15_000 }).toHaveLength(1);
    const [pushed] = push.to(browser);
    const { id } = (await world.ada().listNotices({})).notices[0]!;
    expect(pushed!.message).toEqual({
      id,
      title: "WellAPI",
      body: "Über Ihr Konto wurde eine Einwilligung erteilt.",
      path: "/me/notices",
    });
    const { preferences } = await world.ada().getPreferences({});
    expect(pushed).toMatchObject({
      key: preferences!.pushKey,
      audience: `https://${push.host}`,
      contact: "mailto:operator@wellapi.example",
      urgency: "normal",
    });
  });

  test("of emergency access comes in quiet hours, and urgently", async () => {
    const browser = push.subscribe();
    await world.ada().createPushSubscription(browser);
    const quietHours = { startMinute: 0, endMinute: 1_439 };
    await world.ada().updatePreferences({
      preferences: { quietHours, push: { enabled: false, mutedKinds: [] } },
    });
    await world.noted({ method: emergency, organization: clinic, emergencyAccess: "emg_1" });
    await expect.poll(() => push.to(browser), { timeout: 15_000 }).toHaveLength(1);
    expect(push.to(browser)[0]!.urgency).toBe("high");
    await settled();
    expect(world.sent).toEqual([]);
  });

  test("a browser that is gone is removed; one whose service fails is tried again", async () => {
    const [gone, kept] = [push.subscribe(), push.subscribe()];
    await world.ada().createPushSubscription(kept);
    push.answer(503);
    await consent("con_1");
    await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
    push.answer(201);
    world.state.now += HOUR;
    await expect.poll(() => push.to(kept), { timeout: 15_000 }).toHaveLength(1);
    await world.ada().createPushSubscription(gone);
    push.answer(410);
    await consent("con_2");
    await expect
      .poll(async () => (await world.ada().listPushSubscriptions({})).pushSubscriptions, { timeout: 15_000 })
      .toEqual([]);
    await settled();
  });

  test("that a push service is slow to take holds up no other browser, no mail, and nothing urgent", async () => {
    const quietHours = { startMinute: 11 * 60, endMinute: 14 * 60 };
    await world.ada().updatePreferences({ preferences: { quietHours } });
    const [quick, ...slow] = [push.subscribe(), push.subscribe(), push.subscribe()];
    for (const browser of [quick, ...slow]) await world.ada().createPushSubscription(browser);
    await consent("con_1");
    await consent("con_2");
    await settled(4);
    await expect.poll(() => dueLater(), { timeout: 15_000 }).toBe(true);
    push.hold(slow);
    world.state.now += 3 * HOUR;
    await mails(2);
    await expect.poll(() => push.to(quick), { timeout: 15_000 }).toHaveLength(2);
    await world.noted({ method: emergency, organization: clinic, emergencyAccess: "emg_1" });
    await expect.poll(() => push.to(quick), { timeout: 15_000 }).toHaveLength(3);
    // Nothing was given up meanwhile: all of it was sent while the slow ones were waited for.
    expect(await world.store().count("deliveries")).toBe(3);
    push.hold([]);
    await settled();
    expect([quick, ...slow].map((browser) => push.to(browser).length)).toEqual([3, 3, 3]);
    expect(world.warnings).toEqual([]);
  });

  test("is given up in time where the push service is never silent", async () => {
    const browser = push.subscribe();
    push.hold([browser]);
    // It beats twice a second.
    const key = webPush.generateVAPIDKeys();
    const sender = createPushSender({
      key,
      subject: () => "mailto:operator@wellapi.example",
      timeoutMs: 700,
    });
    const [p256dh, auth] = [browser.p256dh, browser.auth].map((one) =>
      Buffer.from(one).toString("base64url"),
    );
    const subscription = {
      id: "psh_1",
      createTime: noon,
      endpoint: browser.endpoint,
      p256dh: p256dh!,
      auth: auth!,
      language: "en",
    } as const;
    await expect(sender.send(subscription, {}, false)).rejects.toThrow("the push service answered nothing");
    sender.close();
  });

  test("of who acts for a minor comes without what may be own care, and never after they cease to act", async () => {
    const [own, hers] = [push.subscribe(), push.subscribe()];
    const guardian = world.as({ hides: ["reproductive"], actor: { kind: "guardian", id: "usr_g" } });
    world.acting.set("usr_g", ["reproductive"]);
    await world.ada().createPushSubscription(own);
    await guardian.createPushSubscription(hers);
    await consent("con_1");
    await expect.poll(() => push.to(own), { timeout: 15_000 }).toHaveLength(1);
    await world.noted({ method: read, organization: clinic, codes: ["8867-4"] });
    await expect.poll(() => push.to(own), { timeout: 15_000 }).toHaveLength(2);
    await settled();
    expect(push.to(hers).map(({ message }) => message.body)).toEqual([
      expect.stringContaining("for the first time"),
    ]);
    world.acting.delete("usr_g");
    await world.noted({ method: retracted, organization: clinic, codes: ["8867-4"] });
    await expect.poll(() => push.to(own), { timeout: 15_000 }).toHaveLength(3);
    await settled();
    expect(push.to(hers)).toHaveLength(1);
    expect((await guardian.listPushSubscriptions({})).pushSubscriptions).toHaveLength(1);
  });

  test("goes to nobody while the record is frozen, and to the same browsers once that was a mistake", async () => {
    const [own, carers] = [push.subscribe(), push.subscribe()];
    world.acting.set("usr_c", []);
    await world.ada().createPushSubscription(own);
    await world.as({ actor: { kind: "carer", id: "usr_c" } }).createPushSubscription(carers);
    world.state.frozen = true;
    await world.noted({ method: emergency, organization: clinic, emergencyAccess: "emg_1" });
    await toldOf(Kind.EMERGENCY_ACCESS);
    await settled();
    expect([...push.to(own), ...push.to(carers)]).toEqual([]);
    world.state.frozen = false;
    await consent("con_1");
    await expect.poll(() => [push.to(own), push.to(carers)].flat(), { timeout: 15_000 }).toHaveLength(2);
  });

  test("goes no more to a browser of which it is not known whose it is", async () => {
    const browser = push.subscribe();
    await world.ada().createPushSubscription(browser);
    await world.forgetAccounts();
    await consent("con_1");
    await mails(1);
    await settled();
    expect(push.to(browser)).toEqual([]);
    expect((await world.ada().listPushSubscriptions({})).pushSubscriptions).toEqual([]);
    await world.ada().createPushSubscription(browser);
    await consent("con_2");
    await expect.poll(() => push.to(browser), { timeout: 15_000 }).toHaveLength(1);
  });

  test("a browser is added once, ten at the most, at push services that are known, with a key that can be used", async () => {
    const browser = push.subscribe();
    const [one, again] = [
      await world.ada().createPushSubscription(browser),
      await world.ada().createPushSubscription(browser),
    ];
    expect(again).toEqual(one);
    expect(one.pushSubscription!.host).toBe(push.host);
    for (let i = 1; i < 10; i += 1) await world.ada().createPushSubscription(push.subscribe());
    const eleventh = world.ada().createPushSubscription(push.subscribe());
    expect(await reasonOf(eleventh)).toBe("TOO_MANY_SUBSCRIPTIONS");
    await world.ada().deletePushSubscription({ pushSubscription: one.pushSubscription!.id });
    expect((await world.ada().listPushSubscriptions({})).pushSubscriptions).toHaveLength(9);
    const foreign = { ...browser, endpoint: "https://push.example/1" };
    expect(await reasonOf(world.ada().createPushSubscription(foreign))).toBe("UNKNOWN_PUSH_SERVICE");
    const noPoint = { ...browser, p256dh: new Uint8Array(65).fill(4) };
    expect(await reasonOf(world.ada().createPushSubscription(noPoint))).toBe("PUSH_KEY_INVALID");
  });

  test("the key stays the installation's across restarts", async () => {
    const before = await world.ada().getPreferences({});
    await world.restart();
    expect((await world.ada().getPreferences({})).preferences!.pushKey).toBe(before.preferences!.pushKey);
  });
});

describe("preferences", () => {
  test("are changed by field, under their etag, and each change leaves an entry", async () => {
    const before = (await world.ada().getPreferences({})).preferences!;
    expect(before).toMatchObject({ email: { enabled: true }, push: { enabled: true }, timeZone: "" });
    const changed = await world.ada().updatePreferences({
      preferences: { language: "de", etag: before.etag, quietHours: { startMinute: 1_320, endMinute: 420 } },
    });
    expect(changed.preferences).toMatchObject({
      language: "de",
      email: before.email,
      quietHours: { startMinute: 1_320, endMinute: 420 },
    });
    const stale = world.ada().updatePreferences({ preferences: { language: "en", etag: before.etag } });
    expect(await reasonOf(stale)).toBe("STALE_ETAG");
    const cleared = await world.ada().updatePreferences({
      preferences: {},
      updateMask: { paths: ["quiet_hours", "language"] },
    });
    expect(cleared.preferences).toMatchObject({ language: "" });
    expect(cleared.preferences!.quietHours).toBeUndefined();
    await expect
      .poll(() => world.entries.filter(({ method }) => method.endsWith("/UpdatePreferences")).length, {
        timeout: 15_000,
      })
      .toBe(3);
  });

  test("refuse a zone that is none, quiet hours without length, and silence about emergencies", async () => {
    const update = (preferences: object) => reasonOf(world.ada().updatePreferences({ preferences }));
    expect(await update({ timeZone: "Mars/Olympus" })).toBe("INVALID_FIELD");
    expect(await update({ quietHours: { startMinute: 60, endMinute: 60 } })).toBe("INVALID_FIELD");
    expect(await update({ push: { enabled: true, mutedKinds: [Kind.EMERGENCY_ACCESS] } })).toBe(
      "INVALID_FIELD",
    );
  });
});

describe("an erasure", () => {
  /** What is stored of the patient, by collection. */
  const left = async () => {
    const found: Record<string, number> = {};
    const all = [
      "notices",
      "preferences",
      "push_subscriptions",
      "access_habits",
      "consent_endings",
      "deliveries",
    ];
    for (const name of all) {
      const { documents } = await world.store().scan(name, { equals: [partition], limit: 100 });
      if (documents.length > 0) found[name] = documents.length;
    }
    return found;
  };

  async function fill() {
    world.state.mailServer = "down";
    await world.ada().updatePreferences({ preferences: { language: "de" } });
    await world.ada().createPushSubscription(push.subscribe());
    push.answer(503);
    await consent("con_1", noon + 30 * DAY);
    await world.noted({ method: read, organization: clinic, reads: 1 });
    await expect.poll(async () => Object.keys(await left()).length, { timeout: 15_000 }).toBe(6);
  }

  test("deletes the inbox, the preferences, the browsers and what waits, and lets nothing come after", async () => {
    await fill();
    await world.vault.destroy(partition, "data");
    expect(await world.ada().listNotices({})).toMatchObject({ notices: [], unreadCount: 0 });
    await world.noted({ method: erased });
    await expect.poll(left, { timeout: 15_000 }).toEqual({});
    await world.noted({ method: emergency, organization: clinic, emergencyAccess: "emg_1" }, "late");
    await world.restart();
    expect(await kinds()).toEqual([]);
    const late = world.ada().createPushSubscription(push.subscribe());
    expect(await reasonOf(late)).toBe("PATIENT_ERASED");
    expect(await left()).toEqual({});
    expect(world.sent).toEqual([]);
  });

  test("of which the data knows nothing, because they came from a backup, is done at the start", async () => {
    await fill();
    await world.journal.append({ kind: "patient_erased", partition, subject: "era_1", time: noon });
    await world.restart();
    expect(await left()).toEqual({});
  });
});

test("nothing of a notice lies in clear on the disk: neither the organization nor what it is about", async () => {
  await world.ada().createPushSubscription(push.subscribe());
  await consent("con_1");
  await world.noted({ method: read, organization: "org_secretclinic", codes: ["8867-4"] });
  await expect.poll(async () => (await kinds()).length, { timeout: 15_000 }).toBe(2);
  const stored = JSON.stringify(
    await Promise.all(
      ["notices", "access_habits", "push_subscriptions", "deliveries"].map(async (name) =>
        (await world.store().scan(name, { equals: [partition], limit: 100 })).documents.map(
          ({ document }) => [document, Buffer.from((document.sealed as Uint8Array) ?? []).toString("latin1")],
        ),
      ),
    ),
  );
  for (const word of ["org_secretclinic", clinic, "8867-4", "first_access", push.host]) {
    expect(stored).not.toContain(word);
  }
});
