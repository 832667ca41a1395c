import type { FhirLoad, FhirOrder } from "../../load/fhir.ts";
import type { Exported, ExportOrder, FhirExportLoad } from "../../load/fhir-export.ts";
import { closing, type Push } from "../closing.ts";
import { startProgram } from "../program.ts";
import { assertRun, type Line, type Result, type Size } from "../result.ts";
import { compare, type Measurement, repeat } from "../runner.ts";
import { measureCalls } from "../unary-result.ts";
import { openWorld, type World } from "../world.ts";

const inFlight = 16;

/** What is sent: how often, and how often where it is to be quick. */
const sent = [
  { what: "create", title: "create of an Observation", count: 2_000, quick: 200 },
  { what: "transaction", title: "transaction of 100 Observations", count: 60, quick: 8 },
  { what: "search", title: "search, a page of 50", count: 1_000, quick: 100 },
] as const;

export const fhir: Line = {
  name: "P15",
  title: "FHIR R4 in JSON, 16 in flight, and its export",
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
        await world.toggleProfile();
        const { value, spread, details } = await repeat(size, () =>
          measureCalls(pid, count, () => load.call("send", order)),
        );
        await world.toggleProfile();
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
              : "for information; bench/fhir-peers.ts has HAPI's server beside it",
          met: what === "create" ? value >= 1.5 * 805 : null,
          details: {
            "p50 ms": details.p50Ms!,
            "p99 ms": details.p99Ms!,
            "server CPU us/call": details.cpuUs!,
          },
        });
      }
      return [...results, await exportResult(world, size, push)];
    }),
};

/** What the line has written, exported, beside the same read by the RPC. */
export async function exportResult(world: World, size: Size, push: Push): Promise<Result> {
  const load = startProgram<FhirExportLoad>("load/fhir-export.ts");
  push(load.stop);
  const patients = world.patients.map(({ atMaker }) => atMaker);
  const order: ExportOrder = { url: world.server.http, apiKey: world.apiKey, patients };
  const resources: number[] = [];
  const measured = async (how: "export" | "read"): Promise<Measurement> => {
    const came = await load.call(how, order);
    resources.push(came.resources);
    return { value: megabytesASecond(came), details: { resources: came.resources } };
  };
  const { value, bound, ratio, spread, details } = await compare(
    size,
    () => measured("export"),
    () => measured("read"),
    () => world.toggleProfile(),
  );
  assertRun(
    resources[0]! > 0 && resources.every((one) => one === resources[0]),
    "both give the same number of resources",
  );
  return {
    id: "P15 export of Observations",
    value,
    unit: "MB/s",
    bound,
    ratio,
    spread,
    goal: "at least 0.5 of the plain read (ListClinicalRecords)",
    met: ratio >= 0.5,
    details: { resources: details.resources! },
  };
}

function megabytesASecond({ bytes, seconds }: Exported): number {
  return bytes / 1e6 / seconds;
}
