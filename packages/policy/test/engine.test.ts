import { describe, expect, test } from "vitest";
import { applications, questions, sorts } from "../src/compile.ts";
import {
  checkDefaults,
  createCallPolicies,
  type DataQuestion,
  loadDefaults,
  openCallPolicies,
  openDataPolicies,
  openPolicyEngine,
  PolicyError,
  type Restrictions,
  type Subject,
} from "../src/index.ts";

const engine = openPolicyEngine();
const application: Subject = { kind: "application", id: "app_1", organization: "org_a" };
const clinician: Subject = {
  kind: "member",
  id: "acc_1",
  organization: "org_a",
  roles: ["clinician"],
  assurance: "passkey",
};
const reading: DataQuestion = {
  direction: "read",
  code: "8867-4",
  categories: ["heart"],
  sensitivity: "normal",
  region: "eu",
  purpose: "treatment",
};
const readSeries = "wellapi.records.v1.RecordsService/ReadSeries";
const noon = Date.UTC(2026, 10, 26, 12);

function restrictions(version: number, ...texts: string[]): Restrictions {
  const policies = texts.map((text, i) => ({ id: `pol_${i}`, reason: `Reason ${i}.`, text }));
  return { organization: "org_a", version, policies };
}

test("every default policy fits the schema, and says why it is there", () => {
  const defaults = loadDefaults();
  expect(checkDefaults(defaults)).toEqual([]);
  expect(
    checkDefaults([
      { ...defaults[0]!, text: "permit (principal, action, resource) when { context.tme > 1 };" },
    ]),
  ).not.toEqual([]);
  for (const { reason } of defaults) expect(reason).toMatch(/^[A-Z].*\.$/);
});

describe("data", () => {
  test("an application reads what is normal, and what is very restricted for care only", () => {
    expect(engine.decideData(application, reading).permitted).toBe(true);
    const veryRestricted = { ...reading, sensitivity: "very_restricted" } as const;
    expect(engine.decideData(application, veryRestricted).permitted).toBe(true);
    expect(engine.decideData(application, { ...veryRestricted, purpose: "payment" })).toMatchObject({
      permitted: false,
      policy: "very-restricted-for-care-only",
      reason: expect.stringContaining("Very restricted"),
    });
  });

  test("a clinician needs more than a code for restricted data", () => {
    const restricted = { ...reading, sensitivity: "restricted" } as const;
    expect(engine.decideData(clinician, restricted).permitted).toBe(true);
    expect(engine.decideData({ ...clinician, assurance: "code" }, reading).permitted).toBe(true);
    expect(engine.decideData({ ...clinician, assurance: "code" }, restricted)).toMatchObject({
      policy: "restricted-needs-passkey",
    });
  });

  test("a read under emergency access is a clinician's, who has shown a second factor just now", () => {
    const emergency = { ...reading, purpose: "emergency", emergency: true };
    const fresh = { ...clinician, assurance: "fresh" } as const;
    expect(engine.decideData(fresh, emergency).permitted).toBe(true);
    const { assurance: _, ...withoutSignIn } = clinician;
    for (const [subject, question] of [
      [clinician, emergency],
      [{ ...clinician, assurance: "code" }, emergency],
      [withoutSignIn, emergency],
      [{ ...fresh, roles: ["owner", "developer"] }, emergency],
      [fresh, { ...emergency, purpose: "research" }],
      [application, emergency],
    ] as const) {
      expect(engine.decideData(subject, question)).toMatchObject({
        permitted: false,
        policy: "emergency-by-clinicians",
      });
    }
  });

  test("a refusal names the weakest sign-in that lifts it, and none where something else is missing, too", () => {
    const lift = (subject: Subject, question: DataQuestion, given?: Restrictions) => {
      const verdict = engine.decideData(subject, question, given);
      return verdict.permitted ? "permitted" : verdict.liftedBy;
    };
    const byCode = { ...clinician, assurance: "code" } as const;
    const emergency = { ...reading, purpose: "emergency", emergency: true };
    const restricted = { ...reading, sensitivity: "restricted" } as const;
    expect(lift(clinician, emergency)).toBe("fresh");
    expect(lift(byCode, { ...emergency, sensitivity: "restricted" })).toBe("fresh");
    expect(lift(byCode, restricted)).toBe("passkey");
    expect(lift({ ...clinician, roles: ["owner"] }, emergency)).toBeUndefined();
    expect(lift(clinician, { ...emergency, purpose: "research" })).toBeUndefined();
    expect(lift(application, emergency)).toBeUndefined();
    const noEmergencies = restrictions(
      20,
      `forbid (principal in Organization::"org_a", action == Action::"read", resource) when { context.emergency };`,
    );
    expect(lift(clinician, emergency, noEmergencies)).toBeUndefined();
  });

  test("every sort of reader is decided as in three lines of a model, under emergency access and without", () => {
    const assurances = [undefined, "code", "passkey", "fresh"] as const;
    const readers: Subject[] = [
      ...(["application", "patient", "person", "operator"] as const),
      ...[["clinician"], ["owner", "administrator", "developer", "auditor"], ["clinician", "owner"]],
    ].flatMap((who) =>
      assurances.map((assurance): Subject => {
        const sort = typeof who === "string" ? { kind: who } : { kind: "member" as const, roles: who };
        return { id: "id", organization: "org_a", ...sort, ...(assurance && { assurance }) };
      }),
    );
    const asked = questions().filter(({ direction }) => direction === "read");
    for (const reader of readers) {
      for (const question of asked) {
        const { kind, roles = [], assurance } = reader;
        const { purpose = "", sensitivity, emergency } = question;
        const isClinician = kind === "member" && roles.includes("clinician");
        const mayRead = kind === "application" || kind === "patient" || isClinician;
        const inEmergency = isClinician && assurance === "fresh" && purpose === "emergency";
        const forCare = ["treatment", "emergency", "patient_request", "family_request"].includes(purpose);
        const bySensitivity =
          (sensitivity !== "very_restricted" || forCare) &&
          (sensitivity === "normal" || kind !== "member" || assurance !== "code");
        const expected = mayRead && bySensitivity && (!emergency || inEmergency);
        expect([reader, question, engine.decideData(reader, question).permitted]).toEqual([
          reader,
          question,
          expected,
        ]);
      }
    }
  });

  test("nobody else reads, and only applications contribute", () => {
    const others: Subject[] = [
      { kind: "operator", id: "opr_1", roles: ["operator", "privacy_officer"], assurance: "fresh" },
      { kind: "person", id: "acc_1", assurance: "fresh" },
      { ...clinician, roles: ["owner", "administrator", "developer", "auditor"] },
    ];
    for (const other of others) expect(engine.decideData(other, reading).permitted).toBe(false);
    const contributing: DataQuestion = { ...reading, direction: "contribute" };
    expect(engine.decideData(application, contributing).permitted).toBe(true);
    for (const other of [...others, clinician, { kind: "patient", id: "pat_1" } as const]) {
      expect(engine.decideData(other, contributing).permitted).toBe(false);
    }
  });
});

