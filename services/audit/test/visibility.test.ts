import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Actor_Kind, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { keysOfCategory } from "@wellapi/terminology";
import { describe, expect, test } from "vitest";
import type { StoredAccess } from "../src/access-repository.ts";
import { mostSearched, searched } from "../src/access-search.ts";
import { ada, bob, leafOf, openAudit } from "./harness.ts";

const clinic = "org_clinic";
const insurer = "org_insurer";
const asAda = { kind: "patient", id: "pat_ada", partition: ada } as const;
const asBob = { kind: "patient", id: "pat_bob", partition: bob } as const;
const asClinic = { kind: "application", id: "app_1", organization: clinic } as const;
const signedIn = { id: "usr_1", roles: ["auditor"], assurance: "passkey" } as const;
const asAuditor = { kind: "member", organization: clinic, ...signedIn } as const;
const asOperator = { kind: "operator", id: "opr_1" } as const;

async function openFilled() {
  const world = await openAudit();
  const leaves = [
    leafOf(ada, { id: "acc_clinic_ada", organization: clinic }, 1000),
    leafOf(bob, { id: "acc_clinic_bob", organization: clinic }, 2000),
    leafOf(ada, { id: "acc_insurer_ada", organization: insurer }, 3000),
    leafOf("", { id: "acc_clinic_nobody", organization: clinic }, 4000),
    leafOf("", { id: "acc_operator" }, 5000),
    leafOf(ada, { id: "acc_ada_herself" }, 6000),
  ];
  await world.intake.append({ leaves });
  await world.settled();
  return world;
}

const visible = {
  ada: ["acc_ada_herself", "acc_insurer_ada", "acc_clinic_ada"],
  bob: ["acc_clinic_bob"],
  clinic: ["acc_clinic_nobody", "acc_clinic_bob", "acc_clinic_ada"],
  /** Of the clinic. */
  auditor: ["acc_clinic_nobody", "acc_clinic_bob", "acc_clinic_ada"],
  operator: ["acc_operator", "acc_clinic_nobody"],
};
const viewers = [
  ["ada", asAda],
  ["bob", asBob],
  ["clinic", asClinic],
  ["auditor", asAuditor],
  ["operator", asOperator],
] as const;
const all = [...new Set(Object.values(visible).flat())];

async function problem(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return problemOf(error as ConnectError);
}

describe("who sees what", () => {
  test.each(viewers)("%s lists their accesses, newest first", async (name, principal) => {
    const world = await openFilled();
    const { accesses, nextPageToken } = await world.as(principal).listAccesses({});
    expect(accesses.map(({ access }) => access!.id)).toEqual(visible[name]);
    expect(nextPageToken).toBe("");
  });

  test.each(viewers)(
    "%s learns how many there are with the first page, if they ask",
    async (name, principal) => {
      const world = await openFilled();
      const audit = world.as(principal);
      const first = await audit.listAccesses({ pageSize: 1, showTotalSize: true });
      expect(first.totalSize).toBe(visible[name].length);
      expect((await audit.listAccesses({ pageSize: 1 })).totalSize).toBe(0);
      const pageToken = (await audit.listAccesses({ pageSize: 1, showTotalSize: true })).nextPageToken;
      const next = pageToken && (await audit.listAccesses({ pageSize: 1, pageToken, showTotalSize: true }));
      expect(next === "" ? 0 : next.totalSize).toBe(0);
    },
  );

  test.each(viewers)("%s gets these, and one and the same answer for all others", async (name, principal) => {
    const world = await openFilled();
    const client = world.as(principal);
    const answers = new Set<string>();
    for (const id of [...all, "acc_unknown"]) {
      if (visible[name].includes(id)) {
        expect((await client.getAccess({ access: id })).access?.access?.id).toBe(id);
      } else {
        answers.add(JSON.stringify(await problem(client.getAccess({ access: id }))));
      }
    }
    expect([...answers].map((answer) => JSON.parse(answer))).toMatchObject([
      { code: 5, reason: "NOT_FOUND" },
    ]);
  });

  test("nobody else lists or gets anything", async () => {
    const world = await openFilled();
    for (const principal of [{}, { kind: "service", id: "records" }] as const) {
      expect((await problem(world.as(principal).listAccesses({}))).code).toBeOneOf([7, 16]);
      expect((await problem(world.as(principal).getAccess({ access: all[0]! }))).code).toBeOneOf([7, 16]);
    }
  });

  test("reading the log leaves no leaf", async () => {
    const world = await openFilled();
    const before = await world.as({}).getCheckpoint({});
    await world.as(asAda).listAccesses({});
    await world.as(asAda).getAccess({ access: "acc_clinic_ada" });
    await world.settled();
    expect(await world.as({}).getCheckpoint({})).toEqual(before);
  });
});

