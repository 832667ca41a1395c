import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Document, Finding } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import { consentCheck } from "../src/check.ts";
import type { ConsentDocument } from "../src/consent-documents.ts";
import { openInstallation, otherPatientId, partition } from "./installation.ts";
import { denial, problem, reading, wanted } from "./messages.ts";

type Installation = Awaited<ReturnType<typeof openInstallation>>;

const question = {
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};
/** Of every consent here: organizations, a category, a purpose, a notice, a request's id. */
const canaries = ["org_clinic", "org_maker", "heart", "treatment", "clinic.example", "canary-request"];

/** A patient with a consent that was revoked, one in force, and one that denies. */
async function openStory() {
  const installation = await openInstallation();
  const { patient } = installation;
  const first = await patient().createConsent({ consent: wanted, requestId: "canary-request-1" });
  await patient().revokeConsent({ consent: first.consent!.id });
  const second = await patient().createConsent({ consent: wanted, requestId: "canary-request-2" });
  const third = await patient().createConsent({
    consent: { grantee: "org_maker", provisions: [reading, denial] },
    requestId: "canary-request-3",
  });
  return { ...installation, ids: [first, second, third].map(({ consent }) => consent!.id) };
}

async function clearIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
  );
  return canaries.filter((canary) => contents.some((content) => content.includes(canary)));
}

async function documents({ store }: Installation, collection: string): Promise<Document[]> {
  const page = await store.scan(collection, { equals: [], limit: 100 });
  return page.documents.map(({ document }) => document);
}

describe("what is stored of consents", () => {
  it("is in clear opaque ids, MACs, times and whether a consent is revoked", async () => {
    const story = await openStory();
    const [first] = (await documents(story, "consents")) as ConsentDocument[];
    expect(Object.keys(first!).sort()).toEqual(
      ["consent", "create_time", "grantee_mac", "partition", "request_mac", "sealed", "unrevoked"].sort(),
    );
    for (const document of await documents(story, "consent_revisions"))
      expect(Object.keys(document).sort()).toEqual(["consent", "partition", "sealed", "version"]);
    for (const document of await documents(story, "current_consents"))
      expect(Object.keys(document).sort()).toEqual(["format", "partition", "sealed"]);
  });

  it("shows no organization, category, purpose, notice or request in any file, the journal's included", async () => {
    const story = await openStory();
    const enforcer = await story.enforcer();
    await enforcer.decide(question);
    await story.patient().revokeConsent({ consent: story.ids[2]! });
    expect(await clearIn(story.folder)).toEqual([]);
  });

  it("does not open in the place of another, and is then DATA_LOSS for its patient alone", async () => {
    const story = await openStory();
    const { patient, organization, decisions, store, ids } = story;
    const [current] = (await store.scan("current_consents", { equals: [], limit: 1 })).documents;
    const [revision] = (await store.scan("consent_revisions", { equals: [], limit: 1 })).documents;
    const document = { ...current!.document, sealed: revision!.document.sealed };
    const change = { kind: "replace", collection: "current_consents", document } as const;
    await store.commit({ partition, changes: [{ ...change, ifRevision: current!.revision }] });
    const unreadable = { code: Code.DataLoss, reason: "CONSENTS_UNREADABLE" };
    expect(await problem(decisions().decide({ question }))).toMatchObject(unreadable);
    expect(await problem(patient().revokeConsent({ consent: ids[1]! }))).toMatchObject(unreadable);
    const other = patient(otherPatientId).createConsent({ consent: wanted, requestId: "r1" });
    expect(await problem(other)).toBeUndefined();
    expect((await organization().getConsent({ consent: ids[1]! })).consent!.id).toBe(ids[1]);
  });
});

