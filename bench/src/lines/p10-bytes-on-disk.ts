import { statSync } from "node:fs";
import { join } from "node:path";
import { closing } from "../closing.ts";
import type { Shape } from "../input.ts";
import { assertReadBack } from "../read-back.ts";
import type { Line, Result } from "../result.ts";
import { compactSoon, freeBytes, settled } from "../settled.ts";
import { fill } from "../stream-line.ts";
import { folderSize, tableSizes } from "../table-sizes.ts";
import { openWorld } from "../world.ts";

interface Arrival {
  readonly name: string;
  readonly shape: Shape;
  readonly patients: number;
  readonly samplesPerMessage: number;
  readonly messages: number;
  readonly most: number;
}

/** Tables of records that hold samples; all others of it are receipts, entries on their way, and the like. */
const samplesTables = /^(c_)?(blocks|series|heads|observation_blocks|compact.*|rollups.*)$/;

function bytesOf({ name, shape, patients, samplesPerMessage, messages, most }: Arrival): Promise<Result> {
  return closing(async (push) => {
    const world = await openWorld({ patients, env: compactSoon }, push);
    const ids = world.patients.map(({ atMaker }) => atMaker);
    const expected = await fill(world, { name: "p10", shape, patients: ids, samplesPerMessage, messages });
    await settled(world);
    await assertReadBack(world.target, shape, expected);
    await world.stop(); // checkpoints the files
    const samples = messages * samplesPerMessage;
    const file = join(world.dataDir, "records.db");
    const records = tableSizes(file);
    // What compaction has left free in the file is paid for, too.
    const free = freeBytes(file);
    let data = free;
    let others = 0;
    for (const [table, bytes] of records) {
      if (samplesTables.test(table)) data += bytes;
      else others += bytes;
    }
    const files = (name: string) => folderSize(join(world.dataDir, name));
    const log = statSync(join(world.dataDir, "audit.db")).size + files("log");
    const value = data / samples;
    return {
      id: `P10 ${name}`,
      value,
      unit: "bytes/sample",
      bound: null,
      ratio: null,
      spread: 0,
      goal: `at most ${most}, sealed, indexes included`,
      met: value <= most,
      details: {
        samples,
        "of it free in the file, bytes/sample": free / samples,
        "receipts and outboxes, bytes/sample": others / samples,
        "log, bytes/sample": log / samples,
      },
    };
  });
}

export const bytesOnDisk: Line = {
  name: "P10",
  title: "bytes on disk a heart-rate sample",
  async run({ quick }) {
    const month = { samplesPerMessage: 1_000, most: 2 };
    const minute = { samplesPerMessage: 1, most: 8 };
    return [
      await bytesOf({
        ...month,
        name: "backfilled month",
        shape: "series",
        patients: quick ? 2 : 16,
        messages: quick ? 40 : 640,
      }),
      await bytesOf({
        ...minute,
        name: "each minute alone",
        shape: "minutes",
        patients: quick ? 4 : 16,
        messages: quick ? 1_000 : 46_080,
      }),
    ];
  },
};
