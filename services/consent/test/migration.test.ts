import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { silentLogger } from "@wellapi/runtime";
import { documentMigrations, openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { sealStoredConsents } from "../src/consent-migration.ts";
import { ConsentRepository } from "../src/consent-repository.ts";
import { digest, etagOf } from "../src/etag.ts";
import { format2Collections } from "./format-two.ts";
import {
  asked,
  canaries,
  clearIn,
  expectAllTold,
  expectTold,
  patients,
  storeAllFormat2,
  thirdPatientId,
} from "./format-two-story.ts";
import { openInstallation } from "./installation.ts";
import { problem } from "./messages.ts";
import { scopes, sealing } from "./sealing.ts";

let folder: string;
const file = () => join(folder, "consent.db");
/** Puts the files of format 2 into a folder. */
const before = (to: string) => copyFile(file(), join(to, "consent.db"));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wellapi-format-two-"));
  const store = await openSqliteStore({ thread: "callers", path: file(), collections: format2Collections });
  await storeAllFormat2(store);
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

/** What the repository reads is what was stored, to the last member: so etags, decisions and lists are as before. */
async function expectStored(store: Store): Promise<void> {
  const repository = new ConsentRepository(store, sealing, scopes);
  const page = { limit: 100, cursor: undefined };
  for (const { partition, kept, current } of patients) {
    expect(await repository.current(partition)).toEqual(current);
    const all = { holder: { partition }, grantee: undefined, revoked: undefined };
    const { consents } = await repository.list(all, page);
    const newest = kept.toReversed().map(({ consent }) => ({ partition, consent }));
    expect(consents).toEqual(newest);
    for (const { consent, requestId, requestDigest, revisions } of kept) {
      expect((await repository.revisions(partition, consent.id, page)).revisions).toEqual(revisions);
      const found = await repository.findByRequest(partition, digest([partition, requestId]));
      expect(found).toEqual({ consent, requestDigest });
    }
  }
  for (const grantee of ["org_clinic", "org_maker"]) {
    const theirs = patients
      .flatMap(({ kept }) => kept)
      .filter(({ consent }) => consent.terms.grantee === grantee && consent.revokeTime === undefined);
    const { consents } = await repository.list(
      { holder: { grantee }, grantee: undefined, revoked: false },
      page,
    );
    expect(consents.map(({ consent }) => consent.id).sort()).toEqual(
      theirs.map(({ consent }) => consent.id).sort(),
    );
  }
}

describe("consents that format 2 stored in clear", () => {
  it("lie in clear before: the search sees into the files", async () => {
    expect(await clearIn(folder)).toEqual(canaries);
  });

  it("are sealed at the start: all is told as before, and no file holds any of it in clear", async () => {
    const installation = await openInstallation({ prepare: before });
    await expectAllTold(installation);
    expect(await clearIn(installation.folder)).toEqual([]);
  });

  it("can be revoked and granted as before; a repeated request is still recognised", async () => {
    const { patient, organization } = await openInstallation({ prepare: before });
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
    const log = silentLogger;
    let cut = 0;
    for (let n = 1, more = true; more; n += 1) {
      for (const after of [false, true]) {
        const to = await mkdtemp(join(tmpdir(), "wellapi-killed-"));
        await before(to);
        const store = await openSqliteStore({
          thread: "callers",
          path: join(to, "consent.db"),
          collections: consentCollections,
        });
        const killed = dying(store, n, after);
        const ended = await sealStoredConsents({ store: killed, sealing, log }).catch(
          (error: unknown) => error,
        );
        more = killed.writes >= n;
        if (more) cut += 1;
        if (more) expect(ended).toSatisfy((one) => one === true || one instanceof StoreError);
        expect(await sealStoredConsents({ store, sealing, log })).toBe(true);
        await expectStored(store);
        const notes = await store.scan(documentMigrations.name, { equals: [], limit: 9 });
        expect(notes.documents).toMatchObject([
          { document: { migration: "consents_sealed", state: "done" } },
        ]);
        expect(await clearIn(to), `write ${n}`).toEqual([]);
        await store.close();
        await rm(to, { recursive: true });
      }
    }
    // Each write before and after it took effect: the note that it begins, three patients in three collections, the scrub, and
    // the note that it is done.
    expect(cut).toBe(24);
  }, 300_000);

  it("stay where damage keeps them from being sealed: they decide, and are revoked; lists with gaps are refused", async () => {
    const installation = await openInstallation({
      prepare: before,
      async openStore(path) {
        const store = await openSqliteStore({ thread: "callers", path, collections: consentCollections });
        const damage = new StoreError("damaged", "a stored document does not decode");
        return {
          ...store,
          scan: (collection, scan) =>
            collection === "consents" && scan.equals.length === 0
              ? Promise.reject(damage)
              : store.scan(collection, scan),
        };
      },
    });
    const { patient, organization, store } = installation;
    const [first] = patients;
    for (const one of patients) await expectTold(installation, one);
    const unreadable = { code: Code.DataLoss, reason: "CONSENTS_UNREADABLE" };
    expect(await problem(organization().listConsents({}))).toMatchObject(unreadable);
    expect(await problem(patient().listConsents({ grantee: "org_clinic" }))).toMatchObject(unreadable);
    const { consent } = first!.kept[0]!;
    expect((await organization().getConsent({ consent: consent.id })).consent!.etag).toBe(etagOf(consent));
    const revoked = await patient().revokeConsent({ consent: consent.id });
    expect(revoked.consent!.state).toBe(Consent_State.REVOKED);
    const kept = await store.get("consents", [first!.partition, consent.id]);
    expect(kept!.document).not.toHaveProperty("content");
    const again = await patient().createConsent({ consent: asked.clinic, requestId: "r0" });
    expect(again.consent!.id).toBe(consent.id);
  });

  it("are looked at once: the next start finds the note, and scans nothing", async () => {
    const { store, sealing } = await openInstallation({ prepare: before });
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
