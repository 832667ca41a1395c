import { Code, type ConnectError, createClient } from "@connectrpc/connect";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, expect, test } from "vitest";
import { problemOf, serverInterceptors } from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { type Door, doors } from "./doors.ts";

const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
const watch = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
});

test.each(doors)("many calls at a time over one $name door, without a warning or a leak", async (kind) => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  let open = 0;
  door = await kind.open(
    [
      partialRoute(RecordsService, {
        getObservation: async ({ patient }) => ({ access: patient }),
        async *watchSeries(_request, context) {
          open++;
          try {
            yield {};
            await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          } finally {
            open--;
          }
        },
      }),
    ],
    serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication({
        principal: { kind: "application", id: "app_1", organization: "org_1" },
        workload: "door",
        token: "t",
      }),
    }),
  );
  const client = createClient(RecordsService, door.transport);
  const cancel = new AbortController();
  const started: Promise<unknown>[] = [];
  const ended: Promise<ConnectError>[] = [];
  for (let n = 0; n < 40; n++) {
    const iterator = client.watchSeries(watch, { signal: cancel.signal })[Symbol.asyncIterator]();
    const first = iterator.next();
    started.push(first);
    ended.push(
      first
        .then(() => iterator.next())
        .then(
          () => expect.unreachable(),
          (error: ConnectError) => error,
        ),
    );
  }
  await Promise.all(started);
  expect(open).toBe(40);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => client.getObservation({ ...observation, patient: `pat_${n}` })),
  );
  expect(answers.map(({ access }) => access)).toEqual(Array.from({ length: 200 }, (_, n) => `pat_${n}`));
  cancel.abort();
  for (const error of await Promise.all(ended)) expect(problemOf(error).code).toBe(Code.Canceled);
  await expect.poll(() => open).toBe(0);
  process.off("warning", note);
  expect(warnings.map(({ message }) => message)).toEqual([]);
});
