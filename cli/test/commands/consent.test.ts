import { writeFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Consent_State, Mask, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentService,
  type CreateConsentRequest,
  type ListConsentsRequest,
  type RevokeConsentRequest,
} from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

async function openConsents() {
  const created: CreateConsentRequest[] = [];
  const listed: ListConsentsRequest[] = [];
  const revoked: RevokeConsentRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(ConsentService, {
      createConsent(request) {
        created.push(request);
        return { consent: { id: "con_new" } };
      },
      listConsents(request) {
        listed.push(request);
        const at = Number(request.pageToken || "0");
        const provision = {
          effect: Provision_Effect.PERMIT,
          directions: [Direction.READ],
          categories: [{ name: "heart", version: 1 }],
          purposes: [Purpose.TREATMENT],
          resolution: Resolution.RAW,
        };
        const consent = { grantee: "org_1", patient: "pat_1", provisions: [provision] };
        return {
          consents: [{ ...consent, id: `con_${at}`, state: Consent_State.ACTIVE }],
          nextPageToken: at < 1 ? "1" : "",
        };
      },
      revokeConsent(request) {
        revoked.push(request);
        const revokeTime = timestampFromMs(Date.UTC(2026, 3, 12, 8));
        return { consent: { id: request.consent, revokeTime } };
      },
    }),
  );
  return { env, created, listed, revoked };
}

const grant = ["consent", "create", "--grantee", "org_1", "--category", "heart", "sleep"];

test("creates what the options say", async () => {
  const { env, created } = await openConsents();
  const options = ["--direction", "read,contribute", "--purpose", "treatment", "--last-days", "30"];
  const validity = ["--valid-from", "2026-04-12T00:00:00Z", "--request-id", "mine-1"];
  expect(await wellapi([...grant, ...options, ...validity], { env })).toEqual({
    code: 0,
    out: "con_new",
    err: "",
  });
  const [{ requestId, consent }] = created as [CreateConsentRequest];
  expect(requestId).toBe("mine-1");
  expect(consent).toMatchObject({
    grantee: "org_1",
    validity: { startTime: { seconds: BigInt(Date.UTC(2026, 3, 12) / 1000) } },
    provisions: [
      {
        effect: Provision_Effect.PERMIT,
        directions: [Direction.READ, Direction.CONTRIBUTE],
        categories: [{ name: "heart" }, { name: "sleep" }],
        purposes: [Purpose.TREATMENT],
        resolution: Resolution.RAW,
        window: { case: "capturedInLast", value: { seconds: 30n * 86_400n } },
      },
    ],
  });
});

test("says whose data is meant, and what is denied of it beside", async () => {
  const { env, created } = await openConsents();
  const some = ["--direction", "read", "--purpose", "treatment"];
  const mine = ["--source", "org_2", "--device", "org_3:dev_1", "--method", "sensed", "--mask", "notes"];
  await wellapi([...grant, ...some, ...mine], { env });
  const theirs = ["--except-source", "org_4", "--except-device", "org_5:dev_2"];
  await wellapi([...grant, ...some, ...theirs, "--except-method", "self-reported"], { env });
  const [first, second] = created.map(({ consent }) => consent!.provisions);
  expect(first).toMatchObject([
    {
      sources: {
        organizations: ["org_2"],
        devices: [{ organization: "org_3", deviceId: "dev_1" }],
        methods: [CaptureMethod.SENSED],
      },
      masks: [Mask.NOTES],
    },
  ]);
  expect(second).toMatchObject([
    { effect: Provision_Effect.PERMIT, resolution: Resolution.RAW },
    {
      effect: Provision_Effect.DENY,
      directions: [Direction.READ],
      categories: [{ name: "heart" }, { name: "sleep" }],
      purposes: [],
      resolution: Resolution.UNSPECIFIED,
      sources: {
        organizations: ["org_4"],
        devices: [{ organization: "org_5", deviceId: "dev_2" }],
        methods: [],
      },
    },
    {
      effect: Provision_Effect.DENY,
      sources: { organizations: [], devices: [], methods: [CaptureMethod.SELF_REPORTED] },
    },
  ]);
  expect(second![0]!.sources).toBeUndefined();
});

