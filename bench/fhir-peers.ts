/**
 * WellAPI beside HAPI FHIR's own server: one client (load/fhir.ts), the same requests, on this machine, in turns. Both judge what is
 * sent by the definitions of R4. Says on stderr what it does, and prints a table whose bound is HAPI's:
 *
 *     node bench/fhir-peers.ts [--repetitions N] [--quick]
 *
 * Takes at most about five minutes, however slow the machine is, but for the first run, which fetches HAPI.
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

/**
 * What is sent how often. A search finds what was created before: sixteen first pages, which both servers know by heart after a moment. Who goes on
 * from page to page sees what neither has looked at lately, and ours opens.
 */
const sent = [
  { what: "create", title: "create", count: 2_000, quick: 100, goal: 1.5 },
  { what: "transaction", title: "transaction of 100", count: 40, quick: 8, goal: 3 },
  { what: "search", title: "search, a page of 50", count: 1_000, quick: 50, goal: undefined },
  { what: "walk", title: "search, page after page", count: 400, quick: 50, goal: undefined },
] as const;

const { values } = parseArgs({
  options: { repetitions: { type: "string" }, quick: { type: "boolean", default: false } },
});
const { quick } = values;
/** Patients. */
const people = quick ? 4 : 16;
const size: Size = { quick, repetitions: Number(values.repetitions ?? (quick ? 1 : 3)) };
/** Of the calls alone: the starts and the export take the rest of five minutes. */
const sendingSeconds = 180;
/** Both servers, each kind of call, and an unmeasured pair first. */
const withinSeconds = sendingSeconds / (2 * sent.length * (size.repetitions + (quick ? 0 : 1)));
const begun = performance.now();

function say(text: string): void {
  process.stderr.write(`${((performance.now() - begun) / 1_000).toFixed(0).padStart(4)} s  ${text}\n`);
}

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
  say("starting HAPI's server (the first run fetches it, for minutes)");
  const peer = await openHapiPeer(push);
  say(`starting ours, with ${people} patients`);
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
      const order: FhirOrder = { url, apiKey: world.apiKey, patients, what, count, inFlight, withinSeconds };
      return measureCalls(pid, count, () => load.call("send", order));
    };
    say(`${one.title}: ${count} calls to each in turns, at most ${withinSeconds.toFixed(0)} s a turn`);
    const told = await compare(
      size,
      () => send({ url: world.server.http, pid: world.server.pid }),
      () => send(peer),
    );
    compared.push(...resultsOf(one, told));
    say(`${one.title}: ${told.ratio.toFixed(2)} of HAPI's rate`);
  }
  say("export of all that was created, beside the plain read of it");
  return [...compared, await exportResult(world, size, push)];
});
process.stdout.write(`${resultTable(results)}\n`);
for (const { id, details } of results) {
  for (const [name, value] of Object.entries(details))
    process.stdout.write(`${id}: ${name} ${Math.round(value)}\n`);
}
