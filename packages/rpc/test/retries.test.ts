import type { DescMethod } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { describe, expect, test } from "vitest";
import { problemError, withRetries } from "../src/index.ts";

const unavailable = (retryAfterMs?: number) =>
  problemError({
    code: Code.Unavailable,
    reason: "STORE_UNAVAILABLE",
    message: "later",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

/** Fails as told, then answers; keeps each attempt's deadline. */
function failing(...errors: ConnectError[]) {
  const timeouts: (number | undefined)[] = [];
  const attempt = (timeoutMs: number | undefined): void => {
    timeouts.push(timeoutMs);
    const error = errors[timeouts.length - 1];
    if (error) throw error;
  };
  const answer = (method: DescMethod) => ({
    service: method.parent,
    method,
    header: new Headers(),
    trailer: new Headers(),
  });
  const transport = {
    async unary(method: DescMethod, _signal: unknown, timeoutMs: number | undefined) {
      attempt(timeoutMs);
      return { ...answer(method), stream: false, message: create(method.output) };
    },
    async stream(
      method: DescMethod,
      _signal: unknown,
      timeoutMs: number | undefined,
      _header: unknown,
      input: AsyncIterable<unknown>,
    ) {
      let requests = 0;
      for await (const _request of input) requests++;
      expect(requests).toBe(1);
      attempt(timeoutMs);
      const message = (async function* () {
        yield create(method.output);
      })();
      return { ...answer(method), stream: true, message };
    },
  } as unknown as Transport;
  return { transport, timeouts };
}

const quick = { backoffMs: 1 };

describe("a call is tried again", () => {
  test("where it has no side effects and the server was unavailable", async () => {
    const { transport, timeouts } = failing(unavailable(1), unavailable(1));
    await createClient(ConsentService, withRetries(transport, quick)).listConsents({});
    expect(timeouts).toHaveLength(3);
  });

  test("only with the reasons that are named, where some are", async () => {
    const unsure = problemError({
      code: Code.Unavailable,
      reason: "UNDECIDED",
      message: "",
      retryAfterMs: 1,
    });
    const { transport, timeouts } = failing(unsure, unavailable(1));
    const named = withRetries(transport, { ...quick, reasons: ["UNDECIDED"] });
    const call = createClient(ConsentService, named).listConsents({});
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
    expect(timeouts).toHaveLength(2);
  });

  test("at most three times in all", async () => {
    const { transport, timeouts } = failing(unavailable(), unavailable(), unavailable(), unavailable());
    const call = createClient(ConsentService, withRetries(transport, quick)).listConsents({});
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
    expect(timeouts).toHaveLength(3);
  });

  test("where its method was named as idempotent", async () => {
    const { transport, timeouts } = failing(unavailable());
    const retries = { ...quick, idempotent: [AuditIntakeService.method.append] };
    await createClient(AuditIntakeService, withRetries(transport, retries)).append({});
    expect(timeouts).toHaveLength(2);
  });

  test("as a server stream, with its one request, until it has begun", async () => {
    const { transport, timeouts } = failing(unavailable());
    const read = createClient(RecordsService, withRetries(transport, quick)).readSeries({});
    let messages = 0;
    for await (const _message of read) messages++;
    expect(messages).toBe(1);
    expect(timeouts).toHaveLength(2);
  });

  test("with what is left of its deadline, in whole milliseconds", async () => {
    const { transport, timeouts } = failing(unavailable(20), unavailable(20));
    await createClient(ConsentService, withRetries(transport, quick)).listConsents({}, { timeoutMs: 5_000 });
    expect(timeouts.every((timeout) => Number.isInteger(timeout))).toBe(true);
    expect(timeouts[2]).toBeLessThanOrEqual(4_961);
  });
});

describe("a call is not tried again", () => {
  test("where it has side effects", async () => {
    const { transport, timeouts } = failing(unavailable());
    const call = createClient(ConsentService, withRetries(transport, quick)).revokeConsent({});
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
    expect(timeouts).toHaveLength(1);
  });

  test.each([Code.DeadlineExceeded, Code.Internal, Code.PermissionDenied, Code.ResourceExhausted])(
    "where it failed otherwise (%i)",
    async (code) => {
      const { transport, timeouts } = failing(new ConnectError("no", code));
      const call = createClient(ConsentService, withRetries(transport, quick)).listConsents({});
      await expect(call).rejects.toMatchObject({ code });
      expect(timeouts).toHaveLength(1);
    },
  );

  test("where the server asks for more time than the call has", async () => {
    const { transport, timeouts } = failing(unavailable(1_000));
    const call = createClient(ConsentService, withRetries(transport, quick)).listConsents(
      {},
      { timeoutMs: 100 },
    );
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
    expect(timeouts).toHaveLength(1);
  });

  test("once nobody wants it any more", async () => {
    const { transport, timeouts } = failing(unavailable(500));
    const controller = new AbortController();
    const client = createClient(ConsentService, withRetries(transport, quick));
    const call = client.listConsents({}, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toBeInstanceOf(ConnectError);
    expect(timeouts.length).toBeLessThanOrEqual(1);
  });
});
