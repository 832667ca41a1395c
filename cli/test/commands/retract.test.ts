import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  IngestionService,
  type RetractBatchRequest,
  RetractionReason,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const retract = ["retract", "bat_1", "--patient", "pat_1"];

test.each([
  ["its token", [], { case: "batch", value: "bat_1" }, RetractionReason.ENTERED_IN_ERROR],
  [
    "its request id",
    ["--by-request-id", "--reason", "wrong-patient"],
    { case: "batchRequestId", value: "bat_1" },
    RetractionReason.WRONG_PATIENT,
  ],
])("takes a batch back by %s", async (_name, options, target, reason) => {
  const asked: RetractBatchRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(IngestionService, {
      retractBatch(request) {
        asked.push(request);
        return { retractTime: timestampFromMs(Date.UTC(2026, 3, 12, 8)), items: 3 };
      },
    }),
  );
  const { code, out } = await wellapi([...retract, ...options], { env });
  expect([code, out]).toEqual([0, "bat_1 is hidden since 2026-04-12T08:00:00.000Z: 3 samples or records"]);
  expect(asked).toMatchObject([{ patient: "pat_1", target, reason }]);
});
