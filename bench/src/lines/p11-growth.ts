import type { GrpcStreamBound } from "../../bounds/grpc-stream.ts";
import type { ReadStreamLoad } from "../../load/read-stream.ts";
import type { StreamLoad } from "../../load/stream.ts";
import { streamAck } from "../acks.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { makeStart } from "../make-start.ts";
import { capMemory, type MemoryCap } from "../memory-cap.ts";
import { usageOf } from "../process-usage.ts";
import { startProgram } from "../program.ts";
import { assertReadBack, readSeriesPath, readSeriesRequest } from "../read-back.ts";
import { assertRun, type Line, type Result } from "../result.ts";
import { compare, repeat, secondsOf } from "../runner.ts";
import { boundRounds, fill, streamPaths } from "../stream-line.ts";
import { folderSize } from "../table-sizes.ts";
import { openWorld } from "../world.ts";

/** Patients who are written to while it is measured; the read patient is the first of the others. */
const writing = 32;
const reading = (quick: boolean) => (quick ? 16 : 1_000);

/** One takes a tenth of a second: so often, for a time that can be measured. */
const reads = 10;

/** Page cache included, so that what is stored at 10^8 samples does not fit. */
const capBytes = 512 * 2 ** 20;

/** Measures at 10^6 and again at 10^8 samples stored. Root on Linux caps the server's memory; others get a note. */
export const growth: Line = {
  name: "P11",
  title: "P1 and P5 again with 10^8 samples stored (three minutes and more)",
  byNameOnly: true,
  run: (size) =>
    closing(async (push) => {
      const env = { NODE_OPTIONS: `${makeStart.NODE_OPTIONS} --max-old-space-size=160` };
      let cap: MemoryCap | undefined;
      push(() => cap?.remove());
      const world = await openWorld({ patients: writing + reading(size.quick), env }, push);
      cap = capMemory(world.server.pid, capBytes);
      const ids = world.patients.map(({ atMaker }) => atMaker);
      const [written, others] = [ids.slice(0, writing), ids.slice(writing)];
      const tls = await createTls();
      const load = startProgram<StreamLoad>("load/stream.ts");
      push(load.stop);
      const reader = startProgram<ReadStreamLoad>("load/read-stream.ts");
      push(reader.stop);
      const bound = startProgram<GrpcStreamBound>("bounds/grpc-stream.ts");
      push(bound.stop);
      const path = streamPaths.series;
      const port = await bound.call("open", { tls, paths: [path], ack: streamAck(1) });
      await load.call("describe", {
        shape: "series",
        samplesPerMessage: 1_000,
        name: "p11-w",
        patients: written,
      });

      // 400 blocks for the one who is read, so that both levels read the same.
      const own = { name: "p11-r", shape: "minutes" as const, patients: others.slice(0, 1) };
      const expected = await fill(world, { ...own, samplesPerMessage: 1_000, messages: 400 });

      const rates: { write: number; read: number; rss: number }[] = [];
      const results: Result[] = [];
      let stored = 400_000;
      for (const level of size.quick ? [1e6, 3e6] : [1e6, 1e8]) {
        const name = `p11-${level}`;
        // Noise: what is stored is to be larger than the memory.
        const more = { name, shape: "worst" as const, patients: others.slice(1), samplesPerMessage: 1_000 };
        await fill(world, {
          ...more,
          messages: Math.max(0, Math.round((level - stored) / 1_000)),
          streams: 8,
        });
        stored = level;
        const messages = size.quick ? 200 : 2_000;
        const write = await compare(
          size,
          async () => {
            await load.call("prepare", messages);
            const { seconds } = await load.call("send", { target: world.target, path, streams: 8 });
            return { value: (messages * 1_000) / seconds };
          },
          async () => {
            const target = { address: `localhost:${port}`, tls };
            const seconds = await secondsOf(boundRounds, () =>
              load.call("send", { target, path, streams: 8 }),
            );
            return { value: (boundRounds * messages * 1_000) / seconds };
          },
        );
        const read = await repeat(size, async () => {
          const request = readSeriesRequest(own.patients[0]!);
          const order = { target: world.target, path: readSeriesPath, request };
          const seconds = await secondsOf(reads, () => reader.call("read", order));
          return { value: (reads * 400_000) / seconds };
        });
        const rss = usageOf(world.server.pid).rssBytes / 2 ** 20;
        rates.push({ write: write.ratio, read: read.value, rss });
        const first = rates[0]!;
        const flat = write.ratio >= first.write * 0.9 && read.value >= first.read * 0.9 && rss < 512;
        const dataBytes = folderSize(world.dataDir);
        const details = {
          "RSS MiB": rss,
          "data MiB": dataBytes / 2 ** 20,
          "memory cap MiB": cap === undefined ? Number.POSITIVE_INFINITY : capBytes / 2 ** 20,
        };
        const common = {
          goal: "within 10 % of the rate at 10^6; RSS flat and under 512 MB",
          met: flat && (level === 1e6 || (cap !== undefined && dataBytes > capBytes)),
          details,
        };
        const at = level.toExponential().replace("e+", "e");
        results.push(
          {
            ...common,
            id: `P11 write at ${at}`,
            value: write.value,
            unit: "samples/s",
            bound: write.bound,
            ratio: write.ratio,
            spread: write.spread,
          },
          {
            ...common,
            id: `P11 read at ${at}`,
            value: read.value,
            unit: "samples/s",
            bound: null,
            ratio: null,
            spread: read.spread,
          },
        );
      }
      assertRun(rates.length === 2, "both levels were measured");
      await world.restart();
      await assertReadBack(world.target, "minutes", expected);
      await assertReadBack(world.target, "series", await load.call("expected", undefined as never));
      return results;
    }),
};
