/**
 * What readers that take nothing cost a server (decision 0031): its memory while they are stalled and after they have
 * left, and the latency of a neighbour, another organization that reads small pages. In one run, with one process.
 * Run with `node bench/stalled-readers.ts [streams] [grpc|gateway] [callers]`; it prints one line of JSON a phase and ends within
 * minutes. With one door, nothing that the other one left counts. `callers`: applications at the gateway, which part the streams; one unless given.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { grant } from "@wellapi/demo/consents";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { connectRaw, type RawReader, readOverHttp1, readOverHttp2 } from "../test/stalled/readers.ts";
import { code, openStalledScene } from "../test/stalled/scene.ts";
import { makeStart } from "./src/make-start.ts";
import { type Neighbour, residentMiB, startNeighbour, tell } from "./src/neighbour.ts";
import { usageOf } from "./src/process-usage.ts";

const streams = Number(process.argv[2] ?? 1_000);
const door = process.argv[3];
const callers = Number(process.argv[4] ?? 1);
const streamsAConnection = 100;
const batches = 20;
const neighbourMs = 8_000;
const purpose = Purpose.TREATMENT;

/** The most that the process has held, MiB. */
function highestMiB({ pid }: Server): number {
  return Math.round(
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024,
  );
}

const secondsBetween = (from: number, to: number) => Math.round((to - from) * 10) / 10;

async function phase(server: Server, near: Neighbour, name: string, open: () => Promise<RawReader[]>) {
  const cpu = () => usageOf(server.pid).cpuSeconds;
  const before = cpu();
  const beside = near.read(neighbourMs);
  const readers = await open();
  const ended = new Map<string, number>();
  for (const { ended: end } of readers) void end.then((how) => ended.set(how, (ended.get(how) ?? 0) + 1));
  const opening = await beside;
  const opened = cpu();
  const stalledBeside = await near.read(neighbourMs);
  const besideThem = cpu();
  const endedByServer = Object.fromEntries(ended);
  const stalled = residentMiB(server);
  const bytes = readers.reduce((sum, one) => sum + one.bytes(), 0);
  for (const reader of readers) reader.close();
  await pause(5_000);
  tell(name, {
    "neighbour while they open": opening,
    "neighbour beside them": stalledBeside,
    "CPU s of the server": {
      "while they open": secondsBetween(before, opened),
      "beside them": secondsBetween(opened, besideThem),
    },
    "arrived bytes": bytes,
    "ended by the server": endedByServer,
    "RSS MiB stalled": stalled,
    highest: highestMiB(server),
    "5 s after": residentMiB(server),
    again: await near.read(2_000),
  });
}

const folder = temporaryFolder();
const port = (url: string) => Number(new URL(url).port);
let server = await startServer({ dataDir: folder.path, target: "one-process", env: makeStart });
try {
  const [scene, near] = [await openStalledScene(server), await openStalledScene(server)];
  await scene.send(batches);
  await near.send(1, 1_000);
  for (const one of [scene, near]) await grant(one.person, one.clinic, Direction.READ);
  const patient = await scene.idAt(scene.clinic);
  const read = { patient, code: { code }, purpose };
  const keys = [scene.clinicKey];
  while (keys.length < callers) keys.push(await scene.furtherKey());
  // Anew, so that what the ingestion left in memory does not count.
  await server.stop();
  const env = {
    ...makeStart,
    WELLAPI_GRPC_PORT: String(port(server.grpc)),
    WELLAPI_HTTP_PORT: String(port(server.http)),
  };
  server = await startServer({ dataDir: folder.path, target: "one-process", env });
  tell("started", { "RSS MiB": residentMiB(server) });
  const neighbour = await startNeighbour(server, near);
  await neighbour.read(2_000); // warms up
  tell("alone", { neighbour: await neighbour.read(neighbourMs), "RSS MiB": residentMiB(server) });

  const atGrpcDoor = async (): Promise<RawReader[]> => {
    const readers: RawReader[] = [];
    for (let i = 0; i < streams; i += streamsAConnection) {
      const session = connectRaw(port(server.grpc), scene.clinic.certificate, { window: 0 });
      for (let j = i; j < Math.min(streams, i + streamsAConnection); j++) {
        readers.push(readOverHttp2(session, { read }));
      }
    }
    return readers;
  };
  const atGateway = async (): Promise<RawReader[]> =>
    Array.from({ length: streams }, (_, at) => {
      const reader = readOverHttp1(port(server.http), keys[at % callers]!, { read });
      reader.pause();
      return reader;
    });
  if (door !== "gateway")
    await phase(server, neighbour, `${streams} ReadSeries at the gRPC door, window 0`, atGrpcDoor);
  if (door !== "grpc")
    await phase(server, neighbour, `${streams} ReadSeries at the gateway, paused`, atGateway);
  await neighbour.stop();
} finally {
  tell("exit", { code: await server.stop() });
  folder.remove();
}
process.exit(0);
