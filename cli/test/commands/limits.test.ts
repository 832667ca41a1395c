import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

async function openLimits() {
  const calls: unknown[] = [];
  const env = await openGateway(({ service }) =>
    service(LimitService, {
      getLimits({ organization }) {
        calls.push(["get", organization]);
        return { limits: { organization, organizationRate: 200 } };
      },
      updateLimits({ limits, updateMask }) {
        calls.push([
          "set",
          limits?.organization,
          limits?.organizationRate,
          limits?.patientRate,
          updateMask?.paths,
        ]);
        return { limits: limits! };
      },
    }),
  );
  return { env, calls };
}

test("shows the rates that are set, of an organization or of the installation", async () => {
  const { env, calls } = await openLimits();
  const shown = await wellapi(["limits", "get", "org_1"], { env });
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toBe(
    "org_1\norganization_rate 200\napplication_rate not set\ncredential_rate not set\npatient_rate not set",
  );
  const all = await wellapi(["limits", "get", "--json"], { env });
  expect(JSON.parse(all.out)).toMatchObject({ organizationRate: 200 });
  expect(calls).toEqual([
    ["get", "org_1"],
    ["get", ""],
  ]);
});

test("sets the rates that are named, and no other", async () => {
  const { env, calls } = await openLimits();
  await wellapi(["limits", "set", "org_1", "--organization-rate", "200"], { env });
  await wellapi(["limits", "set", "--patient-rate", "0"], { env });
  expect(calls).toEqual([
    ["set", "org_1", 200, 0, ["organization_rate"]],
    ["set", "", 0, 0, ["patient_rate"]],
  ]);
});

test("refuses to set nothing, and what is no rate, without a call", async () => {
  const { env, calls } = await openLimits();
  const nothing = await wellapi(["limits", "set", "org_1"], { env });
  expect(nothing.code).not.toBe(0);
  expect(nothing.err).toContain("say which rate");
  const bad = await wellapi(["limits", "set", "--patient-rate", "many"], { env });
  expect(bad.code).not.toBe(0);
  expect(bad.err).toContain("whole number");
  expect(calls).toEqual([]);
});
