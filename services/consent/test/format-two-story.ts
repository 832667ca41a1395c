import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  Consent_State,
  type Consent as ConsentMessage,
  ConsentSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Store } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { expect } from "vitest";
import { type Consent, type CurrentConsents, noConsents, revoked, withRevoked } from "../src/consent.ts";
import { decide } from "../src/decision.ts";
import { digest, etagOf } from "../src/etag.ts";
import { requestedContent, termsOf } from "../src/terms-convert.ts";
import { type Format2Consent, storeFormat2 } from "./format-two.ts";
import { type openInstallation, otherPatientId, patientId } from "./installation.ts";
import { denial, reading, wanted } from "./messages.ts";

export const thirdPatientId = "pat_00000000000000000000000003";
const categories = {
  has: shippedTerminology.isInCategory,
  knows: (name: string, version: number) =>
    version >= 1 && version <= shippedTerminology.currentVersion(name),
};
/** What must lie in no file in clear afterwards. */
export const canaries = ["org_clinic", "org_maker", "heart", "clinic.example", "treatment", "pat_author"];

interface Kept extends Format2Consent {
  readonly asked: ConsentMessage;
}
interface Patient {
  readonly id: string;
  readonly partition: string;
  readonly kept: readonly Kept[];
  readonly current: CurrentConsents;
}

export const asked = {
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
      terms: termsOf(one.asked, 0, { terminology: shippedTerminology, deviceOf: () => undefined }),
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

export const patients = [
  patientWith(
    patientId,
    [{ asked: asked.clinic }, { asked: asked.maker, revoked: true }, { asked: asked.denying }],
    false,
  ),
  patientWith(otherPatientId, [{ asked: asked.clinic, revoked: true }, { asked: asked.clinic }], false),
  patientWith(thirdPatientId, [{ asked: asked.maker, revoked: true }], true),
];

export async function storeAllFormat2(store: Store): Promise<void> {
  for (const { partition, current, kept } of patients) await storeFormat2(store, partition, current, kept);
}

/** The canaries that lie in clear in files of the store. */
export async function clearIn(path: string): Promise<readonly string[]> {
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

/** What the service tells of a patient is what the patient's consents say. */
export async function expectTold(
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

/** What every reader is told is what was stored. */
export async function expectAllTold(installation: Installation): Promise<void> {
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
