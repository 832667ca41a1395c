import { configDefaults, defineConfig } from "vitest/config";
import { LongFilesFirst } from "./long-files-first.ts";

/** The drills say how soon a mesh recovers, so nothing runs beside them. */
const drills = "test/chaos/chaos.it.test.ts";

/**
 * Files that leave nothing behind in their process. One process takes one after another, and loads what they share once: a third of
 * their CPU time is saved. Not those of the packages that are named: these listen to the process, or set its telemetry.
 */
const units = [
  "packages/!(events|grpc-client|rpc|runtime)/test/**/*.test.ts",
  "{services,sdk}/*/test/**/*.test.ts",
  "{cli,host}/test/**/*.test.ts",
];

/**
 * Files that need an ordinary exchange, neither stop nor configure it, and assert nothing about what others do at it: they share one,
 * and processes as the units do. A file elsewhere starts its own.
 */
const oneExchange = [
  "test/fhir/{capabilities,fhir,inference,observations,synthea,whole-patient}.test.ts",
  "test/{export/download,sdk}.test.ts",
  "test/{fhir/hapi-client,guide-languages,sdk-languages}.it.test.ts",
  "test/security/tenants.test.ts",
  "test/after-revocation/after-revocation.test.ts",
  "test/contracts-{reads,table}.test.ts",
  "test/{denied-callers,enrollment,login,openapi,patient-token-ends,released-clients,requests,sandbox,session-at-doors,vendors}.test.ts",
];

export default defineConfig({
  test: {
    // A machine that is ten times slower for a moment must not fail a test: what is waited for comes, or never does.
    testTimeout: 60_000,
    // A hook may start an exchange, a mesh, a browser.
    hookTimeout: 180_000,
    expect: { poll: { timeout: 15_000 } },
    // docs/decisions/0096: once more, unless a property has found its counterexample; at most two tests of a run, which its end names.
    retry: { count: 1, delay: 2_000, condition: /^(?!Property failed)/ },
    // Vitest would leave a core idle; many tests wait for processes of their own.
    maxWorkers: 2,
    sequence: { sequencer: LongFilesFirst },
    // All that the tests get as FHIR is kept for HAPI's validator.
    setupFiles: process.env.WELLAPI_FHIR_EMITTED === undefined ? [] : ["test/fhir/emitted.setup.ts"],
    reporters: ["default", "./count-reporter.ts"],
    projects: [
      {
        extends: true,
        test: { name: "drills", include: [drills], sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: "all others",
          include: ["{packages,web}/*/test/**/*.test.ts", "{demo,test}/**/*.test.ts"],
          exclude: [...configDefaults.exclude, drills, ...units, ...oneExchange],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "one exchange",
          include: oneExchange,
          globalSetup: "test/shared-exchange.setup.ts",
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "units", include: units, isolate: false, sequence: { groupOrder: 0 } },
      },
    ],
  },
});
