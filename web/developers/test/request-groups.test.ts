import { create } from "@bufbuild/protobuf";
import { LoggedRequestSchema } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { expect, test } from "vitest";
import { failuresByReason } from "../app/request-groups.ts";

const request = (reason: string, method: string) => create(LoggedRequestSchema, { reason, method });

test("failures are grouped by reason, the most frequent first; what succeeded or was cancelled is none", () => {
  const groups = failuresByReason([
    request("", "a.B/Get"),
    request("NOT_FOUND", "a.B/Get"),
    request("NO_CONSENT", "a.B/Get"),
    request("NO_CONSENT", "a.B/List"),
    request("NO_CONSENT", "a.B/List"),
    request("CANCELED", "a.B/Watch"),
  ]);
  expect(groups).toEqual([
    { reason: "NO_CONSENT", count: 3, methods: ["a.B/List", "a.B/Get"] },
    { reason: "NOT_FOUND", count: 1, methods: ["a.B/Get"] },
  ]);
});