describe("the check of the store", () => {
  async function findings({ vault, kms, sealer, ...story }: Installation): Promise<Finding[]> {
    const { documents: looks } = await consentCheck({ vault, kms, sealer });
    const found: Finding[] = [];
    for (const [collection, look] of Object.entries(looks)) {
      for (const document of await documents({ vault, kms, sealer, ...story }, collection)) {
        const finding = await look(document);
        if (finding) found.push(finding);
      }
    }
    return found;
  }

  async function alter({ store }: Installation, collection: string, change: (document: Document) => object) {
    const [stored] = (await store.scan(collection, { equals: [], limit: 1 })).documents;
    const { document, revision } = stored!;
    const altered = { ...document, ...change(document) };
    const replace = { kind: "replace", collection, document: altered, ifRevision: revision } as const;
    expect(await store.commit({ partition, changes: [replace] })).toEqual({ committed: true });
  }

  const spoil = ({ sealed }: Document) => {
    const spoiled = Uint8Array.from(sealed as Uint8Array);
    spoiled[spoiled.length - 1]! ^= 1;
    return { sealed: spoiled };
  };

  it("finds nothing in a store that is whole", async () => {
    expect(await findings(await openStory())).toEqual([]);
  });

  it.each(["current_consents", "consents", "consent_revisions"])(
    "finds a changed bit in %s",
    async (collection) => {
      const story = await openStory();
      await alter(story, collection, spoil);
      expect(await findings(story)).toMatchObject([
        { collection, what: "its seal does not open", document: expect.arrayContaining([partition]) },
      ]);
    },
  );

  it.each([
    ["grantee_mac", () => ({ grantee_mac: "another" })],
    ["create_time", () => ({ create_time: 1 })],
    ["unrevoked", ({ unrevoked }: Document) => ({ unrevoked: !unrevoked })],
  ] as const)("finds a %s that is not what the content says", async (_, change) => {
    const story = await openStory();
    await alter(story, "consents", change);
    expect(await findings(story)).toMatchObject([
      {
        collection: "consents",
        what: expect.stringMatching(/^what is sealed is not what the fields beside it say/),
      },
    ]);
  });
});

describe("the end of the retention", () => {
  it("is refused while the patient is not erased", async () => {
    const story = await openStory();
    expect(await problem(story.decisions().deleteConsents({ partition }))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "PATIENT_NOT_ERASED",
    });
    expect((await story.patient().listConsents({})).consents).toHaveLength(3);
  });

  it("leaves the proof until then: its grantee still sees what was consented", async () => {
    const story = await openStory();
    await story.decisions().revokeAllConsents({ partition });
    const { consents } = await story.organization().listConsents({ states: [Consent_State.REVOKED] });
    expect(consents.map(({ id }) => id).sort()).toEqual(story.ids.slice(0, 2).sort());
    expect(consents[0]!.provisions).toMatchObject([{ categories: [{ name: "heart" }] }]);
  });

  it("deletes all but that nothing can be granted; others keep theirs, and a second call changes nothing", async () => {
    const story = await openStory();
    const { patient, organization, decisions } = story;
    const kept = await patient(otherPatientId).createConsent({ consent: wanted, requestId: "r1" });
    await decisions().revokeAllConsents({ partition });
    for (let i = 0; i < 2; i += 1) await decisions().deleteConsents({ partition });
    const ofPatient = (all: Document[]) => all.filter((document) => document.partition === partition);
    expect(ofPatient(await documents(story, "consents"))).toEqual([]);
    expect(ofPatient(await documents(story, "consent_revisions"))).toEqual([]);
    expect(ofPatient(await documents(story, "current_consents"))).toEqual([{ partition, format: 3 }]);
    expect((await patient().listConsents({})).consents).toEqual([]);
    expect((await organization().listConsents({})).consents.map(({ id }) => id)).toEqual([kept.consent!.id]);
    expect(await problem(organization().getConsent({ consent: story.ids[0]! }))).toMatchObject({
      reason: "NOT_FOUND",
    });
    const granting = patient().createConsent({ consent: wanted, requestId: "r9" });
    expect(await problem(granting)).toMatchObject({ reason: "PATIENT_ERASED" });
    const { decision } = await decisions().decide({ question });
    expect(decision).toMatchObject({ grants: [], denialReason: DenialReason.NO_CONSENT });
    const entries = (await story.logged()).filter(({ method }) => method.endsWith("/DeleteConsents"));
    expect(entries).toHaveLength(2);
  });

  it("is the end of what a backup brings back: without its key nothing is shown, granted or permitted", async () => {
    const story = await openStory();
    const { patient, organization, decisions, vault } = story;
    await decisions().revokeAllConsents({ partition });
    await vault.destroy(partition, "audit");
    expect((await organization().listConsents({})).consents).toEqual([]);
    expect((await patient().listConsents({})).consents).toEqual([]);
    expect(await problem(patient().getConsent({ consent: story.ids[0]! }))).toMatchObject({
      reason: "NOT_FOUND",
    });
    const granting = patient().createConsent({ consent: wanted, requestId: "r9" });
    expect(await problem(granting)).toMatchObject({ reason: "PATIENT_ERASED" });
    expect((await decisions().decide({ question })).decision!.grants).toEqual([]);
    expect(await decisions().revokeAllConsents({ partition })).toMatchObject({ revoked: 0 });
    await story.restart(async () => {
      await story.journal.append({ kind: "retention_ended", partition, subject: "era_1", time: 1 });
    });
    expect(await documents(story, "consents")).toEqual([]);
    expect(await documents(story, "current_consents")).toEqual([{ partition, format: 3 }]);
  });
});
