/**
 * Preloaded into the server by `npm run bench -- LINE --profile DIR`. SIGUSR2 begins a CPU profile of the main
 * thread, the next one writes it. Worker threads hear no signals: theirs are written when they end.
 * (`--cpu-prof` would profile the start too, and is not allowed in NODE_OPTIONS.)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Profiler, Session } from "node:inspector";
import { join } from "node:path";
import { isMainThread, threadId } from "node:worker_threads";

const folder = process.env.BENCH_PROFILE_DIR;
if (folder !== undefined) {
  mkdirSync(folder, { recursive: true });
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 500 }); // microseconds
  const begin = () => session.post("Profiler.start");
  let written = 0;
  const write = () =>
    session.post("Profiler.stop", (error: Error | null, result?: Profiler.StopReturnType) => {
      if (error || result === undefined) return;
      written += 1;
      const name = isMainThread ? `main-${written}` : `worker-${threadId}`;
      writeFileSync(join(folder, `${process.pid}-${name}.cpuprofile`), JSON.stringify(result.profile));
    });
  if (isMainThread) {
    let running = false;
    process.on("SIGUSR2", () => {
      if (running) write();
      else begin();
      running = !running;
    });
  } else {
    begin();
    process.on("exit", write);
  }
}