describe("a filter", () => {
  const heart = { codes: ["8867-4"], direction: Direction.READ };
  const byAda = { actor: { kind: Actor_Kind.PATIENT, id: "pat_ada" } };

  async function openMixed() {
    const world = await openAudit();
    const denied = { outcome: Access_Outcome.DENIED, reason: "CONSENT_REQUIRED" };
    await world.intake.append({
      leaves: [
        leafOf(
          ada,
          { id: "acc_read", organization: clinic, ...heart, consents: [{ consent: "con_1" }] },
          1000,
        ),
        leafOf(ada, { id: "acc_refused", organization: clinic, ...heart, ...denied }, 2000),
        leafOf(ada, { id: "acc_steps", organization: insurer, codes: ["55423-8"] }, 3000),
        leafOf(ada, { id: "acc_preview", previewedOrganization: clinic, ...heart, ...byAda }, 4000),
        leafOf(ada, { id: "acc_own", ...byAda }, 5000),
        leafOf(bob, { id: "acc_bob", organization: clinic, ...heart }, 6000),
      ],
    });
    await world.settled();
    return world;
  }

  test.each([
    ["an organization", { organization: clinic }, ["acc_preview", "acc_refused", "acc_read"]],
    ["a refusal", { outcomes: [Access_Outcome.DENIED, Access_Outcome.UNDECIDED] }, ["acc_refused"]],
    ["a category", { categories: ["activity", "glucose"] }, ["acc_steps"]],
    ["a consent", { consent: "con_1" }, ["acc_read"]],
    ["others", { withoutPatientsOwn: true }, ["acc_steps", "acc_refused", "acc_read"]],
    [
      "all of it",
      { organization: clinic, categories: ["heart"], withoutPatientsOwn: true, outcomes: [1] },
      [],
    ],
    ["nobody", { organization: "org_none" }, []],
  ])("by %s leaves what fits, of the caller's own alone", async (_, filter, expected) => {
    const world = await openMixed();
    const { accesses, nextPageToken } = await world.as(asAda).listAccesses({ filter });
    expect(accesses.map(({ access }) => access!.id)).toEqual(expected);
    expect([nextPageToken, accesses.some(({ index }) => index < 0n)]).toEqual(["", false]);
    const theirs = await world.as(asClinic).listAccesses({ filter });
    const others = ["acc_bob", "acc_refused", "acc_read"];
    expect(theirs.accesses.map(({ access }) => access!.id).every((id) => others.includes(id))).toBe(true);
  });

  test("gives each once over pages, with its interval; a token is for one filter; nothing is counted", async () => {
    const world = await openMixed();
    const client = world.as(asAda);
    const filter = { organization: clinic };
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await client.listAccesses({ pageSize: 1, pageToken, filter });
      expect(page.accesses.length).toBeLessThanOrEqual(1);
      seen.push(...page.accesses.map(({ access }) => access!.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(["acc_preview", "acc_refused", "acc_read"]);
    const interval = { startTime: timestampFromMs(1000), endTime: timestampFromMs(2000) };
    const within = await client.listAccesses({ interval, filter });
    expect(within.accesses.map(({ access }) => access!.id)).toEqual(["acc_read"]);
    const first = await client.listAccesses({ pageSize: 1, filter });
    const other = client.listAccesses({ pageSize: 1, pageToken: first.nextPageToken, filter: {} });
    expect((await problem(other)).reason).toBe("INVALID_PAGE_TOKEN");
    expect((await problem(client.listAccesses({ showTotalSize: true, filter }))).code).toBe(3);
  });

  test("looks through a bounded part of the log a page, and goes on behind it", async () => {
    const looked: number[] = [];
    const search = {
      interval: {},
      pageSize: 500,
      cursor: undefined,
      organization: undefined,
      fits: () => false,
    };
    const accesses = Array.from({ length: 125 }, () => ({}) as StoredAccess);
    const found = await searched(search, {
      list: async (limit) => {
        looked.push(limit);
        return { accesses: accesses.slice(0, limit), cursor: "more" };
      },
      mayFit: () => true,
      openSecret: async () => ({ secret: undefined, damaged: false }),
    });
    expect(found).toEqual({ accesses: [], cursor: "more" });
    expect(looked.reduce((sum, one) => sum + one, 0)).toBe(mostSearched);
  });

  test("shows a minor's guardian nothing of the minor's own care", async () => {
    const world = await openMixed();
    const hides = ["heart"];
    const guardian = { ...asAda, hides, actor: { kind: "guardian", id: "usr_ben" } } as const;
    const { accesses } = await world.as(guardian).listAccesses({ filter: { withoutPatientsOwn: true } });
    expect(accesses.map(({ access }) => access!.id)).toEqual(["acc_steps"]);
  });
});

describe("pages", () => {
  test("end after everything came once; an interval is half-open", async () => {
    const client = (await openFilled()).as(asAda);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await client.listAccesses({ pageSize: 1, pageToken });
      seen.push(...page.accesses.map(({ access }) => access!.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(visible.ada);
    const interval = { startTime: timestampFromMs(1000), endTime: timestampFromMs(3000) };
    const { accesses } = await client.listAccesses({ interval });
    expect(accesses.map(({ access }) => access!.id)).toEqual(["acc_clinic_ada"]);
  });

  test("a token is for its caller and query alone", async () => {
    const world = await openFilled();
    const { nextPageToken: pageToken } = await world.as(asAda).listAccesses({ pageSize: 1 });
    const interval = { startTime: timestampFromMs(0) };
    for (const call of [
      world.as(asBob).listAccesses({ pageSize: 1, pageToken }),
      world.as(asClinic).listAccesses({ pageSize: 1, pageToken }),
      world.as(asAda).listAccesses({ pageSize: 1, pageToken, interval }),
      world.as(asAda).listAccesses({ pageToken: "forged" }),
    ])
      expect(await problem(call)).toMatchObject({ code: 3, reason: "INVALID_PAGE_TOKEN" });
  });
});

test("where the audit key was destroyed, the access stays in the log and says nothing", async () => {
  const world = await openFilled();
  await world.vault.destroy(ada, "audit");
  const { access } = await world.as(asAda).getAccess({ access: "acc_clinic_ada" });
  expect(access).toMatchObject({ access: { id: "acc_clinic_ada", method: "" }, index: 1n });
  expect(access!.body).toHaveLength(0);
  await world.intake.append({ leaves: [leafOf(ada, { id: "acc_late" })] });
  await world.settled();
  const { checkpoint } = await world.as({}).getCheckpoint({});
  expect(checkpoint.split("\n")[1]).toBe("7");
});

test("accesses are counted within the interval that was asked for, and no further than a thousand", async () => {
  const world = await openAudit();
  const leaves = Array.from({ length: 1_200 }, (_, i) =>
    leafOf(ada, { id: `acc_${i}`, organization: clinic }, i),
  );
  for (let at = 0; at < leaves.length; at += 100)
    await world.intake.append({ leaves: leaves.slice(at, at + 100) });
  const totalUntil = async (endMs: number) => {
    const interval = { endTime: timestampFromMs(endMs) };
    return (await world.as(asClinic).listAccesses({ interval, pageSize: 1, showTotalSize: true })).totalSize;
  };
  expect(await totalUntil(3)).toBe(3);
  expect(await totalUntil(1_000)).toBe(1_000);
  expect(await totalUntil(1_100)).toBe(1_001);
});

test("of a minor's own care, whoever acts in the minor's name sees no entry, and counts none", async () => {
  const world = await openAudit();
  const [hidden] = keysOfCategory("mental_health", 1);
  const guardian = { kind: Actor_Kind.GUARDIAN, id: "usr_guardian" };
  const of = (id: string, time: number, more: object) => leafOf(ada, { id: `acc_${id}`, ...more }, time);
  await world.intake.append({
    leaves: [
      of("heart", 1_000, { codes: ["8867-4"], organization: clinic }),
      of("hidden", 2_000, { codes: [hidden!], organization: insurer }),
      of("mixed", 3_000, { codes: ["8867-4", hidden!], organization: insurer }),
      of("unknown", 4_000, { codes: ["0000-0"] }),
      of("consent", 5_000, { method: "wellapi.consent.v1.ConsentService/CreateConsent" }),
      // Its codes are open, and yet it names to whom the minor may have permitted such care.
      of("preview", 5_500, { codes: ["8867-4"], previewedOrganization: insurer }),
      of("guardian", 6_000, { actor: guardian, method: "wellapi.consent.v1.ConsentService/ListConsents" }),
    ],
  });
  await world.settled();
  const all = ["guardian", "preview", "consent", "unknown", "mixed", "hidden", "heart"].map(
    (id) => `acc_${id}`,
  );
  const list = async (more: object) => {
    const { accesses, totalSize } = await world
      .as({ ...asAda, ...more })
      .listAccesses({ showTotalSize: true });
    expect(totalSize).toBe(accesses.length);
    return accesses.map(({ access }) => access!.id);
  };
  expect(await list({})).toEqual(all);
  const acting = { actor: { kind: "guardian", id: "usr_guardian" }, hides: ["mental_health"] } as const;
  expect(await list(acting)).toEqual(["acc_guardian", "acc_heart"]);
  const none = await problem(world.as({ ...asAda, ...acting }).getAccess({ access: "acc_none" }));
  for (const access of ["acc_hidden", "acc_mixed", "acc_unknown", "acc_consent", "acc_preview"]) {
    expect(await problem(world.as({ ...asAda, ...acting }).getAccess({ access }))).toEqual(none);
  }
  await world.as({ ...asAda, ...acting }).getAccess({ access: "acc_heart" });
});