describe("an organization's restrictions", () => {
  const noResearch = restrictions(
    1,
    `forbid (principal in Organization::"org_a", action == Action::"read", resource) when { context.purpose == "research" };`,
  );

  test("a forbid wins over what the defaults permit, and is named with its reason", () => {
    expect(engine.decideData(application, { ...reading, purpose: "research" }).permitted).toBe(true);
    expect(engine.decideData(application, { ...reading, purpose: "research" }, noResearch)).toEqual({
      permitted: false,
      policy: "pol_0",
      reason: "Reason 0.",
      mirrored: false,
    });
    expect(engine.decideData(application, reading, noResearch).permitted).toBe(true);
  });

  test("the defaults are named first where both forbid, and a permit among restrictions opens nothing", () => {
    const bad = restrictions(
      2,
      `permit (principal, action, resource);`,
      `forbid (principal in Organization::"org_a", action, resource);`,
    );
    const operator: Subject = { kind: "operator", id: "opr_1" };
    expect(engine.decideCall(operator, readSeries, { time: noon }, bad)).toMatchObject({
      permitted: false,
      policy: "staff-see-no-health-data",
    });
    expect(engine.decideCall(application, readSeries, { time: noon }, bad)).toMatchObject({
      policy: "pol_1",
    });
  });

  test("touch no other organization, also where they would be given for one", () => {
    const other = { ...application, organization: "org_b" };
    expect(engine.decideData(other, { ...reading, purpose: "research" }, noResearch).permitted).toBe(true);
  });

  test("of a new version replace the old ones; many organizations do not mix", () => {
    const all = (organization: string, version: number, effect: boolean): Restrictions => ({
      organization,
      version,
      policies: effect
        ? [
            {
              id: "pol_x",
              reason: "No.",
              text: `forbid (principal in Organization::"${organization}", action, resource);`,
            },
          ]
        : [
            {
              id: "pol_y",
              reason: "No.",
              text: `forbid (principal in Organization::"nobody", action, resource);`,
            },
          ],
    });
    const permitted = (i: number, version: number, effect: boolean) => {
      const organization = `org_${i}`;
      return engine.decideData({ ...application, organization }, reading, all(organization, version, effect))
        .permitted;
    };
    for (let i = 0; i < 270; i++) expect(permitted(i, 1, i % 2 === 0), String(i)).toBe(i % 2 === 1);
    for (let i = 0; i < 270; i += 27) expect(permitted(i, 1, i % 2 === 0), String(i)).toBe(i % 2 === 1);
    for (let i = 0; i < 270; i += 27) expect(permitted(i, 2, i % 2 === 1), String(i)).toBe(i % 2 === 0);
  });

  test("that fail when evaluated permit nothing", () => {
    const overflow = restrictions(
      3,
      `forbid (principal in Organization::"org_a", action == Action::"read", resource) when { 9223372036854775807 + 1 == 0 };`,
    );
    expect(engine.decideData(application, reading, overflow)).toMatchObject({
      permitted: false,
      policy: "pol_0",
    });
  });
});

