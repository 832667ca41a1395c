/** Generator of P15, and of fhir-peers.ts: a client of FHIR, so many requests at a time. */
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { serveProgram } from "../src/program.ts";
import { assertRun } from "../src/result.ts";
import { percentile } from "../src/statistics.ts";

export interface FhirOrder {
  /** Of the gateway. */
  readonly url: string;
  readonly apiKey: string;
  /** As FHIR names them: `pat-…`. */
  readonly patients: readonly string[];
  /** `search`: the first page of a patient, again and again. `walk`: page after page, to the end of a patient, then of another. */
  readonly what: "create" | "transaction" | "search" | "walk";
  readonly count: number;
  readonly inFlight: number;
  /** No more is sent after so many seconds. Absent: all is. */
  readonly withinSeconds?: number;
}

/** Observations of a transaction, and of a page. */
const perTransaction = 100;
const perPage = 50;
const root = "/fhir/R4";

/** A heart rate; each at a minute of its own. */
function observation(patient: string, number: number): object {
  return {
    resourceType: "Observation",
    status: "final",
    category: [
      {
        coding: [
          { system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "vital-signs" },
        ],
      },
    ],
    code: { coding: [{ system: "http://loinc.org", code: "8867-4", display: "Heart rate" }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString(),
    valueQuantity: {
      value: 60 + (number % 80),
      unit: "/min",
      system: "http://unitsofmeasure.org",
      code: "/min",
    },
  };
}

interface Prepared {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string | undefined;
}

function prepared({ what, patients }: FhirOrder, number: number): Prepared {
  const patient = patients[number % patients.length]!;
  if (what === "search" || what === "walk") {
    const path = `${root}/Observation?patient=${patient}&code=8867-4&_count=${perPage}`;
    return { method: "GET", path, body: undefined };
  }
  if (what === "create") {
    return {
      method: "POST",
      path: `${root}/Observation`,
      body: JSON.stringify(observation(patient, number)),
    };
  }
  const entry = Array.from({ length: perTransaction }, (_, i) => ({
    // HAPI's validator asks for it.
    fullUrl: `urn:uuid:${randomUUID()}`,
    resource: observation(patient, number * perTransaction + i),
    request: { method: "POST", url: "Observation" },
  }));
  const body = JSON.stringify({ resourceType: "Bundle", type: "transaction", entry });
  return { method: "POST", path: root, body };
}

const statuses = { create: 201, transaction: 200, search: 200, walk: 200 } as const;

/** Where the next page of a Bundle is; undefined after the last one. */
function nextPage(url: string, body: string): string | undefined {
  const { link = [] } = JSON.parse(body) as { link?: { readonly relation: string; readonly url: string }[] };
  const next = link.find(({ relation }) => relation === "next")?.url;
  if (next === undefined) return undefined;
  const { pathname, search } = new URL(next, url);
  return pathname + search;
}

const commands = {
  async send(order: FhirOrder) {
    const { url, apiKey, what, count, inFlight, withinSeconds = Number.POSITIVE_INFINITY } = order;
    const requests = Array.from({ length: count }, (_, number) => prepared(order, number));
    const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
    const latencies: number[] = [];
    let next = 0;
    let wrong = 0;
    const started = performance.now();
    const isOver = () => next === requests.length || performance.now() - started > 1_000 * withinSeconds;
    const client = async (): Promise<void> => {
      let following: string | undefined;
      while (!isOver()) {
        const one = requests[next++]!;
        const at = performance.now();
        const { status, body } = await answerTo(agent, url, apiKey, { ...one, path: following ?? one.path });
        latencies.push(performance.now() - at);
        if (status !== statuses[what]) wrong++;
        const entries = body.split('"fullUrl"').length - 1;
        if (what === "search" && entries !== perPage) wrong++;
        if (what !== "walk") continue;
        following = nextPage(url, body);
        if (entries < 1 || (following !== undefined && entries !== perPage)) wrong++;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, client));
    const seconds = (performance.now() - started) / 1_000;
    agent.destroy();
    assertRun(wrong === 0, `all ${latencies.length} answered as they should, but for ${wrong}`);
    return {
      sent: latencies.length,
      perSecond: latencies.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  },
};

function answerTo(
  agent: Agent,
  url: string,
  apiKey: string,
  { method, path, body }: Prepared,
): Promise<{ readonly status: number; readonly body: string }> {
  const headers = {
    "x-api-key": apiKey,
    accept: "application/fhir+json",
    ...(body !== undefined && { "content-type": "application/fhir+json" }),
  };
  return new Promise((resolve, reject) => {
    const sending = request(new URL(path, url), { method, agent, headers }, (answer) => {
      text(answer).then((told) => resolve({ status: answer.statusCode!, body: told }), reject);
    });
    sending.on("error", reject).end(body);
  });
}

export type FhirLoad = typeof commands;
serveProgram(commands);
