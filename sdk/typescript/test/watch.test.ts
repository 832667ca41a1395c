import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { RecordsService, type WatchSeriesRequest } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { watchSeries } from "../src/watch.ts";

const request = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };

/** Answers each call by the next of `answers`: tokens, and how it ends. */
function follow(answers: readonly { tokens: readonly string[]; ends: Code }[], resumeToken = "") {
  const asked: string[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(RecordsService, {
      async *watchSeries({ resumeToken: from }: WatchSeriesRequest) {
        const { tokens, ends } = answers[asked.push(from) - 1]!;
        for (const token of tokens) yield { resumeToken: token };
        throw new ConnectError("cut", ends);
      },
    });
  });
  const client = createClient(RecordsService, transport);
  const received: string[] = [];
  const follows = async () => {
    const signal = new AbortController().signal;
    for await (const { resumeToken: token } of watchSeries(client, request, { resumeToken, signal }))
      received.push(token);
  };
  return { asked, received, ended: follows() };
}

test("a cut watch goes on with the last token that came, and ends with a refusal", async () => {
  const { asked, received, ended } = follow(
    [
      { tokens: ["a", "b"], ends: Code.Unavailable },
      { tokens: [], ends: Code.Internal },
      { tokens: ["c"], ends: Code.PermissionDenied },
    ],
    "from-a-file",
  );
  await expect(ended).rejects.toMatchObject({ code: Code.PermissionDenied });
  expect(asked).toEqual(["from-a-file", "b", "b"]);
  expect(received).toEqual(["a", "b", "c"]);
});

test("what is refused at once is not asked again", async () => {
  const { asked, ended } = follow([{ tokens: [], ends: Code.InvalidArgument }]);
  await expect(ended).rejects.toMatchObject({ code: Code.InvalidArgument });
  expect(asked).toEqual([""]);
});

test("a watch that its signal ends, ends without an error, also while it waits to connect again", async () => {
  const stop = new AbortController();
  const transport = createRouterTransport(({ service }) => {
    service(RecordsService, {
      // biome-ignore lint/correctness/useYield: it is cut before its first message
      async *watchSeries() {
        throw problemError({
          code: Code.Unavailable,
          reason: "STORE_UNAVAILABLE",
          message: "m",
          retryAfterMs: 3_600_000,
        });
      },
    });
  });
  const cuts: unknown[] = [];
  const watching = Array.fromAsync(
    watchSeries(createClient(RecordsService, transport), request, {
      signal: stop.signal,
      onCut({ reason, retryAfterMs }) {
        cuts.push([reason, retryAfterMs]);
        stop.abort();
      },
    }),
  );
  expect(await watching).toEqual([]);
  expect(cuts).toEqual([["STORE_UNAVAILABLE", 3_600_000]]);
});
