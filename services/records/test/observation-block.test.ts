import { describe, expect, it } from "vitest";
import { decodeObservations, encodeObservations, type ObservationRecord } from "../src/model/observation.ts";

const provenance = {
  organization: "org_a",
  application: "app_a",
  device: "d-1",
  model: "Charge HR",
  granularity: 1,
  method: 1,
  received: 1_460_448_000_000,
  consent: "cns_a",
  version: 1,
};
const loinc = "http://loinc.org";
const record: ObservationRecord = {
  item: 0,
  code: { system: loinc, code: "8867-4" },
  time: 1_460_448_000_000,
  durationMs: 0,
  offsetMinutes: 120,
  value: { kind: "quantity", quantity: { value: "72.0", unit: "/min" } },
  provenance,
};
const other = { ...provenance, consent: "cns_b", version: 3 };
const mixed: ObservationRecord[] = [
  record,
  // Equal, but objects of their own.
  { ...record, item: 1, time: record.time + 1, code: { ...record.code }, provenance: { ...provenance } },
  { ...record, item: 2, code: { ...record.code, display: "Heart rate" }, provenance: other },
  { ...record, item: 3, value: { kind: "coded", coding: { system: loinc, code: "LA-1", display: "ä" } } },
  {
    ...record,
    item: 4,
    provenance: other,
    value: {
      kind: "components",
      components: [
        { coding: { system: loinc, code: "8480-6" }, quantity: { value: "-1", unit: "mm[Hg]" } },
        { coding: { system: loinc, code: "8462-4" }, quantity: { value: "80", unit: "mm[Hg]" } },
      ],
    },
  },
];

describe("a block of observations", () => {
  it("comes back as it was, whatever its records share", () => {
    expect(decodeObservations(encodeObservations(mixed))).toEqual(mixed);
    expect(decodeObservations(encodeObservations([]))).toEqual([]);
  });

  it("writes once what neighbours share", () => {
    const records = Array.from({ length: 100 }, (_, item) => ({
      ...record,
      item,
      provenance: { ...provenance },
    }));
    const one = encodeObservations([record]).length;
    const many = encodeObservations(records).length;
    expect((many - one) / 99).toBeLessThan(50);
    expect(decodeObservations(encodeObservations(records))).toEqual(records);
  });
});
