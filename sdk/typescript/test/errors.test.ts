import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { FailureSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError } from "@wellapi/grpc-client";
import { describe, expect, test } from "vitest";
import { WellApiError } from "../src/errors.ts";

const refused = problemError({
  code: Code.Unavailable,
  reason: "STORE_UNAVAILABLE",
  message: "send it again",
  violations: [{ field: "batch.patient", description: "is empty", reason: "string.min_len" }],
  retryAfterMs: 1_250,
});
refused.metadata.set("x-request-id", "req-12345678");

describe("WellApiError", () => {
  test("says the reason, the fields, the delay and the call's id", () => {
    const error = WellApiError.from(refused);
    expect(error).toMatchObject({
      code: Code.Unavailable,
      reason: "STORE_UNAVAILABLE",
      rawMessage: "send it again",
      violations: [{ field: "batch.patient", description: "is empty", reason: "string.min_len" }],
      retryAfterMs: 1_250,
      requestId: "req-12345678",
    });
    expect(error.findDetails(ErrorInfoSchema)).toHaveLength(1);
  });

  test("is what Connect takes for its own error, and tells its kind apart", () => {
    const error = WellApiError.from(refused);
    expect(error instanceof ConnectError).toBe(true);
    expect(ConnectError.from(error)).toBe(error);
    expect(error instanceof WellApiError).toBe(true);
    expect(WellApiError.from(error)).toBe(error);
    expect(refused instanceof WellApiError).toBe(false);
    expect({ reason: "x" } instanceof WellApiError).toBe(false);
  });

  test("of another server has the code's name as its reason", () => {
    const foreign = new ConnectError("no", Code.PermissionDenied);
    foreign.details.push({ desc: ErrorInfoSchema, value: { reason: "OTHER", domain: "elsewhere.example" } });
    expect(WellApiError.from(foreign)).toMatchObject({
      reason: "PERMISSION_DENIED",
      violations: [],
      retryAfterMs: undefined,
      requestId: undefined,
    });
  });

  test("keeps what was thrown as the cause of an error that no server sent", () => {
    const thrown = new TypeError("no such host");
    expect(WellApiError.from(thrown)).toMatchObject({ code: Code.Unknown, cause: thrown });
  });

  test.each([
    [Code.Unavailable, undefined, true],
    [Code.Internal, undefined, true],
    [Code.ResourceExhausted, undefined, false],
    [Code.ResourceExhausted, 500, true],
    [Code.PermissionDenied, undefined, false],
    [Code.DataLoss, undefined, false],
  ])("code %i with the delay %s is transient: %s", (code, retryAfterMs, transient) => {
    const delay = retryAfterMs === undefined ? {} : { retryAfterMs };
    const error = WellApiError.from(problemError({ code, reason: "R", message: "m", ...delay }));
    expect(error.transient).toBe(transient);
  });

  test("of a batch's failure says the same as the failure", () => {
    const failure = { code: Code.Unavailable, reason: "UNDECIDED", message: "later", retryAfterMs: 500 };
    expect(WellApiError.ofFailure(create(FailureSchema, failure))).toMatchObject({
      code: Code.Unavailable,
      reason: "UNDECIDED",
      rawMessage: "later",
      retryAfterMs: 500,
    });
    const final = create(FailureSchema, { ...failure, retryAfterMs: 0 });
    expect(WellApiError.ofFailure(final).retryAfterMs).toBeUndefined();
  });
});
