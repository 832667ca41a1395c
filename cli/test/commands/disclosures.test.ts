import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AggregateDisclosuresRequest,
  AuditService,
} from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const figures = {
  reads: 3n,
  values: 12n,
  unknownAmountReads: 0n,
  finestResolution: Resolution.DAILY,
  purposes: [Purpose.TREATMENT],
  consents: [{ consent: "con_1", version: 2 }],
  firstTime: timestampFromMs(Date.UTC(2026, 3, 12, 8)),
  lastTime: timestampFromMs(Date.UTC(2026, 3, 13, 8)),
  accesses: ["acc_3", "acc_2"],
};
const unknown = { ...figures, values: 0n, unknownAmountReads: 3n, finestResolution: Resolution.UNSPECIFIED };

async function openDisclosures() {
  const asked: AggregateDisclosuresRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(AuditService, {
      aggregateDisclosures(request) {
        asked.push(request);
        return {
          disclosures: [
            {
              organization: "org_1",
              total: { ...figures, unknownAmountReads: 1n },
              categories: [
                { category: "heart", figures },
                { category: "", figures: unknown },
              ],
            },
          ],
          interval: { startTime: timestampFromMs(Date.UTC(2026, 2, 1)) },
          unreadableEntries: 2,
        };
      },
    }),
  );
  return { env, asked };
}

test("prints what organizations read, what is unknown as unknown, and from when on the log was looked through", async () => {
  const { env, asked } = await openDisclosures();
  const from = "2026-01-01T00:00:00Z";
  const { code, out, err } = await wellapi(["disclosures", "--from", from, "--organization", "org_1"], {
    env,
  });
  expect(code).toBe(0);
  expect(asked).toMatchObject([
    { organization: "org_1", interval: { startTime: timestampFromMs(Date.UTC(2026, 0, 1)) } },
  ]);
  const [all, heart, none] = out.split("\n").filter((line) => line.includes("org_1"));
  expect(all).toMatch(/\(all\) .* 3 .* 12\+ /);
  expect(heart).toMatch(
    /heart .* 3 .* 12 .* daily .* treatment .* con_1 2 .* 2026-04-12T08:00:00.000Z .* acc_3/,
  );
  expect(none).toMatch(/\(no category\) .* 3 .* unknown .* unknown /);
  expect(err).toMatch(/since 2026-03-01T00:00:00.000Z/);
  expect(err).toMatch(/2 entries cannot be read/);
});

test("prints JSON as the contract has it", async () => {
  const { env } = await openDisclosures();
  const { out } = await wellapi(["disclosures", "--json"], { env });
  expect(JSON.parse(out)).toMatchObject({ organization: "org_1", total: { reads: "3" } });
});
