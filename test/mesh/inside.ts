/** The laboratory's process inside its namespaces (main.ts makes them): sets it up, runs the rows, and counts. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import { contractServices, type Row as TableRow, tableOf } from "../../scripts/manifests/callers-table.ts";
import { render } from "../../scripts/manifests/render.ts";
import { certifiedClientRows } from "./certified-client-rows.ts";
import { doorRows } from "./door-rows.ts";
import { routeRows, tokenRows } from "./edge-rows.ts";
import { egressRows, openElsewhere } from "./egress-rows.ts";
import { gatewayRows } from "./gateway-rows.ts";
import { identityRows } from "./identity-rows.ts";
import { type Laboratory, openLaboratory } from "./laboratory.ts";
import { certificateRows, sidecarRows, strangerRows } from "./matrix.ts";
import { type Mutation, mutations } from "./mutations.ts";
import { type Outside, openOutside } from "./outside.ts";
import { ended } from "./programs.ts";
import { askOnce, failuresOf, type Row } from "./rows.ts";
import { tellStory } from "./story.ts";
import { withSurface } from "./surface.ts";
import { compareEntries, surfacePortRows, surfaceRows } from "./surface-rows.ts";
import { install, openFolders } from "./world.ts";

interface Count {
  passed: number;
  failed: number;
}

/** A policy is in force everywhere within this time. */
const mutationMs = 30_000;
const started = performance.now();
const total: Count = { passed: 0, failed: 0 };

function say(text: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

async function prove(): Promise<void> {
  const installed = await install();
  const manifests = withSurface(render("production"));
  const services = await contractServices();
  const laboratory = await openLaboratory({ installed, manifests, folder: openFolders() }, say);
  openElsewhere();
  const outside = await openOutside(laboratory);
  say("companies and a patient are enrolled through the edge");
  const rows = await allRows(laboratory, outside, services, tableOf(services));

  const claims = [...(await tellStory(outside)), ...(await compareEntries(outside))];
  const broken = claims.filter(({ expected, found }) => expected !== found);
  total.passed += claims.length - broken.length;
  total.failed += broken.length;
  say(`the story from outside: ${claims.length - broken.length} claims hold, ${broken.length} do not`);
  for (const { name, expected, found } of broken) say(`  ✗ ${name}: expected ${expected}, found ${found}`);

  // Envoy believes a token for a minute longer: until then, what has nothing to do with one that has expired.
  const expired = rows.filter(({ expected }) => expected === "401 Jwt is expired");
  const others = rows.filter((row) => !expired.includes(row));
  await hold(others, laboratory);
  // After the last nothing works any more.
  const early = mutations.slice(0, -1).filter(({ touches }) => !expired.some(touches));
  for (const mutation of early) await plant(mutation, others, laboratory);
  await delay(Math.max(0, outside.expiredAt - Date.now()));
  laboratory.plane.apply(laboratory.world.manifests);
  await hold(expired, laboratory);
  for (const mutation of mutations) if (!early.includes(mutation)) await plant(mutation, rows, laboratory);
}

async function allRows(
  laboratory: Laboratory,
  outside: Outside,
  services: readonly DescService[],
  table: readonly TableRow[],
): Promise<readonly Row[]> {
  return [
    ...certificateRows(table),
    ...strangerRows(),
    ...sidecarRows(table),
    ...(await identityRows(laboratory, table)),
    ...egressRows(),
    ...gatewayRows(laboratory),
    ...surfacePortRows(laboratory),
    ...tokenRows(outside),
    ...surfaceRows(outside),
    ...routeRows(services),
    ...(await doorRows(laboratory, outside, services)),
    ...(await certifiedClientRows(laboratory, outside)),
  ];
}

async function hold(rows: readonly Row[], laboratory: Laboratory): Promise<void> {
  const failures = await failuresOf(rows, laboratory.openRound);
  for (const group of new Set(rows.map((row) => row.group))) {
    const own = rows.filter((row) => row.group === group);
    const failed = own.filter(({ name }) => failures.has(name));
    say(`${group}: ${own.length - failed.length} rows hold, ${failed.length} do not`);
    for (const { name } of failed) say(`  ✗ ${name}: ${failures.get(name)}`);
  }
  total.passed += rows.length - failures.size;
  total.failed += failures.size;
}

/** Applies the mutated manifests, and asks until exactly the rows that should notice do. */
async function plant(mutation: Mutation, rows: readonly Row[], laboratory: Laboratory) {
  const index = mutations.indexOf(mutation);
  const mutated = structuredClone([...laboratory.world.manifests]);
  mutation.change(mutated);
  const noticing = rows.filter(mutation.notices);
  if (noticing.length === 0) throw new Error(`no row is there to notice that ${mutation.name}`);
  const last = index === mutations.length - 1;
  // Over all mutations, every row is asked whether it notices what it should not. After the last nothing works any
  // more, and what does is among the rows that it touches.
  const asked = rows.filter(
    (row, at) =>
      !mutation.undecided?.(row) && (mutation.touches(row) || (!last && at % mutations.length === index)),
  );
  const from = performance.now();
  const inTime = () => performance.now() - from < mutationMs;
  laboratory.plane.apply(mutated);

  let unaware: readonly Row[] = noticing;
  do {
    const failures = await askOnce(unaware, laboratory.openRound());
    unaware = unaware.filter(({ name }) => !failures.has(name));
  } while (unaware.length > 0 && inTime());
  // It is in force: now all of them, and again only those that were judged by what was in force before.
  let wrong = asked;
  let failures: Awaited<ReturnType<typeof askOnce>>;
  do {
    failures = await askOnce(wrong, laboratory.openRound());
    wrong = wrong.filter((row) => failures.has(row.name) !== mutation.notices(row));
  } while (wrong.length > 0 && inTime());

  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  const mark = wrong.length === 0 ? "✓" : "✗";
  say(
    `mutation ${mark} ${mutation.name}: noticed by ${noticing.length} of ${asked.length} rows; ${seconds} s`,
  );
  for (const { name, expected } of wrong.slice(0, 20)) {
    say(`  ✗ ${name}: ${failures.get(name)?.found ?? expected}, which is not what this mutation does`);
  }
  if (wrong.length === 0) total.passed += 1;
  else total.failed += 1;
}

/** For a look around: WELLAPI_MESH_LAB_KEEP=1. */
async function keep(): Promise<void> {
  process.stdout.write("kept until Ctrl-C; test/mesh/README.md says how to look inside\n");
  await once(process, "SIGINT");
}

try {
  await prove();
} catch (error) {
  total.failed += 1;
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  if (error instanceof Error && error.cause) process.stderr.write(`because: ${error.cause}\n`);
}
for (const line of ended) process.stderr.write(`${line}\n`);
total.failed += ended.length;
if (process.env.WELLAPI_MESH_LAB_KEEP) await keep();
process.stdout.write(`mesh laboratory: ${total.passed} passed, ${total.failed} failed\n`);
// The first process of its namespace: whatever it started ends with it.
process.exit(total.failed === 0 ? 0 : 1);
