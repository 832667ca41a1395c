import { createFollower, type Entry, type Fact, type FactKind, JournalError } from "@wellapi/journal";
import { silentLogger } from "@wellapi/runtime";
import type { Document } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { type Author, type Consent, noConsents, type Provision, type RecallScope } from "../src/consent.ts";
import { currentDocument } from "../src/consent-documents.ts";
import { ConsentRepository } from "../src/consent-repository.ts";
import { ConsentError } from "../src/errors.ts";
import { etagOf } from "../src/etag.ts";
import { Granting } from "../src/granting.ts";
import { RecalledChanges } from "../src/recalled-changes.ts";
import { Revocations } from "../src/revocation.ts";
import { createMemoryStore } from "./model/memory-store.ts";
import { scopes, sealing } from "./sealing.ts";
import { consentOf, denial, permission } from "./terms.ts";

const partition = "local/pat_1";
const patient: Author = { kind: "patient", id: "pat_1" };
const now = 5_000;
const journalAway = new JournalError("unavailable", "the journal is away");

/** Changes of consents over a store, with the recalls and the journal as the test wants them. */
function openChanges() {
  const store = createMemoryStore(consentCollections);
  const log: string[] = [];
  const recalled: Array<{ readonly partition: string } & RecallScope> = [];
  const told: Fact[] = [];
  const meddling = { before: async () => {}, times: 0 };
  const faults = { recall: undefined as Error | undefined, journal: undefined as Error | undefined };
  let commits = 0;
  const meddled: typeof store = {
    ...store,
    async commit(commit) {
      const change = commit.changes.find((one) => "document" in one && one.collection === "current_consents");
      if (change !== undefined) {
        commits += 1;
        if (meddling.times-- > 0) await meddling.before();
        log.push("commit");
      }
      return store.commit(commit);
    },
  };
  const consents = new ConsentRepository(meddled, sealing, scopes);
  let ids = 0;
  const common = {
    clock: { now: () => now, monotonic: () => 0 },
    ids: { next: (prefix: string) => `${prefix}_${++ids}` },
    log: silentLogger,
  };
  const changes = new RecalledChanges({
    ...common,
    consents,
    recalls: {
      async recall(whose, scope) {
        log.push("recall");
        recalled.push({ partition: whose, ...scope });
        if (faults.recall) throw faults.recall;
      },
    },
  });
  const { owed } = createFollower({ store, journal: {} as never, log: silentLogger });
  const journal = {
    owed,
    async tell(fact: Fact) {
      told.push(fact);
      if (faults.journal) throw faults.journal;
    },
  };
  const granting = new Granting({ ...common, consents, changes, journal });
  const revocations = new Revocations({ ...common, consents, changes, journal });
  const leaves: (readonly Consent[])[] = [];
  let accesses = 0;
  const leafOf = (of: readonly Consent[]) => {
    leaves.push(of);
    const id = `acc_${++accesses}`;
    return { id, change: { kind: "insert", collection: "leaves", document: { partition, id } } as const };
  };
  const documents = async (collection: string): Promise<Document[]> => {
    const page = await store.scan(collection, { equals: [], limit: 10_000 });
    return page.documents.map(({ document }) => document);
  };

  return {
    consents,
    granting,
    revocations,
    faults,
    log,
    recalled,
    told,
    leaves,
    leafOf,
    documents,
    commits: () => commits,
    owedFacts: async () => {
      const all = await documents("journal_owed");
      return all.map(({ kind, subject, time }) => ({ kind, subject, time }));
    },
    /** Gives a consent and forgets what it took to do so. */
    async given(
      provisions: readonly Provision[] = [permission],
      grantee = "org_clinic",
      requestId = `r${ids}`,
    ) {
      const { terms } = consentOf(provisions, { grantee });
      const origin = { requestId, requestDigest: "d" };
      const { consent } = await granting.create(partition, terms, origin, patient, leafOf);
      log.length = 0;
      recalled.length = 0;
      leaves.length = 0;
      commits = 0;
      return consent;
    },
    /** Somebody else is faster, so many times. */
    meddle(times: number) {
      let others = 0;
      meddling.times = times;
      meddling.before = async () => {
        const current = await consents.stored(partition);
        const key = await sealing.key(partition);
        const document = currentDocument(key, partition, current?.document.current ?? noConsents);
        others += 1;
        const change = current
          ? ({ kind: "replace", ifRevision: current.revision } as const)
          : ({ kind: "insert" } as const);
        const result = await store.commit({
          partition,
          changes: [
            { ...change, collection: "current_consents", document: { ...document, others } } as never,
          ],
        });
        expect(result.committed).toBe(true);
      };
    },
    revoke: (consent: string, etag = "") => revocations.revoke(partition, { consent, etag }, patient, leafOf),
    replay: (kind: FactKind, subject: string, whose = partition) => {
      const entry: Entry = {
        kind,
        partition: whose,
        subject,
        time: 4_000,
        position: 1,
        mac: new Uint8Array(),
      };
      return revocations.replay(entry, () => leafOf);
    },
  };
}

