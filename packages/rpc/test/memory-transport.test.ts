import { create } from "@bufbuild/protobuf";
import { createClient, createContextValues } from "@connectrpc/connect";
import {
  type CreateObservationsRequest,
  CreateObservationsRequestSchema,
  IngestionService,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { beforeEach, expect, test } from "vitest";
import { type Caller, requestTransferredKey } from "../src/index.ts";
import { createTestTransport, partialRoute } from "../src/testing.ts";

const caller: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "gateway",
  token: "t",
};
const request = () =>
  create(CreateObservationsRequestSchema, {
    batch: {
      requestId: "r-1",
      patient: "pat_1",
      observations: [
        {
          code: { code: "8867-4" },
          effective: { case: "effectiveTime", value: { seconds: 1_460_448_000n } },
          value: { case: "quantity", value: { value: "72", unit: "/min" } },
          device: { identifier: "d" },
        },
      ],
    },
  });

let taken: CreateObservationsRequest | undefined;
const client = createClient(
  IngestionService,
  createTestTransport({
    caller,
    routes: [
      partialRoute(IngestionService, {
        async createObservations(given) {
          taken = given;
          return {};
        },
      }),
    ],
  }),
);

beforeEach(() => {
  taken = undefined;
});

test("a handler gets a copy of its own", async () => {
  const given = request();
  await client.createObservations(given);
  expect(taken!.batch).toEqual(given.batch);
  expect(taken!.batch).not.toBe(given.batch);
});

test("a request that its caller transfers is passed on without a copy, and still checked", async () => {
  const contextValues = createContextValues().set(requestTransferredKey, true);
  const given = request();
  await client.createObservations(given, { contextValues });
  expect(taken!.batch).toBe(given.batch);
  taken = undefined;
  const wrong = request();
  wrong.batch!.patient = "";
  await expect(client.createObservations(wrong, { contextValues })).rejects.toThrow("batch.patient");
  expect(taken).toBeUndefined();
});
