import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { RetryInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { expect, test } from "vitest";
import { createFilling } from "../src/filling/index.ts";

const now = Date.parse("2026-04-15T13:37:00Z");
const wanted = { seed: 1, days: 9, names: ["erased"] } as const;

/** An exchange that has one test patient, and answers batches as the test says. */
function exchange(createSeries: ServiceImpl<typeof IngestionService>["createSeries"]) {
  const transport = createRouterTransport(({ service }) => {
    service(SandboxService, {
      getSandbox: () => ({
        organization: "org_1",
        currentTime: timestampFromMs(now),
        testPatientsLeft: 23,
      }),
    });
    service(PatientService, {
      listPatients: () => ({ patients: [{ id: "pat_1", displayName: "Sandbox runner (seed 1)" }] }),
    });
    service(TokenService, { issuePatientToken: () => ({ token: "token", patient: "pat_own" }) });
    service(ConsentService, { listConsents: () => ({}), createConsent: () => ({}) });
    service(IngestionService, { createSeries });
  });
  return createFilling({ organization: transport, asPatient: () => transport });
}

const stored = (count: number) => ({
  receipt: { items: Array.from({ length: count }, () => ({ status: ItemOutcome_Status.ACCEPTED })) },
});

test("a batch that cannot be decided for a moment is sent again, as the same one", async () => {
  const ids: string[] = [];
  const filling = exchange(({ batch }) => {
    ids.push(batch!.requestId);
    if (ids.length % 2 === 0) return stored(batch!.series.length);
    const retry = { desc: RetryInfoSchema, value: { retryDelay: { nanos: 1_000_000 } } };
    throw new ConnectError("not now", Code.Unavailable, undefined, [retry]);
  });
  const progress: number[] = [];
  await filling.fill(
    { ...wanted, names: ["runner"] },
    { onProgress: ({ done, total }) => progress.push(done / total) },
  );
  expect(ids).toHaveLength(2 * new Set(ids).size);
  expect(progress.at(-1)).toBe(1);
});

test("a filling that is ended sends nothing more, and says so", async () => {
  const controller = new AbortController();
  let sent = 0;
  const filling = exchange(({ batch }) => {
    sent += 1;
    controller.abort();
    return stored(batch!.series.length);
  });
  const ended = filling.fill({ ...wanted, names: ["runner"] }, { signal: controller.signal });
  await expect(ended).rejects.toThrow("aborted");
  expect(sent).toBe(1);
});

test("what the exchange rejects ends the filling in its words", async () => {
  const violations = [{ field: "series[0].times", description: "lies in the future" }];
  const filling = exchange(() => ({
    receipt: { items: [{ status: ItemOutcome_Status.REJECTED, violations }] },
  }));
  const filled = filling.fill({ ...wanted, names: ["runner"] });
  await expect(filled).rejects.toMatchObject({
    code: "rejected",
    message: "series[0].times: lies in the future",
  });
});

test("where others are, the one who is erased is not made once more", async () => {
  const filling = exchange(() => {
    throw new TypeError("nothing is sent");
  });
  expect(await filling.fill(wanted)).toMatchObject({ people: [], accepted: 0 });
});
