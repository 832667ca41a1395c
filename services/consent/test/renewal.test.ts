import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequest_State } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { partition } from "./installation.ts";
import { denial, problem, reading } from "./messages.ts";
import { day, openScene } from "./requests-scene.ts";

const daily = { ...reading, resolution: Resolution.DAILY };
const raw = { ...reading, resolution: Resolution.RAW };

/** The clinic has hourly heart data for ten days more. */
async function openWithConsent() {
  const scene = await openScene();
  const { patient, clock } = scene;
  const { consent } = await patient().createConsent({
    consent: {
      grantee: "org_clinic",
      provisions: [reading],
      validity: { endTime: timestampFromMs(clock.now() + 10 * day) },
    },
    requestId: "c1",
  });
  return { ...scene, consent: consent!, continues: consent!.id };
}

describe("a request that continues a consent", () => {
  it("renews it by a new version, without a gap; until it is accepted nothing changes", async () => {
    const { ask, accept, consent, continues, readable, pass, patient, as } = await openWithConsent();
    const notices = as({ kind: "service", id: "notices" }, "notices");
    const directory = createClient(ConsentDirectoryService, notices);
    const { id } = await ask({ continues });
    expect(await readable()).toEqual([`${consent.id} 1`]);
    pass(9 * day);
    const renewed = await accept(id);
    expect(renewed.consent).toMatchObject({ id: consent.id, version: 2, createTime: consent.createTime });
    expect(renewed.consentRequest).toMatchObject({ consent: consent.id, consentVersion: 2 });
    expect(await readable()).toEqual([`${consent.id} 2`]);
    pass(2 * day);
    expect(await readable()).toEqual([`${consent.id} 2`]);
    const { revisions } = await patient().listConsentRevisions({ consent: consent.id });
    expect(revisions.map(({ consent: one, replacedEtag }) => [one!.version, replacedEtag])).toEqual([
      [1, ""],
      [2, consent.etag],
    ]);
    const { consent: revoked } = await patient().revokeConsent({ consent: consent.id });
    expect(revoked).toMatchObject({ version: 3, state: Consent_State.REVOKED });
    expect(await readable()).toEqual([]);
    expect((await accept(id)).consent).toMatchObject({ state: Consent_State.REVOKED });
    expect(await readable()).toEqual([]);
    const held = { partition, consent: consent.id };
    const versions = await directory.describeVersions(held);
    expect(versions).toMatchObject({ organization: "org_clinic", revoked: true });
    expect(versions.versions.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(await directory.describeRequest({ partition, consentRequest: id })).toMatchObject({
      state: ConsentRequest_State.ACCEPTED,
      waits: false,
    });
    const asked = [
      { case: "consentRequest", value: id },
      { case: "consent", value: "con_none" },
      { case: "consent", value: consent.id },
    ] as const;
    const holdings = asked.map((one) => ({ partition, held: one }));
    expect((await directory.resolveHolders({ holdings })).organizations).toEqual([
      "org_clinic",
      "",
      "org_clinic",
    ]);
  });

  it("amends it: the old terms hold until then, and enforcers drop what they remember of them", async () => {
    const { ask, accept, continues, enforcer } = await openWithConsent();
    const one = await enforcer();
    const question = {
      partition,
      organization: "org_clinic",
      direction: Direction.READ,
      code: "8867-4",
      purpose: Purpose.TREATMENT,
      region: "local",
    };
    const decided = async () => {
      const decision = await one.decide(question);
      return decision.permitted
        ? decision.permits.map(({ version, resolution }) => [version, resolution])
        : [];
    };
    const first = await decided();
    expect(first).toEqual([[1, Resolution.HOURLY]]);
    const recalled: Array<boolean | undefined> = [];
    one.onRecall((recall) => void recalled.push(recall?.onlyWidens));
    const { id } = await ask({ continues, provisions: [raw] });
    expect(await decided()).toEqual(first);
    const { consent } = await accept(id, { provisions: [daily] });
    expect(consent!.provisions).toMatchObject([{ resolution: Resolution.DAILY }]);
    expect(await decided()).toEqual([[2, Resolution.DAILY]]);
    const { id: wider } = await ask({ continues, provisions: [raw] });
    await accept(wider);
    expect(await decided()).toEqual([[3, Resolution.RAW]]);
    // What the narrower terms took away is cut where it is on its way; what the wider ones add takes nothing away.
    expect(recalled).toEqual([false, true]);
  });

  it("is refused where the consent is another's, has ended, denies something, or begins later", async () => {
    const { ask, patient, continues, pass, clock } = await openWithConsent();
    const over = { code: Code.FailedPrecondition, reason: "CONSENT_OVER" };
    const foreign = await patient().createConsent({
      consent: { grantee: "org_maker", provisions: [reading] },
      requestId: "c2",
    });
    expect(await problem(ask({ continues: foreign.consent!.id }))).toMatchObject(over);
    expect(await problem(ask({ continues: "con_none" }))).toMatchObject(over);
    const mixed = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [reading, denial] },
      requestId: "c3",
    });
    expect(await problem(ask({ continues: mixed.consent!.id }))).toMatchObject({ reason: "CONSENT_DENIES" });
    const validity = {
      startTime: timestampFromMs(clock.now() + day),
      endTime: timestampFromMs(clock.now() + 99 * day),
    };
    expect(await problem(ask({ continues, validity }))).toMatchObject({
      violations: [{ field: "consent_request.validity.start_time" }],
    });
    pass(10 * day);
    expect(await problem(ask({ continues }))).toMatchObject(over);
  });

  it("is not accepted once the consent was revoked, has ended, or got other terms", async () => {
    const { ask, accept, continues, patient, pass, readable } = await openWithConsent();
    const over = { code: Code.FailedPrecondition, reason: "CONSENT_OVER" };
    const [first, second] = [await ask({ continues }), await ask({ continues, provisions: [raw] })];
    await accept(first.id);
    expect(await problem(accept(second.id))).toMatchObject(over);
    const third = await ask({ continues, provisions: [daily] });
    await patient().revokeConsent({ consent: continues });
    expect(await problem(accept(third.id))).toMatchObject(over);
    expect(await readable()).toEqual([]);
    pass(day);
    expect(await readable()).toEqual([]);
  });
});

describe("a restore", () => {
  it("does not bring back what narrower terms took away: the consent ends", async () => {
    const { ask, accept, continues, backUp, readable, patient } = await openWithConsent();
    const { id } = await ask({ continues });
    const restore = await backUp();
    await accept(id, { provisions: [daily] });
    await restore();
    expect(await readable()).toEqual([]);
    expect((await patient().getConsent({ consent: continues })).consent!.state).toBe(Consent_State.REVOKED);
  });

  it("of before a renewal leaves the old terms, and the request open", async () => {
    const { ask, accept, continues, consent, backUp, readable } = await openWithConsent();
    const { id } = await ask({ continues });
    const restore = await backUp();
    await accept(id);
    await restore();
    expect(await readable()).toEqual([`${consent.id} 1`]);
    expect(timestampMs((await accept(id)).consent!.validity!.endTime!)).toBeGreaterThan(
      timestampMs(consent.validity!.endTime!),
    );
  });
});
