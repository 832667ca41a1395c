import { create, createRegistry, equals, fromJson, isFieldSet } from "@bufbuild/protobuf";
import { FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { CreateSeriesRequestSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { expect, test } from "vitest";
import { copyMessage } from "../src/wire/copy.ts";

test("a copy equals and shares nothing that can change", () => {
  const message = fromJson(ErrorInfoSchema, { reason: "A", domain: "b", metadata: { key: "value" } });
  const copy = copyMessage(message);
  expect(equals(ErrorInfoSchema, message, copy)).toBe(true);
  copy.metadata.key = "other";
  copy.reason = "B";
  expect(message).toMatchObject({ reason: "A", metadata: { key: "value" } });
});

test("nested messages, lists and unknown fields are copied", () => {
  const message = create(CreateSeriesRequestSchema, { batch: { requestId: "r", series: [{}, {}] } });
  message.$unknown = [{ no: 500, wireType: 2, data: new Uint8Array([1, 7]) }];
  const copy = copyMessage(message);
  expect(
    equals(CreateSeriesRequestSchema, message, copy, { unknown: true, registry: createRegistry() }),
  ).toBe(true);
  copy.batch!.series.pop();
  copy.$unknown![0]!.data[1] = 9;
  expect(message.batch!.series).toHaveLength(2);
  expect(message.$unknown[0]!.data[1]).toBe(7);
});

test("bytes that came in as a Buffer are copied, not shared", () => {
  const data = Buffer.from([1, 7]);
  const message = create(CreateSeriesRequestSchema, {});
  message.$unknown = [{ no: 500, wireType: 2, data }];
  const copy = copyMessage(message);
  data[1] = 9;
  expect(copy.$unknown![0]!.data[1]).toBe(7);
});

test("a message that tells what is set is copied with what is not", () => {
  const message = create(FieldRulesSchema, { required: true });
  const copy = copyMessage(message);
  expect(isFieldSet(copy, FieldRulesSchema.field.required)).toBe(true);
  expect(isFieldSet(copy, FieldRulesSchema.field.ignore)).toBe(false);
  expect(equals(FieldRulesSchema, message, copy)).toBe(true);
});
