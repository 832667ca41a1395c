import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { Consent as ConsentMessage } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Consent_State, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { documentMigrations, openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { type Consent, type CurrentConsents, noConsents, revoked, withRevoked } from "../src/consent.ts";
import { sealStoredConsents } from "../src/consent-migration.ts";
import { createConsentSealing } from "../src/consent-sealing.ts";
import { decide } from "../src/decision.ts";
import { digest, etagOf } from "../src/etag.ts";
import { requestedContent, termsOf } from "../src/terms-convert.ts";
import { type Format2Consent, format2Collections, storeFormat2 } from "./format-two.ts";
import { openInstallation, otherPatientId, patientId } from "./installation.ts";
import { denial, problem, reading, wanted } from "./messages.ts";

const thirdPatientId = "pat_00000000000000000000000003";
const categories = {
  has: shippedTerminology.isInCategory,
  knows: (name: string, version: number) =>
    version >= 1 && version <= shippedTerminology.currentVersion(name),
};
/** What must lie in no file in clear afterwards. */
const canaries = ["org_clinic", "org_maker", "heart", "clinic.example", "treatment", "pat_author"];

interface Kept extends Format2Consent {
  readonly asked: ConsentMessage;
}
interface Patient {
  readonly id: string;
  readonly partition: string;
  readonly kept: readonly Kept[];
  readonly current: CurrentConsents;
}

const asked = {
  clinic: create(ConsentSchema, wanted),
  denying: create(ConsentSchema, { grantee: "org_clinic", provisions: [reading, denial] }),
  maker: create(ConsentSchema, { grantee: "org_maker", provisions: [reading] }),
};

/** A patient with these consents, oldest first, of which some are revoked: as the program of format 2 would have it. */
function patientWith(
  id: string,
  consents: ReadonlyArray<{ asked: ConsentMessage; revoked?: boolean }>,
  closed: boolean,
): Patient {
  const grantor = { kind: "patient", id: "pat_author" } as const;
  const kept = consents.map((one, i): Kept => {
    const first: Consent = {
      id: `con_${id.at(-1)}${i}`,
      terms: termsOf(one.asked, 0, shippedTerminology),
      version: 1,
      grantor,
      createTime: 1_700_000_000_000 + i,
    };
    const granted = {
      consent: first,
      replacedEtag: "",
      author: grantor,
      time: first.createTime,
      access: `acc_${i}`,
    };
    const common = {
      asked: one.asked,
      requestId: `r${i}`,
      requestDigest: digest(requestedContent(one.asked)),
    };
    if (!one.revoked) return { ...common, consent: first, revisions: [granted] };
    const time = first.createTime + 1_000;
    const last = revoked(first, time);
    const ended = { consent: last, replacedEtag: etagOf(first), author: grantor, time, access: `acc_${i}r` };
    return { ...common, consent: last, revisions: [granted, ended] };
  });
  const gone = new Set(
    kept.filter(({ consent }) => consent.revokeTime !== undefined).map(({ consent }) => consent.id),
  );
  const all = kept.map(({ consent }) => consent);
  const current = { ...withRevoked({ ...noConsents, consents: all }, gone), closed };
  return { id, partition: `local/${id}`, kept, current };
}

const patients = [
  patientWith(
    patientId,
    [{ asked: asked.clinic }, { asked: asked.maker, revoked: true }, { asked: asked.denying }],
    false,
  ),
  patientWith(otherPatientId, [{ asked: asked.clinic, revoked: true }, { asked: asked.clinic }], false),
  patientWith(thirdPatientId, [{ asked: asked.maker, revoked: true }], true),
];

let folder: string;
const file = () => join(folder, "consent.db");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wellapi-format-two-"));
  const store = await openSqliteStore({ path: file(), collections: format2Collections });
  for (const { partition, current, kept } of patients) await storeFormat2(store, partition, current, kept);
  await store.close();
});
afterAll(() => rm(folder, { recursive: true }));

