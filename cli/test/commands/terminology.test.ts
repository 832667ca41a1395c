import { Code_Kind } from "@wellapi/gen/wellapi/terminology/v1/terminology_pb";
import {
  type ListCodesRequest,
  TerminologyService,
} from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

async function openTerminology() {
  const asked: ListCodesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(TerminologyService, {
      listCodes(request) {
        asked.push(request);
        const plausibleRange = request.pageToken === "" ? { low: "10", high: "600" } : undefined;
        const code = {
          coding: { code: `code-${request.pageToken || "0"}`, display: "Heart rate" },
          kind: Code_Kind.QUANTITY,
          unit: "/min",
          categories: [{ name: "heart" }, { name: "activity" }],
        };
        return {
          codes: [plausibleRange === undefined ? code : { ...code, plausibleRange }],
          nextPageToken: request.pageToken === "" ? "1" : "",
        };
      },
      listCategories: () => ({
        sets: [
          {
            category: { name: "heart", version: 2 },
            current: true,
            codes: [{ code: "8867-4" }, { code: "1" }],
          },
          { category: { name: "heart", version: 1 }, codes: [{ code: "8867-4" }] },
        ],
      }),
    }),
  );
  return { env, asked };
}

test("lists codes over all pages, with what is plausible where that is known", async () => {
  const { env, asked } = await openTerminology();
  const { out } = await wellapi(["codes", "heart", "--category", "heart"], { env });
  expect(out).toMatch(/code-0 .* Heart rate .* quantity .* \/min .* heart, activity .* 10 to 600/);
  expect(out).toMatch(/code-1 .* quantity/);
  expect(asked.map(({ text, category, pageToken }) => [text, category, pageToken])).toEqual([
    ["heart", "heart", ""],
    ["heart", "heart", "1"],
  ]);
});

test("lists each version of a category, and says which one is current", async () => {
  const { env } = await openTerminology();
  const { out } = await wellapi(["categories"], { env });
  expect(out).toMatch(/heart .* 2 \(current\) .* 8867-4, 1 /);
  expect(out).toMatch(/heart .* 1 +.* 8867-4 /);
});
