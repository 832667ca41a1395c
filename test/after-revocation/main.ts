/**
 * `make after-revocation`: READS that begin after a patient has ended an organization's reads (100,000 unless given), TARGET=mesh against
 * a mesh (2,000 unless given: there each read takes a way through three processes, and leaves an entry in a MongoDB that is a stand-in).
 */

import { createClient } from "@connectrpc/connect";
import { operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { ends } from "./ends.ts";
import { type Ended, openScene, runRound } from "./run.ts";

const { TARGET = "one-process" } = process.env;
const { READS = TARGET === "mesh" ? "2000" : "100000" } = process.env;
const wanted = Number(READS);
if (!(wanted > 0) || (TARGET !== "one-process" && TARGET !== "mesh")) {
  process.stderr.write("READS is a number above 0, TARGET is mesh or one-process\n");
  process.exit(2);
}
const patientsAtOnce = 3;
const readsOfALoop = 20;
const tellEveryMs = 30_000;

/** Whoever reads so much that is denied would be slowed: here that is the point. */
async function liftLimits(server: Server): Promise<void> {
  const limits = createClient(LimitService, operatorAt(server));
  const { etag = "" } = (await limits.getLimits({})).limits ?? {};
  const most = { organizationRate: 1_000_000, applicationRate: 1_000_000, credentialRate: 1_000_000 };
  await limits.updateLimits({ limits: { etag, ...most } });
}

const folder = temporaryFolder();
const server = await startServer({
  dataDir: folder.path,
  target: TARGET,
  env: { WELLAPI_LOG_LEVEL: "error" },
});
const counts = new Map<string, { after: number; leaked: number }>();
let after = 0;
let before = 0;
try {
  await liftLimits(server);
  const scene = await openScene(server);
  const ways = Object.keys(ends);
  let rounds = 0;
  const started = performance.now();
  const tell = () => {
    const seconds = Math.round((performance.now() - started) / 1_000);
    process.stderr.write(`${after} of ${wanted} reads after ${seconds} s\n`);
  };
  const telling = setInterval(tell, tellEveryMs).unref();
  const note = ({ end, ...ended }: Ended) => {
    const sum = counts.get(end) ?? { after: 0, leaked: 0 };
    counts.set(end, { after: sum.after + ended.after, leaked: sum.leaked + ended.leaked });
    after += ended.after;
    if (ended.leaked > 0)
      process.stdout.write(`LEAK: ${end}: ${ended.read} got values ${ended.leaked} times\n`);
  };
  await Promise.all(
    Array.from({ length: patientsAtOnce }, async () => {
      while (after < wanted) {
        const round = await runRound(scene, ways[rounds++ % ways.length]!, readsOfALoop);
        before += round.before;
        round.ended.forEach(note);
      }
    }),
  );
  clearInterval(telling);
  tell();
} finally {
  await server.stop();
  folder.remove();
}
for (const [end, sum] of counts)
  process.stdout.write(`${end}: ${sum.after} reads after it, ${sum.leaked} got values\n`);
const leaked = [...counts.values()].reduce((sum, one) => sum + one.leaked, 0);
process.stdout.write(
  `${after} reads began after the patient's word, ${leaked} got values; ${before} before it did\n`,
);
process.exitCode = leaked === 0 ? 0 : 1;
