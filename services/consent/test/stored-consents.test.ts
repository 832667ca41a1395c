import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Consent_State, ConsentSchema, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import {
  Direction,
  Purpose,
  Resolution,
  TimeIntervalSchema,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { JournalError } from "@wellapi/journal";
import { describe, expect, it, vi } from "vitest";
import type { Consent } from "../src/consent.ts";
import {
  type ConsentDocument,
  type CurrentDocument,
  consentDocument,
  currentDocument,
  openConsent,
  openCurrent,
} from "../src/consent-documents.ts";
import { openInstallation, otherPatientId, partition } from "./installation.ts";
import { denial, problem, reading } from "./messages.ts";

const wanted = { grantee: "org_clinic", provisions: [reading] };
const question = {
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};

/** Does to the patient's stored consents what another release, or damage, may have done. */
async function rewrite(
  { store, sealing }: Pick<Awaited<ReturnType<typeof openInstallation>>, "store" | "sealing">,
  change: { document?: object; consent?: (consent: Consent) => object },
): Promise<void> {
  const touch = (consent: Consent) => (change.consent?.(consent) ?? consent) as Consent;
  const key = (await sealing.key(partition))!;
  const stored = (await store.get<CurrentDocument>("current_consents", [partition]))!;
  const { current } = (await openCurrent(sealing, stored)).document;
  const consents = current.consents.map(touch);
  const document = { ...currentDocument(key, partition, { ...current, consents }), ...change.document };
  const replaced = {
    kind: "replace",
    collection: "current_consents",
    document,
    ifRevision: stored.revision,
  } as const;
  const kept = await Promise.all(
    consents.map(async ({ id }) => {
      const stored = (await store.get<ConsentDocument>("consents", [partition, id]))!;
      const opened = (await openConsent(sealing, stored.document))!;
      const content = { ...opened, content: touch(opened.content) };
      const { request_mac } = stored.document;
      const rewritten = consentDocument(key, sealing.tagOf, partition, content, request_mac);
      return {
        kind: "replace",
        collection: "consents",
        document: rewritten,
        ifRevision: stored.revision,
      } as const;
    }),
  );
  expect(await store.commit({ partition, changes: [replaced, ...kept] })).toMatchObject({ committed: true });
}

const withMask = (consent: Consent) => ({
  ...consent,
  terms: { ...consent.terms, provisions: [{ ...consent.terms.provisions[0]!, masks: ["place"] }] },
});

describe("consents of another format", () => {
  it("are refused at the start, with what to do", async () => {
    const { patient, store, sealing, restart } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await restart();
    await rewrite({ store, sealing }, { document: { format: undefined } });
    await expect(restart()).rejects.toMatchObject({
      code: "unreadable",
      message: expect.stringMatching(
        /consents of format 1, .* format 3 only: start the program that wrote them/,
      ),
    });
  });

  it("permit nothing, and are DATA_LOSS for their patient alone", async () => {
    const { patient, store, sealing, decisions, enforcer } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await rewrite({ store, sealing }, { document: { format: 4 } });
    const unreadable = { code: Code.DataLoss, reason: "CONSENTS_UNREADABLE" };
    expect(await problem(decisions().decide({ question }))).toMatchObject(unreadable);
    expect(await problem(patient().createConsent({ consent: wanted, requestId: "r2" }))).toMatchObject(
      unreadable,
    );
    await expect((await enforcer()).decide(question)).rejects.toMatchObject({ code: "undecided" });
    const other = patient(otherPatientId).createConsent({ consent: wanted, requestId: "r1" });
    expect(await problem(other)).toBeUndefined();
  });
});

describe("a stored consent with what is not known here", () => {
  it("permits nothing, nor does any other one of its organization; it is shown so, and can be revoked", async () => {
    const { patient, organization, store, sealing, enforcer } = await openInstallation();
    const strange = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const id = strange.consent!.id;
    await rewrite({ store, sealing }, { consent: withMask });
    const known = await patient().createConsent({ consent: wanted, requestId: "r2" });
    const denied = { permitted: false, reason: DenialReason.NOT_UNDERSTOOD };
    const one = await enforcer();
    expect(await one.decide(question)).toEqual(denied);
    const { consent } = await organization().getConsent({ consent: id });
    expect(consent!.provisions).toMatchObject([{ effect: Provision_Effect.UNSPECIFIED, directions: [] }]);
    expect(consent!.state).toBe(Consent_State.ACTIVE);
    await patient().revokeConsent({ consent: id });
    expect(await one.decide(question)).toMatchObject({
      permitted: true,
      permits: [{ consent: known.consent!.id }],
    });
  });
});

describe("a denial that a restore lost", () => {
  it("ends what the patient permits its organization, and nobody else, at the start", async () => {
    const { patient, restart, journal, sealing } = await openInstallation();
    const permitted = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const others = { ...wanted, grantee: "org_maker" };
    const other = await patient().createConsent({ consent: others, requestId: "r2" });
    const kept = await patient().createConsent({
      consent: { grantee: "org_maker", provisions: [reading, denial] },
      requestId: "r3",
    });
    const facts = await Array.fromAsync(journal.entries({ position: 0, mac: new Uint8Array() }));
    expect(facts).toMatchObject([
      { kind: "consent_denies", partition, subject: `${kept.consent!.id}@${sealing.tagOf("org_maker")}` },
    ]);
    await restart(async () => {
      const subject = `con_lost@${sealing.tagOf("org_clinic")}`;
      await journal.append({ kind: "consent_denies", partition, subject, time: 1 });
    });
    const state = async (id: string) => (await patient().getConsent({ consent: id })).consent!.state;
    expect(await state(permitted.consent!.id)).toBe(Consent_State.REVOKED);
    expect(await state(other.consent!.id)).toBe(Consent_State.ACTIVE);
    expect(await state(kept.consent!.id)).toBe(Consent_State.ACTIVE);
  });

  it("is not promised to outlive one before it is written down; sent again, it is", async () => {
    const { patient, journal, decisions, sealing } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    const append = vi.spyOn(journal, "append");
    append.mockRejectedValueOnce(new JournalError("unavailable", "the journal is away"));
    const ask = () =>
      patient().createConsent({ consent: { ...wanted, provisions: [denial] }, requestId: "r2" });
    expect(await problem(ask())).toMatchObject({ code: Code.Unavailable, reason: "JOURNAL_UNAVAILABLE" });
    const { decision } = await decisions().decide({ question });
    expect(decision).toMatchObject({ grants: [], denialReason: DenialReason.DENIED });
    expect(append).toHaveBeenCalledTimes(1);
    const { consent } = await ask();
    expect(append).toHaveBeenCalledTimes(2);
    expect(append).toHaveBeenLastCalledWith(
      expect.objectContaining({
        kind: "consent_denies",
        subject: `${consent!.id}@${sealing.tagOf("org_clinic")}`,
      }),
    );
  });

  it("is written down later where the caller does not send it again", async () => {
    const { patient, journal, restart } = await openInstallation();
    vi.spyOn(journal, "append").mockRejectedValueOnce(new JournalError("unavailable", "the journal is away"));
    const consent = { ...wanted, provisions: [denial] };
    expect(await problem(patient().createConsent({ consent, requestId: "r1" }))).toMatchObject({
      reason: "JOURNAL_UNAVAILABLE",
    });
    await restart(); // what is owed is told at a start, and every few seconds
    const beginning = { position: 0, mac: new Uint8Array() };
    await vi.waitFor(
      async () =>
        expect(await Array.fromAsync(journal.entries(beginning))).toMatchObject([{ kind: "consent_denies" }]),
      15_000,
    );
    // It is in the data, so this start and the next end nothing.
    await restart();
    const { consents } = await patient().listConsents({ states: [Consent_State.ACTIVE] });
    expect(consents).toHaveLength(1);
  });
});

describe("a denial", () => {
  it("takes effect for what starts after it returned, beside a permission that is cached, and ends when revoked", async () => {
    const { patient, enforcer } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const one = await enforcer();
    const hour = 3_600_000;
    const from = Date.UTC(2026, 2, 1);
    const windows = async () => {
      const decision = one.peek(question) ?? (await one.decide(question));
      return decision.permitted
        ? decision.permits.map((permit) => [permit.consent, permit.from, permit.to])
        : decision;
    };
    const [[, earliest, latest]] = (await windows()) as [[string, number, number]];
    expect(one.peek(question)).toBeDefined();
    const captured = { startTime: timestampFromMs(from), endTime: timestampFromMs(from + hour) };
    const window = { case: "capturedWithin", value: create(TimeIntervalSchema, captured) } as const;
    const given = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [{ ...denial, window }] },
      requestId: "r2",
    });
    expect(one.peek(question)).toBeUndefined();
    const id = consent!.id;
    expect(await windows()).toEqual([
      [id, earliest, from],
      [id, from + hour, latest],
    ]);
    const whole = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [denial] },
      requestId: "r3",
    });
    expect(await windows()).toEqual({ permitted: false, reason: DenialReason.DENIED });
    await patient().revokeConsent({ consent: whole.consent!.id });
    await patient().revokeConsent({ consent: given.consent!.id });
    expect(await windows()).toEqual([[id, earliest, latest]]);
  });

  it("leaves of a permission what the enforcer is told: which provision, which windows, and until when", async () => {
    const { patient, enforcer, clock } = await openInstallation();
    const hour = 3_600_000;
    const end = clock.now() + hour;
    const sliding = { case: "capturedInLast", value: { seconds: 60n, nanos: 5_000_000 } } as const;
    const permissions = [
      { ...reading, purposes: [Purpose.RESEARCH] },
      { ...reading, resolution: Resolution.DAILY, window: sliding },
    ];
    const validity = { endTime: timestampFromMs(end) };
    await patient().createConsent({
      consent: create(ConsentSchema, { grantee: "org_clinic", provisions: permissions, validity }),
      requestId: "r1",
    });
    const one = await enforcer();
    const decision = await one.decide(question);
    const permit = decision.permitted ? decision.permits[0] : undefined;
    expect(permit).toMatchObject({ provision: 1, resolution: Resolution.DAILY, notAfter: end });
    expect(permit!.sliding).toMatchObject({ lastMs: 60_005 });
    expect(Math.abs(clock.now() - 60_005 - permit!.from)).toBeLessThan(5_000);
  });

  it("is told to the enforcers as a change that takes away, and a permission as one that gives", async () => {
    const { patient, enforcer } = await openInstallation();
    const widens: Array<boolean | undefined> = [];
    (await enforcer()).onRecall((recall) => widens.push(recall?.onlyWidens));
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await patient().createConsent({ consent: { ...wanted, provisions: [reading, denial] }, requestId: "r2" });
    expect(widens).toEqual([true, false]);
  });
});
