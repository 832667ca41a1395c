import type { FhirLoad, FhirOrder } from "../../load/fhir.ts";
import { closing } from "../closing.ts";
import { startProgram } from "../program.ts";
import type { Line, Result } from "../result.ts";
import { repeat } from "../runner.ts";
import { measureCalls } from "../unary-result.ts";
import { openWorld } from "../world.ts";

const inFlight = 16;

/** What is sent: how often, and how often where it is to be quick. */
const sent = [
  { what: "create", title: "create of an Observation", count: 2_000, quick: 200 },
  { what: "transaction", title: "transaction of 100 Observations", count: 60, quick: 8 },
  { what: "search", title: "search, a page of 50", count: 1_000, quick: 100 },
] as const;

export const fhir: Line = {
  name: "P15",
  title: "FHIR R4 in JSON, 16 in flight",
  run: (size) =>
    closing(async (push) => {
      const world = await openWorld({ patients: size.quick ? 4 : 16 }, push);
      const load = startProgram<FhirLoad>("load/fhir.ts");
      push(load.stop);
      const patients = world.patients.map(({ atMaker }) => atMaker.replace("_", "-"));
      const results: Result[] = [];
      for (const { what, title, count: whole, quick } of sent) {
        const count = size.quick ? quick : whole;
        const { http: url, pid } = world.server;
        const order: FhirOrder = { url, apiKey: world.apiKey, patients, what, count, inFlight };
        world.toggleProfile();
        const { value, spread, details } = await repeat(size, () =>
          measureCalls(pid, count, () => load.call("send", order)),
        );
        world.toggleProfile();
        results.push({
          id: `P15 ${title}`,
          value,
          unit: "calls/s",
          bound: null,
          ratio: null,
          spread,
          goal:
            what === "create"
              ? "1.5 times the 805 creates/s of HAPI's server (decision 0048)"
              : "for information",
          met: what === "create" ? value >= 1.5 * 805 : null,
          details: {
            "p50 ms": details.p50Ms!,
            "p99 ms": details.p99Ms!,
            "server CPU us/call": details.cpuUs!,
          },
        });
      }
      return results;
    }),
};