/** The store of a process that is killed at its n-th write, before it took effect or after. */
function dying(store: Store, n: number, after: boolean): Store & { readonly writes: number } {
  let writes = 0;
  const write = async <T>(effect: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (writes < n) return effect();
    if (writes === n && after) await effect();
    throw new StoreError("unavailable", "the process was killed");
  };
  return {
    ...store,
    commit: (commit) => write(() => store.commit(commit)),
    scrub: () => write(() => store.scrub()),
    get writes() {
      return writes;
    },
  };
}

/** Puts the files of format 2 into a folder, and begins to migrate them; the n-th write ends it. */
async function migrateUntil(to: string, n: number, after: boolean): Promise<number> {
  await copyFile(file(), join(to, "consent.db"));
  const kms = await openLocalKms({ path: join(to, "master.key") });
  const keys = await openSqliteStore({ path: join(to, "keys.db"), collections: vaultCollections });
  const vault = await openVault({ store: keys, kms });
  const store = await openSqliteStore({ path: join(to, "consent.db"), collections: consentCollections });
  const sealing = await createConsentSealing({ vault, kms, damage: { report() {} } });
  const killed = dying(store, n, after);
  await sealStoredConsents({ store: killed, sealing, log: silentLogger }).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
  for (const one of [store, vault, keys, kms]) await one.close();
  return killed.writes;
}

async function clearIn(path: string): Promise<readonly string[]> {
  const names = (await readdir(path)).filter((name) => name.startsWith("consent.db"));
  const files = await Promise.all(names.map((name) => readFile(join(path, name))));
  return canaries.filter((canary) => files.some((content) => content.includes(canary)));
}

const questions = ["org_clinic", "org_maker"].flatMap((organization) =>
  [Purpose.TREATMENT, Purpose.RESEARCH].map((purpose) => {
    return { organization, direction: Direction.READ, code: "8867-4", purpose, region: "local" };
  }),
);

type Installation = Awaited<ReturnType<typeof openInstallation>>;

/** Compares what the service tells of a patient with what the patient's consents say. */
async function expectTold(
  { patient, decisions, clock }: Installation,
  { id, partition, kept, current }: Patient,
) {
  const newest = kept.toReversed();
  const page = await patient(id).listConsents({ pageSize: 2 });
  const rest =
    page.nextPageToken === ""
      ? undefined
      : await patient(id).listConsents({ pageSize: 2, pageToken: page.nextPageToken });
  const told = [...page.consents, ...(rest?.consents ?? [])];
  expect(
    told.map(({ id, etag, version, grantee, state, createTime }) => [
      id,
      etag,
      version,
      grantee,
      state === Consent_State.REVOKED,
      createTime,
    ]),
  ).toEqual(
    newest.map(({ consent }) => [
      consent.id,
      etagOf(consent),
      consent.version,
      consent.terms.grantee,
      consent.revokeTime !== undefined,
      expect.objectContaining({ seconds: BigInt(Math.floor(consent.createTime / 1_000)) }),
    ]),
  );
  for (const { consent, revisions } of kept) {
    const found = await patient(id).listConsentRevisions({ consent: consent.id });
    expect(found.revisions.map(({ access, replacedEtag }) => ({ access, replacedEtag }))).toEqual(
      revisions.map((revision) => {
        const { access, replacedEtag } = revision as { access: string; replacedEtag: string };
        return { access, replacedEtag };
      }),
    );
    expect(found.revisions[0]!.consent!.notice?.uri).toBe(consent.terms.notice?.uri);
  }
  for (const question of questions) {
    const { decision } = await decisions().decide({ question: { ...question, partition } });
    const purpose = question.purpose === Purpose.TREATMENT ? "treatment" : "research";
    const expected = decide(
      current,
      { ...question, partition, direction: "read", purpose },
      clock.now(),
      categories,
    );
    expect((decision?.grants ?? []).map(({ consent, version }) => [consent, version])).toEqual(
      expected.permitted ? expected.permits.map(({ consent, version }) => [consent, version]) : [],
    );
    expect(decision?.denialReason === 0).toBe(expected.permitted);
  }
}

