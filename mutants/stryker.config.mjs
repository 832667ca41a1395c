import { rooms } from "./rooms.ts";

const room = process.env.WELLAPI_ROOM ?? "merkle";

/** One room a run: see run.ts. */
export default {
  mutate: process.env.WELLAPI_FILES?.split(" ") ?? rooms[room].mutate,
  plugins: [import.meta.resolve("@stryker-mutator/vitest-runner").replace("file://", "")],
  testRunner: "vitest",
  vitest: { configFile: "mutants/vitest.config.ts", related: false },
  // TypeScript 7 has no API that Stryker knows; a name that does not exist keeps it from looking.
  tsconfigFile: "mutants/no-tsconfig.json",
  // What a message says is read by people; that there is one, and which code it has, is tested.
  mutator: { excludedMutations: ["StringLiteral"] },
  coverageAnalysis: "perTest",
  concurrency: Number(process.env.WELLAPI_WORKERS ?? 2),
  timeoutMS: Number(process.env.WELLAPI_TIMEOUT_MS ?? 20_000),
  incremental: true,
  incrementalFile: `mutants/reports/${room}.incremental.json`,
  reporters: ["json"],
  jsonReporter: { fileName: `mutants/reports/${room}.json` },
  tempDirName: "mutants/.sandbox",
  ignorePatterns: [
    "/.git",
    "/biome.json",
    "/bench",
    "/data*",
    "/deploy",
    "/mesh",
    "/mutants/reports",
    "/proto*",
    "/.tools",
  ],
  allowConsoleColors: false,
};
