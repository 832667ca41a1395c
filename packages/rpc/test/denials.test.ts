import type { DescMethod } from "@bufbuild/protobuf";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Caller, createDenials } from "../src/index.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const { createOrganization } = OrganizationService.method;
const { erasePatient } = RecordsService.method;

const application = (id: string, token = "t1"): Caller => ({
  principal: { kind: "application", id, organization: "org_1", credential: "crd_1" },
  workload: "door",
  token,
});

/** Reports as `caller token RPC count`; the first `failures` fail. */
function open(failures = 0, most = 1_000) {
  const reports: string[] = [];
  const warnings: unknown[] = [];
  let failing = failures;
  const denials = createDenials({
    async report({ principal, token }: Caller, { name }: DescMethod, count) {
      failing -= 1;
      if (failing >= 0) throw new Error("identity is away");
      reports.push(`${principal.id} ${token} ${name} ${count}`);
    },
    log: { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) },
    most,
  });
  return { denials, reports, warnings };
}

test("a caller's first denial of an RPC is reported at once, and a thousand more once a minute", async () => {
  const { denials, reports } = open();
  denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(0);
  expect(reports).toEqual(["app_1 t1 ErasePatient 1"]);
  for (let call = 0; call < 1_000; call++)
    denials.denied(application("app_1", "t2"), erasePatient, "CALLER_NOT_PERMITTED");
  denials.denied(application("app_2"), erasePatient, "CALLER_NOT_PERMITTED");
  denials.denied(application("app_1"), createOrganization, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(0);
  expect(reports.splice(0)).toEqual([
    "app_1 t1 ErasePatient 1",
    "app_2 t1 ErasePatient 1",
    "app_1 t1 CreateOrganization 1",
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  // With the newest token: the first one may have ended.
  expect(reports.splice(0)).toEqual(["app_1 t2 ErasePatient 1000"]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(vi.getTimerCount()).toBe(0);
  denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(0);
  expect(reports).toEqual(["app_1 t1 ErasePatient 1"]);
});

test("what could not be reported is, later, with what came meanwhile; and is given up in the end, with a count", async () => {
  const { denials, reports, warnings } = open(2);
  denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(0);
  denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(reports).toEqual(["app_1 t1 ErasePatient 2"]);
  expect(warnings).toHaveLength(2);

  const away = open(100);
  for (let call = 0; call < 5; call++)
    away.denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(away.warnings).toContainEqual({ count: 5 });
  expect(vi.getTimerCount()).toBe(0);
});

test("no more callers are counted than it may hold; the rest is logged as a count", async () => {
  const { denials, reports, warnings } = open(0, 2);
  for (let id = 0; id < 10; id++)
    denials.denied(application(`app_${id}`), erasePatient, "CALLER_NOT_PERMITTED");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reports).toHaveLength(2);
  expect(warnings).toEqual([{ count: 8 }]);
});

test("closing reports what was counted", async () => {
  const { denials, reports } = open();
  for (let call = 0; call < 3; call++)
    denials.denied(application("app_1"), erasePatient, "CALLER_NOT_PERMITTED");
  await denials.close();
  expect(reports).toEqual(["app_1 t1 ErasePatient 1", "app_1 t1 ErasePatient 2"]);
  expect(vi.getTimerCount()).toBe(0);
});
