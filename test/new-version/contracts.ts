import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const root = fileURLToPath(new URL("../..", import.meta.url));
const own = "test/new-version/proto";

/** The modules of buf.yaml that partners get, and the example's beside them. */
export const exampleModules = {
  version: "v2",
  modules: [
    { path: own, lint: { use: ["STANDARD", "COMMENTS"] } },
    { path: "proto" },
    { path: "third_party", lint: { ignore: ["third_party"] } },
  ],
};

/** Runs buf in the root of the checkout, over `exampleModules`. */
export function buf(...args: readonly string[]) {
  const given = [...args, "--config", JSON.stringify(exampleModules)];
  return spawnSync("buf", given, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
}

/** What `make generate` would put into gen/: the example's contracts are in no folder of contracts. */
function describeContracts() {
  const { status, stdout, stderr } = buf("build", own, "-o", "-");
  if (status !== 0) throw new Error(stderr.toString());
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout));
  const service = (version: string) => registry.getService(`wellapi.goals.${version}.GoalService`)!;
  return { v1: service("v1"), v2: service("v2") };
}

export const { v1: GoalServiceV1, v2: GoalServiceV2 } = describeContracts();

/** Of `wellapi.goals.v1`, as generated code would type it. */
export interface GoalV1 {
  readonly stepsADay: number;
}

/** The numbers of the enums of `wellapi.goals.v2`. */
export const Measure = { STEPS: 1, ACTIVE_MINUTES: 2 } as const;
export const Period = { DAY: 1, WEEK: 2 } as const;

/** Of `wellapi.goals.v2`. */
export interface GoalV2 {
  readonly measure: number;
  readonly amount: number;
  readonly period: number;
}
