/**
 * What floods of HTTP/2 cost others (decision 0036): the latency of a neighbour, another organization that reads small
 * pages, alone and beside each flood at the gRPC door, in one run; the server's CPU and memory; and how often it ended the
 * attacker's connection. The attacker is this process, the neighbour another. Run with `node bench/floods.ts [frames a second]`; it prints one line of JSON a phase.
 */
import { setTimeout as pause } from "node:timers/promises";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { http2Floods } from "../test/floods/http2-floods.ts";
import { type Frames, openFrames } from "../test/floods/http2-frames.ts";
import { openStalledScene } from "../test/stalled/scene.ts";
import { makeStart } from "./src/make-start.ts";
import { residentMiB, startNeighbour, tell } from "./src/neighbour.ts";
import { usageOf } from "./src/process-usage.ts";

const framesASecond = Number(process.argv[2] ?? 30_000);
const phaseMs = 8_000;
const path = "/wellapi.records.v1.RecordsService/QuerySeries";

/** Floods for so long, and connects again when it is ended. A HPACK block is 14 KB: a thirtieth of the rate. */
async function flood(server: Server, { certificate }: Company, name: keyof typeof http2Floods, ms: number) {
  const rate = name === "hpack" ? framesASecond / 30 : framesASecond;
  const port = Number(new URL(server.grpc).port);
  const began = performance.now();
  let frames: Frames | undefined;
  let next = http2Floods[name](path);
  let [sent, connections] = [0, 0];
  while (performance.now() < began + ms) {
    if (frames === undefined || frames.isOver() || frames.goaway() !== undefined) {
      frames?.close();
      connections += 1;
      // Refused before its TLS, where the address has opened too many.
      frames = await openFrames(port, certificate).catch(() => undefined);
      if (frames === undefined) await pause(2);
      next = http2Floods[name](path);
    }
    const due = Math.floor(((performance.now() - began) * rate) / 1_000) - sent;
    const count = Math.min(due, 500);
    // What was due while the server refused the connection is not sent later at once.
    sent += due;
    if (count > 0) await frames?.send(next(count));
    await pause(2);
  }
  frames?.close();
  return { connections };
}

const folder = temporaryFolder();
const server = await startServer({ dataDir: folder.path, target: "one-process", env: makeStart });
try {
  const near = await openStalledScene(server);
  await near.send(1, 1_000);
  await grant(near.person, near.clinic, Direction.READ);
  const neighbour = await startNeighbour(server, near);
  await neighbour.read(3_000); // warms up
  tell("alone", { neighbour: await neighbour.read(phaseMs), "RSS MiB": residentMiB(server) });
  for (const name of Object.keys(http2Floods) as (keyof typeof http2Floods)[]) {
    // Another credential each time: the one before is refused for a while.
    const attacker = await enrolCompany(server, `flood ${name}`);
    const before = usageOf(server.pid).cpuSeconds;
    const [attack, latency] = await Promise.all([
      flood(server, attacker, name, phaseMs),
      neighbour.read(phaseMs),
    ]);
    const cpu = (usageOf(server.pid).cpuSeconds - before) / (phaseMs / 1_000);
    tell(name, {
      neighbour: latency,
      ...attack,
      "CPU of a core": Math.round(cpu * 100) / 100,
      "RSS MiB": residentMiB(server),
    });
  }
  tell("alone again", { neighbour: await neighbour.read(phaseMs), "RSS MiB": residentMiB(server) });
  await neighbour.stop();
} finally {
  tell("exit", { code: await server.stop() });
  folder.remove();
}
process.exit(0);