async function expectAllTold(installation: Installation): Promise<void> {
  for (const one of patients) await expectTold(installation, one);
  for (const grantee of ["org_clinic", "org_maker"]) {
    const { consents } = await installation.organization(grantee).listConsents({});
    const theirs = patients
      .flatMap(({ kept }) => kept)
      .filter(({ consent }) => consent.terms.grantee === grantee);
    expect(consents.map(({ id }) => id).sort()).toEqual(theirs.map(({ consent }) => consent.id).sort());
    const times = consents.map(({ createTime }) => createTime!.nanos);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const active = await installation.organization(grantee).listConsents({ states: [Consent_State.ACTIVE] });
    expect(active.consents.map(({ id }) => id).sort()).toEqual(
      theirs.flatMap(({ consent }) => (consent.revokeTime === undefined ? [consent.id] : [])).sort(),
    );
  }
}

describe("consents that format 2 stored in clear", () => {
  it("lie in clear before: the search sees into the files", async () => {
    expect(await clearIn(folder)).toEqual(canaries);
  });

  it("are sealed at the start: all is told as before, and no file holds any of it in clear", async () => {
    const installation = await openInstallation((to) => copyFile(file(), join(to, "consent.db")));
    await expectAllTold(installation);
    expect(await clearIn(installation.folder)).toEqual([]);
  });

  it("can be revoked and granted as before; a repeated request is still recognised", async () => {
    const { patient, organization } = await openInstallation((to) =>
      copyFile(file(), join(to, "consent.db")),
    );
    const [first] = patients;
    const [clinic, , denying] = first!.kept;
    const again = await patient().createConsent({ consent: clinic!.asked, requestId: clinic!.requestId });
    expect(again.consent!.id).toBe(clinic!.consent.id);
    const other = patient().createConsent({ consent: asked.maker, requestId: clinic!.requestId });
    expect(await problem(other)).toMatchObject({ reason: "REQUEST_ID_REUSED" });
    const { consent } = await patient().revokeConsent({
      consent: denying!.consent.id,
      etag: etagOf(denying!.consent),
    });
    expect(consent).toMatchObject({ state: Consent_State.REVOKED, version: 2 });
    const granted = await patient().createConsent({ consent: asked.maker, requestId: "new" });
    const { consents } = await organization("org_maker").listConsents({ states: [Consent_State.ACTIVE] });
    expect(consents.map(({ id }) => id)).toEqual([granted.consent!.id]);
    const erased = patient(thirdPatientId).createConsent({ consent: asked.maker, requestId: "new" });
    expect(await problem(erased)).toMatchObject({ reason: "PATIENT_ERASED" });
  });

  it("are whole wherever the process was killed, and the next start completes it", async () => {
    let writes = Number.POSITIVE_INFINITY;
    let cut = 0;
    for (let n = 1; n <= writes; n += 1) {
      for (const after of [false, true]) {
        const installation = await openInstallation(async (to) => {
          const done = await migrateUntil(to, n, after);
          if (done < n) writes = done;
        });
        if (n <= writes) cut += 1;
        await expectAllTold(installation);
        expect(await clearIn(installation.folder), `write ${n}`).toEqual([]);
        expect(
          await installation.store.scan(documentMigrations.name, { equals: [], limit: 9 }),
        ).toMatchObject({
          documents: [{ document: { migration: "consents_sealed" } }],
        });
      }
    }
    // Three patients in three collections, the scrub, and the note that it is done.
    expect(writes).toBe(11);
    expect(cut).toBe(22);
  });

  it("are looked at once: the next start finds the note, and scans nothing", async () => {
    const { store, sealing } = await openInstallation((to) => copyFile(file(), join(to, "consent.db")));
    let scans = 0;
    const counted: Store = {
      ...store,
      scan(...scan) {
        scans += 1;
        return store.scan(...scan);
      },
    };
    await sealStoredConsents({ store: counted, sealing, log: silentLogger });
    expect(scans).toBe(0);
  });
});
