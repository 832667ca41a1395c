import { describe, expect, it } from "vitest";
import { stripOf } from "../src/blocks/compacted-block.ts";
import { createPatientBox, type PatientBox } from "../src/blocks/patient-box.ts";
import { summarize } from "../src/blocks/summary.ts";
import type { ProvenBlock } from "../src/model/provenance.ts";
import { openWorld } from "./world.ts";

const provenance = {
  organization: "org_1",
  application: "app_1",
  device: "serial-1",
  model: "Band",
  method: 1,
  granularity: 1,
  received: 1_000,
  consent: "con_1",
  version: 1,
};
const times = Float64Array.from({ length: 120 }, (_, i) => i * 60_000);
const columns = {
  times,
  offsetMinutes: 0,
  durationMs: 0,
  unit: "/min",
  values: { kind: "decimal" as const, scale: 0, mantissas: times.map(() => 70) },
};
const proven: ProvenBlock = { provenance, columns };
const strip = stripOf(proven, { sequence: 3, item: 0 });
const observation = {
  item: 0,
  code: { system: "", code: "29463-7" },
  time: 1_000,
  durationMs: 0,
  offsetMinutes: 0,
  value: { kind: "quantity" as const, quantity: { value: "80.5", unit: "kg" } },
  provenance,
};

const series = { partition: "eu/pat_1", series: "s", code: "c" };
const block = {
  ...series,
  batch: "bat_1",
  item: 2,
  from_ms: 0,
  to_ms: 7_140_001,
  until_ms: 7_140_001,
  count: 120,
};
const compacted = { ...block, first_sequence: 3, last_sequence: 9 };
const observations = block;

/** Each kind of document: where it stands, what is sealed, and how it opens. */
const kindsOf = (box: PatientBox) => ({
  series: [series, box.sealSeries(series, { ...provenance, code: "8867-4" }), box.openSeries] as const,
  blocks: [block, box.sealBlock(block, proven), box.openBlock] as const,
  "compacted blocks": [compacted, box.sealCompacted(compacted, [strip]), box.openCompacted] as const,
  observations: [
    observations,
    box.sealObservations(observations, [observation]),
    box.openObservations,
  ] as const,
});

/** A seal binds the clear fields beside it: an editor of the store can neither relabel nor move a document. */
describe("a seal", () => {
  for (const kind of ["series", "blocks", "compacted blocks", "observations"] as const) {
    it(`of ${kind} opens in its own place and in no other`, async () => {
      const [place, sealed, opens] = kindsOf(await openBox())[kind];
      const open = opens as (document: object) => unknown;
      expect(() => open({ ...place, sealed })).not.toThrow();
      for (const [field, value] of Object.entries(place)) {
        const other = typeof value === "number" ? value + 1 : `${value}x`;
        expect(() => open({ ...place, sealed, [field]: other }), field).toThrowError("sealed");
      }
    });
  }

  it("of a block's hours is none of the block's samples", async () => {
    const box = await openBox();
    const summary = box.sealSummary(compacted, summarize(strip)!);
    const sealed = box.sealCompacted(compacted, [strip]);
    expect(() => box.openSummary({ ...compacted, sealed, summary })).not.toThrow();
    expect(() => box.openSummary({ ...compacted, sealed, summary: sealed })).toThrowError("sealed");
    expect(() => box.openCompacted({ ...compacted, sealed: summary })).toThrowError("sealed");
  });
});

async function openBox(): Promise<PatientBox> {
  const { vault } = await openWorld();
  await vault.create("eu/pat_1", "data");
  return createPatientBox(await vault.key("eu/pat_1", "data"));
}
