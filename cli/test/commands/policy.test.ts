import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ExplainCallRequest,
  ExplainedStep_Outcome as Outcome,
  PolicyService,
  ExplainedStep_Rule as Rule,
} from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { Assurance, CallerKind, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, onTestFinished, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

async function openPolicies() {
  const asked: ExplainCallRequest[] = [];
  const created: unknown[] = [];
  const env = await openGateway(({ service }) =>
    service(PolicyService, {
      explainCall(request) {
        asked.push(request);
        return {
          rpc: "wellapi.records.v1.RecordsService/ReadSeries",
          permitted: false,
          steps: [
            {
              rule: Rule.CALLER,
              outcome: Outcome.PERMITS,
              explanation: "the contract opens it to application",
            },
            {
              rule: Rule.DATA_POLICY,
              outcome: Outcome.REFUSES,
              reason: "POLICY_DENIED",
              policies: ["pol_1"],
              explanation: "Nobody reads for research.",
            },
          ],
        };
      },
      createPolicy({ policy }) {
        created.push([policy?.organization, policy?.reason, policy?.text]);
        return { policy: { ...policy!, id: "pol_1" } };
      },
      validatePolicy: ({ text }) => ({
        mistakes: text.includes("permit") ? [{ line: 1, message: "it permits", help: "write a forbid" }] : [],
      }),
      listPolicies: ({ organization }) => ({
        policies: [{ id: "pol_1", organization, reason: "Because.", text: "forbid (...);" }],
      }),
      deletePolicy: () => ({}),
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), "wellapi-policy-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "one.cedar");
  return { env, asked, created, file };
}

test("explain describes the call, and names what decides", async () => {
  const { env, asked } = await openPolicies();
  const { code, out, err } = await wellapi(
    [
      ...[
        "policy",
        "explain",
        "ReadSeries",
        "--as",
        "member",
        "--organization",
        "org_1",
        "--role",
        "clinician",
      ],
      ...["--assurance", "passkey", "--code", "8867-4", "--purpose", "research", "--address", "10.0.0.1"],
      ...["--time", "2026-11-26T22:00:00Z"],
    ],
    { env },
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(asked[0]).toMatchObject({
    rpc: "ReadSeries",
    kind: CallerKind.MEMBER,
    organization: "org_1",
    roles: [Role.CLINICIAN],
    assurance: Assurance.PASSKEY,
    code: "8867-4",
    purpose: Purpose.RESEARCH,
    address: "10.0.0.1",
    time: { seconds: 1795730400n },
    emergency: false,
  });
  expect(out).toContain("refused by data policy: POLICY_DENIED");
  expect(out).toContain("[pol_1] Nobody reads for research.");
});

test("what is no kind, role or time is refused without a call", async () => {
  const { env, asked } = await openPolicies();
  for (const wrong of [
    ["--as", "doctor"],
    ["--role", "nurse"],
    ["--purpose", "fun"],
    ["--time", "2026-11-26 22:00"],
  ]) {
    const { code } = await wellapi(["policy", "explain", "ReadSeries", ...wrong], { env });
    expect(code, wrong.join(" ")).not.toBe(0);
  }
  expect(asked).toEqual([]);
});

test("validate, create, list and delete", async () => {
  const { env, created, file } = await openPolicies();
  await writeFile(file, "permit (principal, action, resource);");
  const wrong = await wellapi(["policy", "validate", file], { env });
  expect(wrong).toMatchObject({ code: 1, out: "line 1: it permits (write a forbid)" });
  await writeFile(file, "forbid (principal, action, resource);");
  expect(await wellapi(["policy", "validate", file], { env })).toMatchObject({ code: 0 });
  await wellapi(["policy", "create", file, "--organization", "org_1", "--reason", "Because."], { env });
  expect(created).toEqual([["org_1", "Because.", "forbid (principal, action, resource);"]]);
  const listed = await wellapi(["policy", "list", "--organization", "org_1"], { env });
  expect(listed.out).toContain("pol_1 of org_1\nBecause.\nforbid (...);");
  expect(await wellapi(["policy", "delete", "pol_1", "--organization", "org_1"], { env })).toMatchObject({
    code: 0,
  });
});