const origin = { requestId: "r_1", requestDigest: "digest" };
const { terms } = consentOf([permission]);
const denying = consentOf([permission, denial]).terms;

describe("giving consent", () => {
  it("stores it with its revision, its leaf and what it came from, and recalls before it answers", async () => {
    const { granting, consents, leafOf, log, recalled, documents, leaves } = openChanges();
    const given = await granting.create(partition, terms, origin, patient, leafOf);
    const { consent } = given;
    expect(given.changed).toBe(true);
    expect(consent).toEqual({ id: expect.any(String), terms, version: 1, grantor: patient, createTime: now });
    expect(log).toEqual(["commit", "recall"]);
    expect(recalled).toEqual([{ partition, onlyWidens: true, grantees: ["org_clinic"] }]);
    expect((await consents.current(partition)).consents).toEqual([consent]);
    expect(await consents.get(partition, consent.id)).toEqual(consent);
    const { revisions } = await consents.revisions(partition, consent.id, { limit: 9, cursor: undefined });
    expect(revisions).toEqual([{ consent, replacedEtag: "", author: patient, time: now, access: "acc_1" }]);
    expect(leaves).toEqual([[consent]]);
    expect(await documents("leaves")).toEqual([{ partition, id: "acc_1" }]);
    expect(await documents("pending_recalls")).toEqual([]);
  });

  it("is done once for a request that is sent again, which recalls once more", async () => {
    const { granting, leafOf, log, recalled, commits } = openChanges();
    const first = await granting.create(partition, denying, origin, patient, leafOf);
    const again = await granting.create(partition, terms, origin, patient, leafOf);
    expect(again).toEqual({ consent: first.consent, changed: false });
    expect(commits()).toBe(1);
    expect(log).toEqual(["commit", "recall", "recall"]);
    // By what was given, whatever is asked now.
    expect(recalled[1]).toEqual({ partition, onlyWidens: false, grantees: ["org_clinic"] });
    await expect(granting.repeated(partition, { ...origin, requestId: "r_2" })).resolves.toBeUndefined();
  });

  it("is refused under the id of another request, and recalls nobody then", async () => {
    const { granting, leafOf, recalled } = openChanges();
    await granting.create(partition, terms, origin, patient, leafOf);
    const other = { ...origin, requestDigest: "other" };
    await expect(granting.create(partition, terms, other, patient, leafOf)).rejects.toMatchObject({
      code: "request_id_reused",
    });
    expect(recalled).toHaveLength(1);
  });

  it("is refused where the patient is erased, and where there is too much already", async () => {
    const { granting, revocations, leafOf, given } = openChanges();
    await given(Array(32).fill(denial));
    await expect(granting.create(partition, denying, origin, patient, leafOf)).rejects.toMatchObject({
      code: "too_many_consents",
      message: expect.stringMatching(/^32 provisions deny .*: revoke some first$/),
    });
    await revocations.revokeAll(partition, patient, leafOf);
    await expect(granting.create(partition, terms, origin, patient, leafOf)).rejects.toMatchObject({
      code: "patient_erased",
    });
  });

  it("is tried again where somebody else changes the patient's consents, and given up at last", async () => {
    const { granting, leafOf, meddle, given, consents, commits } = openChanges();
    await given();
    meddle(19);
    expect(await granting.create(partition, terms, origin, patient, leafOf)).toMatchObject({ changed: true });
    expect((await consents.current(partition)).consents).toHaveLength(2);
    const before = commits();
    expect(before).toBe(20);
    meddle(100);
    const another = { ...origin, requestId: "r_2" };
    await expect(granting.create(partition, terms, another, patient, leafOf)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(commits() - before).toBe(20);
    expect((await consents.current(partition)).consents).toHaveLength(2);
  });

  it("is not answered while its recall is not complete; sent again, it is the same consent", async () => {
    const { granting, leafOf, faults, consents, documents } = openChanges();
    faults.recall = new ConsentError("unavailable");
    const ask = () => granting.create(partition, terms, origin, patient, leafOf);
    await expect(ask()).rejects.toBe(faults.recall);
    expect(await documents("pending_recalls")).toHaveLength(1);
    await expect(ask()).rejects.toBe(faults.recall);
    faults.recall = undefined;
    const { consent, changed } = await ask();
    expect(changed).toBe(false);
    expect((await consents.current(partition)).consents).toEqual([consent]);
  });

  it("owes the journal what it denies, and nothing else", async () => {
    const { granting, leafOf, owedFacts, told, faults } = openChanges();
    const permitted = await granting.create(partition, terms, origin, patient, leafOf);
    await granting.writeDown(partition, permitted.consent);
    expect([await owedFacts(), told]).toEqual([[], []]);
    const second = { ...origin, requestId: "r_2" };
    const { consent } = await granting.create(partition, denying, second, patient, leafOf);
    const subject = `${consent.id}@${sealing.tagOf("org_clinic")}`;
    expect(await owedFacts()).toEqual([{ kind: "consent_denies", subject, time: now }]);
    await granting.writeDown(partition, consent);
    expect(told).toEqual([{ kind: "consent_denies", partition, subject, time: now }]);
    faults.journal = journalAway;
    await expect(granting.writeDown(partition, consent)).rejects.toMatchObject({
      name: "ConsentError",
      code: "journal_unavailable",
      message: expect.stringMatching(/^the consent is given and what it denies is denied/),
      cause: journalAway,
    });
    faults.journal = new TypeError("a mistake");
    await expect(granting.writeDown(partition, consent)).rejects.toBe(faults.journal);
  });
});

describe("revoking a consent", () => {
  it("stores it revoked, with the revision that it replaced, and recalls before it answers", async () => {
    const { consents, given, revoke, log, recalled, leaves, documents, owedFacts } = openChanges();
    const kept = await given([permission], "org_maker");
    const consent = await given();
    const done = await revoke(consent.id, etagOf(consent));
    const after: Consent = { ...consent, version: 2, revokeTime: now };
    expect(done).toEqual({ consent: after, changed: true });
    expect(log).toEqual(["commit", "recall"]);
    expect(recalled).toEqual([{ partition, onlyWidens: false, grantees: ["org_clinic"] }]);
    expect(await consents.current(partition)).toEqual({
      consents: [kept],
      revoked: [{ grantee: "org_clinic", direction: "read" }],
      closed: false,
    });
    expect(await consents.get(partition, consent.id)).toEqual(after);
    const { revisions } = await consents.revisions(partition, consent.id, { limit: 9, cursor: undefined });
    expect(revisions[1]).toEqual({
      consent: after,
      replacedEtag: etagOf(consent),
      author: patient,
      time: now,
      access: "acc_3",
    });
    expect(leaves).toEqual([[after]]);
    expect(await documents("leaves")).toContainEqual({ partition, id: "acc_3" });
    expect(await owedFacts()).toEqual([{ kind: "consent_revoked", subject: consent.id, time: now }]);
  });

  it("gives a revoked one back, and recalls once more", async () => {
    const { given, revoke, log, recalled } = openChanges();
    const consent = await given();
    const first = await revoke(consent.id);
    expect(await revoke(consent.id)).toEqual({ consent: first.consent, changed: false });
    expect(log).toEqual(["commit", "recall", "recall"]);
    expect(recalled[1]).toEqual(recalled[0]);
  });

  it("is refused for one that is not there, and by the etag of another version", async () => {
    const { given, revoke, recalled, commits } = openChanges();
    await expect(revoke("con_none")).rejects.toMatchObject({ code: "not_found" });
    const consent = await given();
    await expect(revoke("con_none")).rejects.toMatchObject({ code: "not_found" });
    await expect(revoke(consent.id, "another")).rejects.toMatchObject({ code: "stale_etag" });
    expect([recalled, commits()]).toEqual([[], 0]);
  });

  it("is refused for one that is hidden from the caller, as for one that is not there, also where it is revoked", async () => {
    const { given, revoke, revocations, leafOf, recalled, commits } = openChanges();
    const { id: consent } = await given();
    const asked = (hides: readonly string[]) =>
      revocations.revoke(partition, { consent, etag: "another", hides }, patient, leafOf);
    await expect(asked(["heart"])).rejects.toMatchObject({ code: "not_found" });
    await expect(asked(["sleep"])).rejects.toMatchObject({ code: "stale_etag" });
    expect([recalled, commits()]).toEqual([[], 0]);
    await revoke(consent);
    await expect(asked(["heart"])).rejects.toMatchObject({ code: "not_found" });
    expect(recalled).toHaveLength(1);
    expect(await asked(["sleep"])).toMatchObject({ changed: false });
  });

  it("finds one that is granted between its two looks", async () => {
    const { consents, given, revoke } = openChanges();
    const consent = await given();
    const stored = consents.stored.bind(consents);
    let looks = 0;
    consents.stored = async (whose) => (++looks === 1 ? undefined : stored(whose));
    expect(await revoke(consent.id)).toMatchObject({ changed: true, consent: { version: 2 } });
  });

  it("is tried again where somebody else changes the patient's consents, and given up at last", async () => {
    const { given, revoke, meddle, commits, consents } = openChanges();
    const consent = await given();
    meddle(100);
    await expect(revoke(consent.id)).rejects.toMatchObject({ code: "unavailable" });
    expect(commits()).toBe(20);
    expect((await consents.current(partition)).consents).toEqual([consent]);
    meddle(19);
    expect(await revoke(consent.id)).toMatchObject({ changed: true });
    expect((await consents.current(partition)).consents).toEqual([]);
  });

  it("is written down in the journal, or told as not certain yet", async () => {
    const { given, revoke, revocations, told, faults } = openChanges();
    const { consent } = await revoke((await given()).id);
    await revocations.writeDown(partition, consent);
    expect(told).toEqual([{ kind: "consent_revoked", partition, subject: consent.id, time: now }]);
    faults.journal = journalAway;
    await expect(revocations.writeDown(partition, consent)).rejects.toMatchObject({
      code: "journal_unavailable",
      cause: journalAway,
    });
    faults.journal = new TypeError("a mistake");
    await expect(revocations.writeDown(partition, consent)).rejects.toBe(faults.journal);
  });
});

describe("revoking all at an erasure", () => {
  it("ends all that is given and closes the door, with a recall of everybody; the journal is told by others", async () => {
    const { given, revocations, leafOf, consents, recalled, owedFacts, leaves } = openChanges();
    const all = [await given(), await given([denial], "org_maker")];
    const done = await revocations.revokeAll(partition, patient, leafOf);
    expect(done).toEqual(all.map((consent) => ({ ...consent, version: 2, revokeTime: now })));
    expect(leaves).toEqual([done]);
    expect(recalled).toEqual([{ partition, onlyWidens: false, grantees: [] }]);
    expect(await consents.current(partition)).toMatchObject({ consents: [], closed: true });
    expect((await owedFacts()).filter(({ kind }) => kind === "consent_revoked")).toEqual([]);
    for (const { id } of all) {
      const { revisions } = await consents.revisions(partition, id, { limit: 9, cursor: undefined });
      expect(revisions.map(({ replacedEtag }) => replacedEtag === "")).toEqual([true, false]);
    }
  });

  it("closes the door of a patient who has given none, and recalls, each time", async () => {
    const { revocations, leafOf, consents, recalled } = openChanges();
    expect(await revocations.revokeAll(partition, patient, leafOf)).toEqual([]);
    expect(await revocations.revokeAll(partition, patient, leafOf)).toEqual([]);
    expect(await consents.current(partition)).toEqual({ consents: [], revoked: [], closed: true });
    expect(recalled).toHaveLength(2);
  });

  it("is tried again where somebody else changes the patient's consents, and given up at last", async () => {
    const { given, revocations, leafOf, meddle, commits, consents } = openChanges();
    await given();
    meddle(100);
    const all = () => revocations.revokeAll(partition, patient, leafOf);
    await expect(all()).rejects.toMatchObject({ code: "unavailable" });
    expect(commits()).toBe(20);
    meddle(19);
    expect(await all()).toHaveLength(1);
    expect((await consents.current(partition)).closed).toBe(true);
  });
});

describe("what the journal says of a backup's data is made true:", () => {
  it("a consent that was revoked since is revoked, at the time of then, and its recall is owed", async () => {
    const { given, replay, consents, log, leaves, owedFacts } = openChanges();
    const kept = await given();
    const consent = await given();
    await replay("consent_revoked", consent.id);
    const after = { ...consent, version: 2, revokeTime: 4_000 };
    expect(await consents.get(partition, consent.id)).toEqual(after);
    expect(await consents.current(partition)).toMatchObject({ consents: [kept], closed: false });
    const author = { kind: "service", id: "consent" };
    const { revisions } = await consents.revisions(partition, consent.id, { limit: 9, cursor: undefined });
    expect(revisions[1]).toMatchObject({ author, time: 4_000, replacedEtag: etagOf(consent) });
    expect(leaves).toEqual([[after]]);
    expect(log).toEqual(["commit"]);
    const scope = { onlyWidens: false, grantees: ["org_clinic"] };
    expect(await consents.pendingRecalls(9)).toEqual([{ partition, recall: expect.any(String), scope }]);
    expect(await owedFacts()).toEqual([]);
    await replay("consent_revoked", consent.id);
    expect(log).toEqual(["commit"]);
  });

  it("a patient who was erased since has no consents, and can give none", async () => {
    const { given, replay, consents, log } = openChanges();
    await given();
    await given([permission], "org_maker");
    await replay("patient_erased", "era_1");
    expect(await consents.current(partition)).toMatchObject({ consents: [], closed: true });
    const [pending] = await consents.pendingRecalls(9);
    expect(pending!.scope).toEqual({ onlyWidens: false, grantees: [] });
    await replay("patient_erased", "era_1");
    expect(log).toEqual(["commit"]);
    await replay("patient_erased", "era_2", "local/pat_other");
    expect((await consents.current("local/pat_other")).closed).toBe(true);
  });

  it("where a denial is lost, all of its organization ends; where it is there, nothing does", async () => {
    const { given, replay, consents, log } = openChanges();
    const clinic = await given();
    const second = await given([denial]);
    const maker = await given([permission], "org_maker");
    await replay("consent_denies", `${second.id}@org_clinic`);
    expect(log).toEqual([]);
    await replay("consent_denies", "con_lost@org_clinic");
    expect((await consents.current(partition)).consents).toEqual([maker]);
    expect(await consents.get(partition, clinic.id)).toMatchObject({ version: 2 });
    await replay("consent_denies", "con_lost@org_nobody");
    await replay("consent_denies", `con_lost@${sealing.tagOf("org_nobody")}`);
    expect(log).toEqual(["commit"]);
    await replay("consent_denies", `con_lost@${sealing.tagOf("org_maker")}`);
    expect((await consents.current(partition)).consents).toEqual([]);
    log.pop();
    expect(log).toEqual(["commit"]);
  });

  it("what it says of other things changes nothing", async () => {
    const { given, replay, log } = openChanges();
    const { id } = await given();
    await replay("credential_revoked", id);
    await replay("consent_revoked", "con_none");
    expect(log).toEqual([]);
  });

  it("where somebody else changes the patient's consents it is tried again, and given up at last", async () => {
    const { given, replay, meddle, commits, consents } = openChanges();
    const { id } = await given();
    meddle(100);
    await expect(replay("consent_revoked", id)).rejects.toMatchObject({ code: "unavailable" });
    expect(commits()).toBe(20);
    meddle(19);
    await replay("consent_revoked", id);
    expect((await consents.current(partition)).consents).toEqual([]);
  });
});
