/**
 * Preloaded into the server by `npm run bench -- LINE --profile DIR`. SIGUSR2 begins a CPU profile of every thread, the
 * next one writes them. Worker threads hear no signals: the main one tells them.
 * (`--cpu-prof` would profile the start too, and is not allowed in NODE_OPTIONS.)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Profiler, Session } from "node:inspector";
import { join } from "node:path";
import { BroadcastChannel, isMainThread, threadId } from "node:worker_threads";

const folder = process.env.BENCH_PROFILE_DIR;
if (folder !== undefined) {
  mkdirSync(folder, { recursive: true });
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 500 }); // microseconds
  let running = false;
  let written = 0;
  const toggle = () => {
    running = !running;
    if (running) return session.post("Profiler.start");
    session.post("Profiler.stop", (error: Error | null, result?: Profiler.StopReturnType) => {
      if (error || result === undefined) return;
      written += 1;
      const thread = isMainThread ? "main" : `worker-${threadId}`;
      writeFileSync(
        join(folder, `${process.pid}-${thread}-${written}.cpuprofile`),
        JSON.stringify(result.profile),
      );
    });
  };
  const channel = new BroadcastChannel("wellapi-bench-profile");
  channel.unref();
  if (isMainThread) {
    process.on("SIGUSR2", () => {
      channel.postMessage("toggle");
      toggle();
    });
  } else {
    channel.onmessage = toggle;
  }
}