describe("what the schema does not know is refused, never ignored", () => {
  test.each([
    [
      "an RPC",
      () => engine.decideCall(application, "wellapi.records.v1.RecordsService/Guess", { time: noon }),
    ],
    [
      "an address",
      () => engine.decideCall(application, readSeries, { time: noon, address: "10.0.0.1; drop" }),
    ],
    ["a role that is no text", () => engine.decideData({ ...clinician, roles: [7 as never] }, reading)],
    ["an attribute", () => engine.decideData(application, { ...reading, region: { x: 1 } as never })],
  ])("%s", (_what, decide) => {
    expect(decide).toThrow(PolicyError);
  });
});

describe("the calls that policies keep from a caller", () => {
  const policies = createCallPolicies(engine);

  test("are none by the defaults alone: the contracts open nothing that they forbid", () => {
    expect(policies.deniedCalls(application, { time: noon }).size).toBe(0);
    expect(policies.deniedCalls({ kind: "operator", id: "opr_1" }, { time: noon }).size).toBe(0);
    // They would refuse it, if a contract did.
    expect(engine.decideCall({ kind: "operator", id: "opr_1" }, readSeries, { time: noon })).toMatchObject({
      policy: "staff-see-no-health-data",
    });
  });

  test("follow a single RPC that a restriction names, the address, and the hour", () => {
    const named = restrictions(
      10,
      `forbid (principal in Organization::"org_a", action == Action::"${readSeries}", resource);`,
    );
    const denied = policies.deniedCalls(application, { time: noon }, named);
    expect(denied.has(readSeries)).toBe(true);
    expect(denied.has("wellapi.records.v1.RecordsService/QuerySeries")).toBe(false);
    const office = restrictions(
      11,
      `forbid (principal in Organization::"org_a", action, resource) unless { context has address && context.address.isInRange(ip("10.0.0.0/8")) };`,
    );
    const from = (address?: string) =>
      policies.deniedCalls(application, { time: noon, ...(address && { address }) }, office).has(readSeries);
    expect([from("10.1.2.3"), from("192.0.2.1"), from(), from("10.1.2.3")]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const nights = restrictions(
      12,
      `forbid (principal in Organization::"org_a", action, resource) when { context.hour < 6 };`,
    );
    const at = (hour: number) =>
      policies.deniedCalls(application, { time: Date.UTC(2026, 0, 1, hour) }, nights).has(readSeries);
    expect([at(5), at(6), at(3)]).toEqual([true, false, true]);
    const whole = restrictions(
      13,
      `forbid (principal in Organization::"org_a", action == Action::"${readSeries}", resource) when { context == context && context.hour < 6 };`,
    );
    expect(policies.deniedCalls(application, { time: noon }, whole).has(readSeries)).toBe(false);
  });

  test("tell one application of an organization from another", () => {
    const one = restrictions(14, `forbid (principal == Application::"app_1", action, resource);`);
    expect(policies.deniedCalls(application, { time: noon }, one).has(readSeries)).toBe(true);
    expect(policies.deniedCalls({ ...application, id: "app_2" }, { time: noon }, one).has(readSeries)).toBe(
      false,
    );
  });
});

describe("what the defaults decide alone is worked out beforehand", () => {
  const data = openDataPolicies();
  const calls = openCallPolicies();

  test("for every sort of caller and question as the engine decides it", () => {
    for (const question of questions()) {
      for (const subject of applications()) {
        const { permitted } = engine.decideData(subject, question);
        expect(data.decideData(subject, question).permitted).toBe(permitted);
      }
    }
    const byEngine = createCallPolicies(engine);
    for (const subject of sorts()) {
      expect(calls.deniedCalls(subject, { time: noon })).toEqual(
        byEngine.deniedCalls(subject, { time: noon }),
      );
    }
  }, 240_000);

  test("and what was not is asked of the engine", () => {
    const unknown = { ...application, actor: "stranger" };
    const emergency = { ...reading, emergency: true };
    expect(data.decideData(unknown, emergency)).toMatchObject({ policy: "emergency-by-clinicians" });
    expect(data.decideData(application, { ...reading, purpose: "none of these" }).permitted).toBe(true);
    const named = restrictions(20, `forbid (principal in Organization::"org_a", action, resource);`);
    expect(data.decideData(application, reading, named)).toMatchObject({ policy: "pol_0" });
    expect(calls.deniedCalls(application, { time: noon }, named).size).toBeGreaterThan(5);
  });
});
