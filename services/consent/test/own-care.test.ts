import { createClient } from "@connectrpc/connect";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { openReceiptKey, verifyReceipt } from "@wellapi/receipts";
import { type Document, openSqliteStore, type Store } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import { currentConsents } from "../src/consent-documents.ts";
import { consentCollections } from "../src/index.ts";
import { isHiddenRequest } from "../src/requests/request.ts";
import { partition, patientId } from "./installation.ts";
import { problem, reading, wanted } from "./messages.ts";
import { openScene } from "./requests-scene.ts";

/** Sleep stands for care to which the minor may consent alone. */
const withSleep = { provisions: [{ ...reading, categories: [{ name: "heart" }, { name: "sleep" }] }] };

async function openFamily(options: Parameters<typeof openScene>[0] = {}) {
  const scene = await openScene(options);
  const own = { kind: "patient", id: patientId, partition, assurance: "passkey" } as const;
  const actor = { kind: "guardian", id: "usr_guardian" } as const;
  const at = (principal: Parameters<typeof scene.as>[0]) => {
    const transport = scene.as(principal, "gateway");
    return {
      consents: createClient(ConsentService, transport),
      requests: createClient(ConsentRequestService, transport),
      receipts: createClient(ConsentReceiptService, transport),
    };
  };
  const { jwks } = await openReceiptKey(scene.kms);
  const ofVersion = (consent: string, version = 0) => ({
    decision: { case: "consentVersion" as const, value: { consent, version } },
  });
  return {
    ...scene,
    minor: at(own),
    guardian: at({ ...own, actor, hides: ["sleep"] }),
    ofVersion,
    /** What a receipt that somebody may get says. */
    said: async (receipt: Promise<{ readonly jws: string }>) =>
      verifyReceipt("wellapi-consent-receipt+jwt", (await receipt).jws, jwks),
    /** A consent to heart and sleep, and one to the heart alone that follows it, which is not accepted yet. */
    async continued() {
      const { consent } = await scene.accept((await scene.ask(withSleep)).id);
      const next = await scene.ask({ continues: consent!.id });
      return { consent: consent!.id, etag: consent!.etag, next: next.id };
    },
  };
}

