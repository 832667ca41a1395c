import { createRouterTransport } from "@connectrpc/connect";
import { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type DataPolicies, openDataPolicies } from "@wellapi/policy";
import type { Caller, Principal } from "@wellapi/rpc";
import { shippedTerminology } from "@wellapi/terminology";
import { expect, test } from "vitest";
import { RecordsError } from "../src/errors.ts";
import { createDataPolicy } from "../src/gate/data-policy.ts";
import { createRestricting } from "../src/gate/restrictions-client.ts";
import { purposeNames } from "../src/model/purpose.ts";

const heart = "8867-4";
const mood = "wellbeing-score";

/** With what identity would answer, and how often it and the engine were asked. */
function opened(...texts: string[]) {
  let asked = 0;
  const stored = { version: 1, texts };
  const identity = createRouterTransport(({ service }) =>
    service(PolicyDirectoryService, {
      getRestrictions() {
        asked += 1;
        const restrictions = stored.texts.map((text, i) => ({
          id: `pol_${i}`,
          reason: `Reason ${i}.`,
          text,
        }));
        return { version: BigInt(stored.version), restrictions };
      },
    }),
  );
  const engine = openDataPolicies();
  let decided = 0;
  const policies: DataPolicies = {
    ...engine,
    decideData(...question) {
      decided += 1;
      return engine.decideData(...question);
    },
  };
  const policy = createDataPolicy({
    policies,
    restricting: createRestricting(identity),
    terminology: shippedTerminology,
    region: "eu",
  });
  const caller = (principal: Partial<Principal> = {}): Caller => ({
    principal: { kind: "application", id: "app_1", organization: "org_a", ...principal },
    workload: "door",
    token: "",
  });
  const read = async (principal: Partial<Principal>, code = heart, purpose = Purpose.TREATMENT) => {
    try {
      await policy.checkRead(caller(principal), code, purpose);
      return "read";
    } catch (error) {
      return error instanceof RecordsError ? error : Promise.reject(error);
    }
  };
  return { policy, caller, read, stored, asked: () => asked, decided: () => decided };
}

test("purposes are the contract's", () => {
  const named = Object.entries(Purpose).filter(([, number]) => typeof number === "number" && number > 0);
  expect([...purposeNames].map(([number, name]) => [name.toUpperCase(), number]).sort()).toEqual(
    named.sort(),
  );
});

test("without restrictions identity is not asked, and nothing is waited for", async () => {
  const { policy, caller, asked } = opened();
  expect(policy.checkRead(caller(), heart, Purpose.TREATMENT)).toBeUndefined();
  expect(await policy.contributable(caller(), [heart, mood])).toEqual([heart, mood]);
  expect(asked()).toBe(0);
});

test("a restriction refuses what it names, in reads and in contributions, and is asked for once a version", async () => {
  const { read, policy, caller, stored, asked } = opened(
    `forbid (principal in Organization::"org_a", action in [Action::"read", Action::"contribute"], resource) when { resource.categories.contains("wellbeing") };`,
  );
  const refusal = await read({ policies: 1 }, mood);
  expect(refusal).toMatchObject({
    code: "POLICY_DENIED",
    problem: { message: expect.stringContaining("The policy pol_0 says: Reason 0.") },
  });
  expect(await read({ policies: 1 })).toBe("read");
  expect(await policy.contributable(caller({ policies: 1 }), [heart, mood])).toEqual([heart]);
  expect(asked()).toBe(1);
  // A token of before the restriction does not know it; one of a newer version does.
  expect(await read({}, mood)).toBe("read");
  stored.version = 2;
  stored.texts = [];
  expect(await read({ policies: 1 }, mood)).toMatchObject({ code: "POLICY_DENIED" });
  expect(await read({ policies: 2 }, mood)).toBe("read");
  expect(asked()).toBe(2);
});

test("a restriction for one purpose, one application, or one kind touches no other", async () => {
  const { read } = opened(
    `forbid (principal in Organization::"org_a", action == Action::"read", resource) when { context.purpose == "research" };`,
    `forbid (principal == Application::"app_2", action == Action::"read", resource);`,
  );
  expect(await read({ policies: 1 }, heart, Purpose.RESEARCH)).toMatchObject({ code: "POLICY_DENIED" });
  expect(await read({ policies: 1 }, heart, Purpose.TREATMENT)).toBe("read");
  expect(await read({ policies: 1, id: "app_2" })).toMatchObject({ code: "POLICY_DENIED" });
  expect(await read({ policies: 1, id: "app_3" })).toBe("read");
});

test("the exchange's own policies hold for members: restricted data needs more than a code", async () => {
  const { read } = opened();
  const clinician = { kind: "member", id: "usr_1", roles: ["clinician"] } as const;
  expect(await read({ ...clinician, assurance: "code" }, mood)).toMatchObject({ code: "POLICY_DENIED" });
  expect(await read({ ...clinician, assurance: "code" }, heart)).toBe("read");
  expect(await read({ ...clinician, assurance: "passkey" }, mood)).toBe("read");
  expect(await read({ ...clinician, roles: ["developer"], assurance: "fresh" }, heart)).toMatchObject({
    code: "POLICY_DENIED",
  });
});

test("the engine is asked each question once: it takes 250 times as long as a look-up", () => {
  const { policy, caller, decided } = opened();
  for (let i = 0; i < 100; i++) {
    for (const id of ["app_1", "app_2"]) policy.checkRead(caller({ id }), heart, Purpose.TREATMENT);
    policy.checkRead(caller(), heart, Purpose.RESEARCH);
  }
  // Nothing restricts these applications: they are of one sort.
  expect(decided()).toBe(2);
});
