/**
 * WellAPI beside HAPI FHIR's own server: one client (load/fhir.ts), the same requests, on this machine, in turns. Both judge what is
 * sent by the definitions of R4. Prints a table whose bound is HAPI's:
 *
 *     node bench/fhir-peers.ts [--repetitions N] [--quick]
 */
import { parseArgs } from "node:util";
import type { FhirLoad, FhirOrder } from "./load/fhir.ts";
import { closing } from "./src/closing.ts";
import { openHapiPeer } from "./src/hapi-peer.ts";
import { exportResult } from "./src/lines/p15-fhir.ts";
import { startProgram } from "./src/program.ts";
import { assertRun, type Result, type Size } from "./src/result.ts";
import { type Comparison, compare } from "./src/runner.ts";
import { resultTable } from "./src/table.ts";
import { measureCalls } from "./src/unary-result.ts";
import { openWorld } from "./src/world.ts";

const inFlight = 16;

/** What is sent how often. A search finds what was created before. */
const sent = [
  { what: "create", title: "create", count: 2_000, quick: 100, goal: 1.5 },
  { what: "transaction", title: "transaction of 100", count: 40, quick: 8, goal: 3 },
  { what: "search", title: "search, a page of 50", count: 1_000, quick: 50, goal: undefined },
] as const;

const { values } = parseArgs({
  options: { repetitions: { type: "string" }, quick: { type: "boolean", default: false } },
});
const { quick } = values;
/** Patients. */
const people = quick ? 4 : 16;
const size: Size = { quick, repetitions: Number(values.repetitions ?? (quick ? 1 : 3)) };

/** Patients of HAPI's server, by the ids that they have at ours: the same requests go to both. */
async function addPatients(url: string, patients: readonly string[]): Promise<void> {
  for (const id of patients) {
    const answer = await fetch(`${url}/fhir/R4/Patient/${id}`, {
      method: "PUT",
      headers: { "content-type": "application/fhir+json" },
      body: JSON.stringify({ resourceType: "Patient", id }),
    });
    assertRun(answer.status === 201, `HAPI has stored a patient, not ${answer.status}`);
  }
}

/** That HAPI's validator judges what comes: without it the comparison says nothing. */
async function assertJudges(url: string): Promise<void> {
  const answer = await fetch(`${url}/fhir/R4/Observation`, {
    method: "POST",
    headers: { "content-type": "application/fhir+json" },
    body: JSON.stringify({ resourceType: "Observation", status: "final" }),
  });
  assertRun(answer.status === 422, `HAPI refuses an Observation without a code, not ${answer.status}`);
}

function resultsOf({ what, title, goal }: (typeof sent)[number], told: Comparison): Result[] {
  const { value, bound, ratio, spread, details, boundDetails } = told;
  const rate: Result = {
    id: title,
    value,
    unit: "calls/s",
    bound,
    ratio,
    spread,
    goal: goal === undefined ? "for information" : `at least ${goal} of HAPI's`,
    met: goal === undefined ? null : ratio >= goal,
    details: {
      "server CPU us/call": details.cpuUs!,
      "HAPI's CPU us/call": boundDetails.cpuUs!,
    },
  };
  const times = (["p50Ms", "p99Ms"] as const).map((name): Result => {
    const timeRatio = details[name]! / boundDetails[name]!;
    const wanted = what === "search" && name === "p50Ms";
    return {
      id: `${title}: ${name.slice(0, 3)}`,
      value: details[name]!,
      unit: "ms",
      bound: boundDetails[name]!,
      ratio: timeRatio,
      spread: 0,
      goal: wanted ? "at most 0.5 of HAPI's" : "for information",
      met: wanted ? timeRatio <= 0.5 : null,
      details: {},
    };
  });
  return [rate, ...times];
}

const results = await closing(async (push) => {
  const peer = await openHapiPeer(push);
  const world = await openWorld({ patients: people }, push);
  const load = startProgram<FhirLoad>("load/fhir.ts");
  push(load.stop);
  const patients = world.patients.map(({ atMaker }) => atMaker.replace("_", "-"));
  await addPatients(peer.url, patients);
  await assertJudges(peer.url);
  const compared: Result[] = [];
  for (const one of sent) {
    const { what } = one;
    const count = quick ? one.quick : one.count;
    const send = ({ url, pid }: { readonly url: string; readonly pid: number }) => {
      const order: FhirOrder = { url, apiKey: world.apiKey, patients, what, count, inFlight };
      return measureCalls(pid, count, () => load.call("send", order));
    };
    const told = await compare(
      size,
      () => send({ url: world.server.http, pid: world.server.pid }),
      () => send(peer),
    );
    compared.push(...resultsOf(one, told));
    process.stderr.write(`${one.title}: ${told.ratio.toFixed(2)} of HAPI's rate\n`);
  }
  return [...compared, await exportResult(world, size, push)];
});
process.stdout.write(`${resultTable(results)}\n`);
for (const { id, details } of results) {
  for (const [name, value] of Object.entries(details))
    process.stdout.write(`${id}: ${name} ${Math.round(value)}\n`);
}
