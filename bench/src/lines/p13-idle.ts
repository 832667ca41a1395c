import { setTimeout as pause } from "node:timers/promises";
import type { WatchLoad } from "../../load/watch.ts";
import { closing } from "../closing.ts";
import { usageOf } from "../process-usage.ts";
import { startProgram } from "../program.ts";
import { assertRun, type Line, type Result } from "../result.ts";
import { openWorld } from "../world.ts";

const streams = 1_000;
const connections = 100;

export const idle: Line = {
  name: "P13",
  title: "idle, 1,000 open streams on 100 connections",
  run: ({ quick }) =>
    closing(async (push) => {
      const seconds = quick ? 5 : 60;
      const world = await openWorld({ patients: 20 }, push);
      const watch = startProgram<WatchLoad>("load/watch.ts");
      push(watch.stop);
      const patients = world.patients.map(({ atMaker }) => atMaker);
      const { pid } = world.server;
      await pause(2_000); // what the enrolments left behind
      const alone = usageOf(pid);
      const aloneSeconds = quick ? 2 : 10;
      await pause(aloneSeconds * 1_000);
      const aloneCpu = (usageOf(pid).cpuSeconds - alone.cpuSeconds) / aloneSeconds;
      await watch.call("open", { target: world.target, patients, streams, connections });
      await pause(2_000);
      const before = usageOf(pid);
      await pause(seconds * 1_000);
      const after = usageOf(pid);
      assertRun(
        (await watch.call("stillOpen", undefined as never)) === streams,
        "all streams are still open",
      );
      const cpu = (after.cpuSeconds - before.cpuSeconds) / seconds;
      const perStream = (after.rssBytes - alone.rssBytes) / streams / 1_000;
      const common = { bound: null, ratio: null, spread: 0 };
      const results: Result[] = [
        {
          ...common,
          id: "P13 CPU",
          value: cpu * 100,
          unit: "% of a core",
          goal: "near zero (under 2 %)",
          met: cpu < 0.02,
          details: { seconds, "without streams, % of a core": aloneCpu * 100 },
        },
        {
          ...common,
          id: "P13 memory",
          value: perStream,
          unit: "kB/stream",
          goal: "under 100 KB a stream",
          met: perStream < 100,
          details: {
            "RSS MiB before": alone.rssBytes / 2 ** 20,
            "RSS MiB with streams": after.rssBytes / 2 ** 20,
          },
        },
      ];
      return results;
    }),
};