describe("of a minor's own care, whoever acts in the minor's name", () => {
  it("is shown no version of a consent that was about it, though a later one is about other data alone", async () => {
    const { minor, guardian, ofVersion, said, continued, accept } = await openFamily();
    const { consent, etag, next } = await continued();
    await accept(next);
    await minor.consents.revokeConsent({ consent });
    const none = await problem(guardian.receipts.getConsentReceipt(ofVersion("con_none")));

    const own = await minor.consents.listConsentRevisions({ consent });
    expect(own.revisions.map((one) => [one.consent!.version, one.replacedEtag])).toMatchObject([
      [1, ""],
      [2, etag],
      [3, expect.stringMatching(/.+/)],
    ]);
    const seen = await guardian.consents.listConsentRevisions({ consent });
    expect(seen.revisions.map((one) => [one.consent!.version, one.replacedEtag])).toEqual([
      [2, ""],
      [3, ""],
    ]);
    const pages = await guardian.consents.listConsentRevisions({ consent, pageSize: 1 });
    expect(pages.revisions).toEqual([]);
    expect(pages.nextPageToken).not.toBe("");

    expect(await said(minor.receipts.getConsentReceipt(ofVersion(consent, 1)))).toMatchObject({
      pii_processing: [{ pii_information: ["heart@1", expect.stringMatching(/^sleep@/)] }],
    });
    expect(await problem(guardian.receipts.getConsentReceipt(ofVersion(consent, 1)))).toEqual(none);
    const amendment = await said(guardian.receipts.getConsentReceipt(ofVersion(consent, 2)));
    const revocation = await said(guardian.receipts.getConsentReceipt(ofVersion(consent)));
    expect(amendment).toMatchObject({ event: { type: "consent_amended" } });
    expect(revocation).toMatchObject({ event: { type: "consent_withdrawn" } });
    expect(JSON.stringify([amendment, revocation])).not.toContain("sleep");
  });

  it("neither sees nor decides a request that continues such a consent, though it asks for other data", async () => {
    const { minor, guardian, continued, ask } = await openFamily();
    const { consent, next } = await continued();
    const other = await ask();
    const none = await problem(guardian.requests.getConsentRequest({ consentRequest: "crq_none" }));
    for (const rpc of ["getConsentRequest", "acceptConsentRequest", "refuseConsentRequest"] as const) {
      expect(await problem(guardian.requests[rpc]({ consentRequest: next })), rpc).toEqual(none);
    }
    const listed = await guardian.requests.listConsentRequests({});
    expect(listed.consentRequests.map(({ id }) => id)).toEqual([other.id]);
    const { version } = (await minor.consents.getConsent({ consent })).consent!;
    expect(version).toBe(1);

    const refused = { decision: { case: "consentRequest" as const, value: next } };
    await minor.requests.refuseConsentRequest({ consentRequest: next });
    await minor.receipts.getConsentReceipt(refused);
    expect(await problem(guardian.receipts.getConsentReceipt(refused))).toEqual(none);
  });

  it("is not told what became of a consent by giving or accepting once more what was given before", async () => {
    const { minor, guardian, ask, accept, logged } = await openFamily();
    const { id } = await ask();
    const first = await guardian.requests.acceptConsentRequest({ consentRequest: id });
    const again = await guardian.requests.acceptConsentRequest({ consentRequest: id });
    expect(again.consent).toEqual(first.consent);
    const next = await ask({ ...withSleep, continues: first.consent!.id });
    await accept(next.id);
    const none = await problem(guardian.requests.getConsentRequest({ consentRequest: "crq_none" }));
    const repeated = guardian.requests.acceptConsentRequest({ consentRequest: id });
    expect(await problem(repeated)).toEqual(none);
    expect((await minor.requests.acceptConsentRequest({ consentRequest: id })).consent!.version).toBe(2);
    const theirs = (await logged()).filter(({ actor }) => actor?.id === "usr_guardian");
    expect(theirs.flatMap(({ consents }) => consents.map(({ version }) => version))).toEqual([1, 1]);

    const give = () => guardian.consents.createConsent({ consent: wanted, requestId: "given" });
    const given = (await give()).consent!;
    expect((await give()).consent).toEqual(given);
    await accept((await ask({ ...withSleep, continues: given.id })).id);
    expect(await problem(give())).toEqual(
      await problem(guardian.consents.getConsent({ consent: "con_none" })),
    );
  });

  it("revokes no consent that came to be about it meanwhile, and is not told that it is revoked", async () => {
    const looked: Looked = {};
    const { minor, guardian, ask, accept } = await openFamily({ openStore: (path) => paused(path, looked) });
    const { consent } = await accept((await ask()).id);
    const next = await ask({ ...withSleep, continues: consent!.id });
    looked.meanwhile = () => accept(next.id);
    const revoking = guardian.consents.revokeConsent({ consent: consent!.id });
    expect(await problem(revoking)).toMatchObject({ reason: "NOT_FOUND" });
    const kept = (await minor.consents.getConsent({ consent: consent!.id })).consent!;
    expect(kept).toMatchObject({ version: 2 });
    expect(kept.revokeTime).toBeUndefined();
    await minor.consents.revokeConsent({ consent: consent!.id });
    const again = guardian.consents.revokeConsent({ consent: consent!.id });
    expect(await problem(again)).toMatchObject({ reason: "NOT_FOUND" });
  });
});

/** What happens once the patient's consents were read, before the reader goes on. */
interface Looked {
  meanwhile?: () => Promise<unknown>;
}

async function paused(path: string, looked: Looked): Promise<Store> {
  const store = await openSqliteStore({ thread: "callers", path, collections: consentCollections });
  const get = async <D extends Document>(...asked: Parameters<Store["get"]>) => {
    const found = await store.get<D>(...asked);
    const { meanwhile } = looked;
    if (asked[0] === currentConsents.name && meanwhile) {
      delete looked.meanwhile;
      await meanwhile();
    }
    return found;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "get") return get;
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

it("a request whose consent's categories were not kept is hidden from whoever does not see all", () => {
  const provision = {
    effect: "permit",
    directions: ["read"],
    categories: [{ name: "heart", version: 1 }],
    purposes: ["treatment"],
    captured: {},
    regions: [],
  } as const;
  const terms = { grantee: "org_clinic", provisions: [provision], validity: {} };
  const continues = { consent: "con_1", version: 1 };
  expect(isHiddenRequest({ terms }, ["sleep"])).toBe(false);
  expect(isHiddenRequest({ terms, continues }, ["sleep"])).toBe(true);
  expect(isHiddenRequest({ terms, continues: { ...continues, categories: ["heart"] } }, ["sleep"])).toBe(
    false,
  );
  expect(isHiddenRequest({ terms, continues })).toBe(false);
});
