import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ListUsageRequest, UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

test("prints what was called by day, application and RPC, of all pages, with what was refused and why", async () => {
  const asked: ListUsageRequest[] = [];
  const usage = {
    startTime: timestampFromMs(Date.UTC(2026, 5, 30)),
    application: "app_1",
    method: "wellapi.records.v1.RecordsService/ReadSeries",
    accesses: 12n,
    items: 3_000n,
    refusals: [
      { reason: "NO_CONSENT", accesses: 2n },
      { reason: "", accesses: 1n },
    ],
  };
  const env = await openGateway(({ service }) =>
    service(UsageService, {
      listUsage(request) {
        asked.push(request);
        return request.pageToken === ""
          ? { usages: [usage], nextPageToken: "more" }
          : { usages: [{ ...usage, application: "", refusals: [] }] };
      },
    }),
  );
  const parameters = ["usage", "--from", "2026-06-01T00:00:00Z"];
  const { code, out } = await wellapi(parameters, { env });
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ pageToken: "" }, { pageToken: "more" }]);
  expect(asked[0]!.interval?.startTime).toEqual(timestampFromMs(Date.UTC(2026, 5, 1)));
  expect(out).toMatch(
    /2026-06-30 .* app_1 .* RecordsService\/ReadSeries .* 12 .* 2 NO_CONSENT, 1 other reasons .* 3000/,
  );
  expect(out).toMatch(/2026-06-30 .* people /);
  const ofOne = await wellapi([...parameters, "--application", "app_1", "--json"], { env });
  expect(ofOne.out.split("\n").map((line) => JSON.parse(line))).toMatchObject([{ accesses: "12" }]);
});
