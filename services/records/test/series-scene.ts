import { createDamageReporter, randomIds, silentLogger } from "@wellapi/runtime";
import type { Columns } from "@wellapi/series";
import { expect } from "vitest";
import { createBlockRepository } from "../src/blocks/block-repository.ts";
import type { BlockDocument, ReleaseDocument } from "../src/blocks/documents.ts";
import { headAfterData, headAfterRetraction } from "../src/blocks/head.ts";
import { headChange, loadHead } from "../src/blocks/head-repository.ts";
import { withBox } from "../src/blocks/patient-box.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import type { Lot } from "../src/lots/lots.ts";
import { createReleaseRepository, type ReleaseRepository } from "../src/lots/release-repository.ts";
import { createReleases } from "../src/lots/releases.ts";
import { monthOf } from "../src/model/utc-month.ts";
import type { SeriesItem } from "../src/write/batch.ts";
import { seriesWrites } from "../src/write/batch-writes.ts";
import { openStoreAndVault } from "./open-box.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const LEAST = 3;
export const partition = "eu/pat_1";
/** 1 April 2016, 00:00 UTC. */
export const april = Date.UTC(2016, 3, 1);
export const may = Date.UTC(2016, 4, 1);
export const always = { from: Date.UTC(2016, 0, 1), to: Date.UTC(2016, 11, 1) };
export const utc = [{ from: Number.NEGATIVE_INFINITY, zone: "UTC" }];
export const berlin = [{ from: Number.NEGATIVE_INFINITY, zone: "Europe/Berlin" }];

/** A series in a store of its own, without a service around it. */
export async function openSeries(now: number, least = LEAST) {
  const { store, vault } = await openStoreAndVault(partition);
  const damage = createDamageReporter({ store: "records", log: silentLogger });
  const clock = { time: now, now: () => clock.time, monotonic: () => clock.time };
  const asked = { names: 0, samples: [] as number[], saves: 0 };
  let refused = 0;
  let saving: (() => Promise<void>) | undefined;
  const blocks = createBlockRepository(store, vault, damage);
  const repository = createReleaseRepository(store, vault, createPatientQueue(), damage);
  const watched: ReleaseRepository = {
    ...repository,
    save: async (...call) => {
      asked.saves++;
      const run = saving;
      saving = undefined;
      await run?.();
      return refused-- > 0 ? undefined : repository.save(...call);
    },
  };
  const deps = {
    ...{ store, vault, clock, releases: watched },
    blocks: {
      names: (...call: Parameters<typeof blocks.names>) => {
        asked.names++;
        return blocks.names(...call);
      },
      winnersAsOf: (...call: Parameters<typeof blocks.winnersAsOf>) => {
        asked.samples.push(monthOf(call[2].from));
        return blocks.winnersAsOf(...call);
      },
    },
  };
  const releases = createReleases(deps, least);
  let series = "";

  async function commit(
    times: readonly number[],
    more: { value?: number; model?: string; durationMs?: number; columns?: Columns["values"] } = {},
  ) {
    const head = await loadHead(store, partition);
    const sequence = (head?.document.sequence ?? 0) + 1;
    const mantissas = Float64Array.from(times, () => more.value ?? 60);
    const columns: Columns = {
      ...{
        times: Float64Array.from(times),
        offsetMinutes: 0,
        durationMs: more.durationMs ?? 0,
        unit: "/min",
      },
      unit: more.columns === undefined ? "/min" : "",
      values: more.columns ?? { kind: "decimal", scale: 0, mantissas },
    };
    const item: SeriesItem = {
      ...{ device: "d", model: more.model ?? "Band", method: 1, granularity: 1, code: "8867-4", columns },
      ...{ field: "series[0]", times, violations: [] },
    };
    const writes = await withBox(vault, partition, (box) =>
      seriesWrites(
        box,
        {
          ...{ partition, batch: `bat_${sequence}`, sequence, organization: "org", application: "app" },
          ...{ received: clock.time, isStored: () => true },
        },
        [{ item, index: 0, consent: { consent: "con", version: 1 } }],
      ),
    );
    const added = { samples: true, observations: false };
    const next = headAfterData(partition, head?.document, sequence, added, clock.time);
    const changes = [headChange(partition, head, next), ...writes.changes];
    expect((await store.commit({ partition, changes })).committed).toBe(true);
    series = await withBox(vault, partition, (box) =>
      box.seriesId({ organization: "org", device: "d", code: "8867-4", method: 1, granularity: 1 }),
    );
  }

  return {
    ...{ store, clock, commit, releases, asked, deps },
    refuse(times: number) {
      refused = times;
    },
    /** Runs once, after all was read and before the next lots are saved. */
    beforeSaving(run: () => Promise<void>) {
      saving = run;
    },
    /** Takes back what came with a commit. */
    async takeBack(sequence: number) {
      const scan = { equals: [partition, `bat_${sequence}`], limit: 1 };
      const { document, revision } = (await store.scan<BlockDocument>("blocks", scan)).documents[0]!;
      const head = (await loadHead(store, partition))!;
      const next = headAfterRetraction(head.document, false);
      const hidden = { ...document, hidden: next.sequence };
      const change = {
        kind: "replace" as const,
        collection: "blocks",
        document: hidden,
        ifRevision: revision,
      };
      const changes = [headChange(partition, head, next), change];
      expect((await store.commit({ partition, changes })).committed).toBe(true);
    },
    compact: () =>
      createPass(
        { store, vault, queue: createPatientQueue(), clock, ids: randomIds, damage },
        new AbortController().signal,
      )(partition),
    told: (interval = always, zones = utc) => releases.told(partition, series || "none", interval, zones),
    /** Months of which something is stored, with how often each was written. */
    async stored() {
      const { documents } = await store.scan<ReleaseDocument>("releases", {
        equals: [partition],
        limit: 100,
      });
      return documents.map(({ document, revision }) => [document.month - monthOf(april), revision]);
    },
  };
}

export const minutes = (from: number, count: number, every = MINUTE) =>
  Array.from({ length: count }, (_, i) => from + i * every);
export const of = (lots: readonly Lot[], start = april) =>
  lots.map(({ level, from, added, removed }) => [level, (from - start) / HOUR, added, 0 - removed]);