test("a denial says no resolution, and a permission to contribute neither", async () => {
  const { env, created } = await openConsents();
  await wellapi([...grant, "--direction", "read", "--deny"], { env });
  await wellapi([...grant, "--direction", "contribute"], { env });
  expect(created.map(({ consent }) => consent?.provisions[0])).toMatchObject([
    { effect: Provision_Effect.DENY, resolution: Resolution.UNSPECIFIED },
    { effect: Provision_Effect.PERMIT, resolution: Resolution.UNSPECIFIED },
  ]);
  expect(created[0]!.requestId).not.toBe(created[1]!.requestId);
});

test.each([
  ["no grantee", ["consent", "create", "--direction", "read", "--category", "heart"], 2, /--grantee/],
  [
    "two windows",
    [...grant, "--direction", "read", "--last-days", "3", "--window-from", "2026-01-01T00:00:00Z"],
    2,
    /--last-days, or --window-from/,
  ],
  [
    "an exception of a denial",
    [...grant, "--direction", "read", "--deny", "--except-source", "org_2"],
    2,
    /use --source, --device and --method/,
  ],
  [
    "an exception of sending",
    [...grant, "--direction", "contribute", "--except-source", "org_2"],
    2,
    /add --direction read/,
  ],
  ["a device without its sender", [...grant, "--direction", "read", "--device", "dev_1"], 2, /org_.*:dev_/],
  ["a direction of no such name", [...grant, "--direction", "look"], 2, /contribute, read/],
  ["a time without a zone", [...grant, "--direction", "read", "--valid-to", "2026-01-01"], 2, /zone/],
])("%s is refused before anything is sent", async (_name, parameters, code, message) => {
  const { env, created } = await openConsents();
  expect(await wellapi(parameters, { env })).toMatchObject({
    code,
    out: "",
    err: expect.stringMatching(message),
  });
  expect(created).toEqual([]);
});

test("takes a whole consent from a file, and refuses what it does not know in it", async () => {
  const { env, created } = await openConsents();
  const file = `${openFolder()}/consent.json`;
  const consent = { grantee: "org_2", provisions: [{ effect: "EFFECT_DENY", regions: ["eu"] }] };
  writeFileSync(file, JSON.stringify(consent));
  expect((await wellapi(["consent", "create", "--from", file], { env })).out).toBe("con_new");
  expect(created[0]!.consent).toMatchObject({ grantee: "org_2", provisions: [{ regions: ["eu"] }] });
  writeFileSync(file, JSON.stringify({ ...consent, withNobody: true }));
  const unknown = await wellapi(["consent", "create", "--from", file], { env });
  expect(unknown).toMatchObject({ code: 8, err: expect.stringContaining("withNobody") });
  expect(created).toHaveLength(1);
});

test("lists all pages of what is asked for", async () => {
  const { env, listed } = await openConsents();
  const wanted = ["--active", "--state", "revoked", "--grantee", "org_1"];
  const { out } = await wellapi(["consent", "list", ...wanted], { env });
  expect(out).toMatch(/con_0 .* pat_1 .* org_1 .* permit read heart@1 for treatment raw .* active/);
  expect(out).toContain("con_1");
  expect(listed.map(({ pageToken }) => pageToken)).toEqual(["", "1"]);
  for (const { states, grantee } of listed) {
    expect(states.toSorted()).toEqual([Consent_State.ACTIVE, Consent_State.REVOKED].toSorted());
    expect(grantee).toBe("org_1");
  }
});

test("revokes, at the version that is named", async () => {
  const { env, revoked } = await openConsents();
  const { out } = await wellapi(["consent", "revoke", "con_1", "--etag", "e1"], { env });
  expect(out).toBe("con_1 revoked at 2026-04-12T08:00:00.000Z");
  expect(revoked).toMatchObject([{ consent: "con_1", etag: "e1" }]);
});
