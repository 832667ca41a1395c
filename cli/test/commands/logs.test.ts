import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { type RequestFilter, RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const request = {
  position: 7n,
  startTime: timestampFromMs(Date.UTC(2026, 5, 30)),
  durationMs: 12.34,
  application: "app_1",
  method: "wellapi.records.v1.RecordsService/ReadSeries",
  status: "PERMISSION_DENIED",
  reason: "NO_CONSENT",
  requestId: "request-1",
  omitted: 2n,
};

test("lists requests of all pages, by a filter, as many as were asked for", async () => {
  const asked: Array<[RequestFilter | undefined, number, string]> = [];
  const env = await openGateway(({ service }) =>
    service(RequestLogService, {
      listRequests({ filter, pageSize, pageToken }) {
        asked.push([filter, pageSize, pageToken]);
        return { requests: [request, { ...request, application: "" }], nextPageToken: "more" };
      },
    }),
  );
  const { code, out } = await wellapi(
    ["logs", "list", "--failed", "--reason", "NO_CONSENT", "--limit", "3"],
    { env },
  );
  expect(code).toBe(0);
  expect(asked).toMatchObject([
    [{ failed: true, reason: "NO_CONSENT", method: "" }, 3, ""],
    [{ failed: true }, 1, "more"],
  ]);
  expect(out).toMatch(
    /RecordsService\/ReadSeries .* PERMISSION_DENIED NO_CONSENT \(\+2 not kept\) .* 12.3 .* app_1/,
  );
  expect(out.match(/request-1/g)?.length).toBe(3);
  expect(out).toMatch(/ people /);
});

test("prints requests as they end, and goes on behind the last where it was cut", async () => {
  const asked: string[] = [];
  const interrupt = new AbortController();
  const env = await openGateway(({ service }) =>
    service(RequestLogService, {
      async *watchRequests({ resumeToken }) {
        asked.push(resumeToken);
        if (asked.length === 1) {
          yield { requests: [request], resumeToken: "7" };
          throw problemError({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message: "later" });
        }
        yield { requests: [{ ...request, status: "OK", reason: "", omitted: 0n }], resumeToken: "8" };
        await new Promise(() => {});
      },
    }),
  );
  const { code, out, err } = await wellapi(["logs", "tail"], {
    env,
    interrupt: interrupt.signal,
    onOut: (text) => {
      if (text.includes("  OK  ")) setImmediate(() => interrupt.abort());
    },
  });
  expect(code).toBe(0);
  expect(asked).toEqual(["", "7"]);
  expect(out.split("\n").filter(Boolean)).toEqual([
    "2026-06-30T00:00:00.000Z  RecordsService/ReadSeries  PERMISSION_DENIED NO_CONSENT (+2 not kept)  12.3  app_1  request-1",
    "2026-06-30T00:00:00.000Z  RecordsService/ReadSeries  OK  12.3  app_1  request-1",
  ]);
  expect(err).toMatch(/connecting again/);
});
