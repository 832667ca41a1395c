import { createHash, hash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import {
  type ObservationBatch,
  ObservationBatchSchema,
  type SeriesBatch,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { CodedValues, Decimals, Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { filled } from "./typed-columns.ts";

const observations = Buffer.from("observations\0");

type Column = Uint8Array | Uint32Array | Int32Array | BigInt64Array;

/*
 * The digest that recognises a batch when its request id comes again: SHA-256 of its kind (a series batch and an
 * observation batch never match) and of all that was sent. Receipts keep its MAC for ever: the
 * hashed bytes must not change.
 */

/**
 * The columns are hashed as they lie in memory, little-endian: encoding them as protobuf would cost as much as the
 * rest of the work on a batch's samples. Everything beside them is hashed as the remaining message, so fields that
 * the contract gets later are included automatically.
 */
export function seriesDigest(batch: SeriesBatch): Uint8Array {
  const columns: Column[] = [];
  const series = batch.series.map((one) => withoutColumns(one, columns));
  const rest = toBinary(SeriesBatchSchema, { ...batch, series });
  const digest = createHash("sha256").update("series\0").update(lengthOf(rest)).update(rest);
  // The rest of the message determines which columns exist; their lengths keep one from running into the next.
  for (const column of columns) digest.update(lengthOf(column)).update(column);
  return digest.digest();
}

/** Includes the size of the message. */
export function observationsDigest(batch: ObservationBatch): { digest: Uint8Array; bytes: number } {
  const bytes = toBinary(ObservationBatchSchema, batch);
  const digest = hash("sha256", Buffer.concat([observations, bytes]), "buffer");
  return { digest, bytes: bytes.length };
}

function lengthOf({ byteLength }: Column): Uint8Array {
  return new Uint8Array(Uint32Array.of(byteLength).buffer);
}

function withoutColumns(series: Series, columns: Column[]): Series {
  return {
    ...series,
    times: timesWithout(series.times, columns),
    values: valuesWithout(series.values, columns),
  };
}

function timesWithout(times: Series["times"], columns: Column[]): Series["times"] {
  if (times?.spacing.case !== "gaps") return times;
  const { value } = times.spacing;
  columns.push(filled(new Uint32Array(value.gapsMs.length), value.gapsMs));
  return { ...times, spacing: { case: "gaps", value: { ...value, gapsMs: [] } } };
}

function valuesWithout(values: Series["values"], columns: Column[]): Series["values"] {
  switch (values.case) {
    case "decimals":
      return { case: "decimals", value: decimalsWithout(values.value, columns) };
    case "coded":
      return { case: "coded", value: codedWithout(values.value, columns) };
    case "components": {
      const components = values.value.components.map((component) => {
        const { decimals } = component;
        return decimals === undefined
          ? component
          : { ...component, decimals: decimalsWithout(decimals, columns) };
      });
      return { case: "components", value: { ...values.value, components } };
    }
    default:
      return values;
  }
}

function codedWithout(coded: CodedValues, columns: Column[]): CodedValues {
  const { indexes } = coded;
  columns.push(filled(new Uint32Array(indexes.length), indexes));
  return { ...coded, indexes: [] };
}

function decimalsWithout(decimals: Decimals, columns: Column[]): Decimals {
  const { mantissas, wideMantissas } = decimals;
  columns.push(filled(new Int32Array(mantissas.length), mantissas), BigInt64Array.from(wideMantissas));
  return { ...decimals, mantissas: [], wideMantissas: [] };
}
