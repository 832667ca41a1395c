import { readFileSync } from "node:fs";
import { entryRules } from "@wellapi/access-log";
import { describe, expect, test } from "vitest";
import { listedFiles, serviceFolders } from "../../scripts/list-services.ts";
import { calledBy, contractServices, tableOf } from "../../scripts/manifests/callers-table.ts";
import { parseExchangeConfig } from "../src/config.ts";
import { type ServiceName, serviceNames, services } from "../src/services.ts";

const contracts = await contractServices();

describe("the services' descriptors", () => {
  test("each service has the name of its folder, and every folder is listed", () => {
    expect([...serviceNames].sort()).toEqual(serviceFolders());
    for (const [path, text] of listedFiles(serviceFolders())) {
      expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"), path).toBe(text);
    }
  });

  test("every contract is served, by one service", () => {
    const served = services.services.flatMap((one) => one.contracts.map(({ typeName }) => typeName));
    expect(served.sort()).toEqual(contracts.map(({ typeName }) => typeName).sort());
  });

  test("a service whose RPCs leave entries in the log has the log, and one without the log has no such RPC", () => {
    for (const { name, contracts: served, needs } of services.services) {
      const logged = served.some(({ typeName, methods }) =>
        methods.some((method) => "entry" in entryRules[typeName]![method.name]!),
      );
      expect(needs.includes("access_log"), name).toBe(logged);
    }
  });

  test("a service calls those whose contracts say so, besides identity for tokens", () => {
    // Asked by every service that verifies tokens or calls with one. It decides no order: identity asks itself, too.
    const ofTokens =
      /\/(wellapi\.identity\.v1\.TokenService\/GetJwks|wellapi\.internal\.identity\.v1\.TokenExchangeService\/)/;
    const rows = tableOf(contracts).filter(({ path }) => !ofTokens.test(path));
    for (const name of serviceNames) expect(services.calledBy(name), name).toEqual(calledBy(rows, name));
  });

  test("answers of records about a patient whom an application names leave under consent, and no others", () => {
    const methods = contracts.flatMap((contract) => contract.methods);
    const consented = methods
      .filter(services.isConsented)
      .map(({ parent, name }) => `${parent.typeName}/${name}`);
    expect(consented.sort()).toEqual(
      [
        "ClinicalRecordsService/GetClinicalRecord",
        "ClinicalRecordsService/ListClinicalRecordVersions",
        "ClinicalRecordsService/ListClinicalRecords",
        "ExportService/ReadDeIdentified",
        "RecordsService/AggregateSeries",
        "RecordsService/GetObservation",
        "RecordsService/ListObservations",
        "RecordsService/ListSeries",
        "RecordsService/MergeSeries",
        "RecordsService/QuerySeries",
        "RecordsService/ReadSeries",
        "RecordsService/SearchObservations",
        "RecordsService/WatchSeries",
      ].map((name) => `wellapi.records.v1.${name}`),
    );
  });

  test("they start, and stop the other way, so that who is called outlives who calls", () => {
    const expected: readonly ServiceName[] = [
      "keys",
      "audit",
      "identity",
      "consent",
      "records",
      "ingestion",
      "gateway",
    ];
    expect(serviceNames.filter((name) => expected.includes(name))).toEqual(expected);
    expect(serviceNames.at(-1)).toBe("gateway");
  });
});

describe("the services' settings", () => {
  const declared = services.services.flatMap(({ name, settings = {} }) =>
    Object.values(settings).map((setting) => ({ service: name, ...setting })),
  );
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

  test.each(declared)(
    "$name is in README's table with its service and its default",
    ({ service, name, fallback }) => {
      const row = readme.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      expect(row).toContain(service);
      if (fallback !== undefined) expect(row).toContain(`\`${fallback}\``);
    },
  );

  test.each(declared)("$name applies its default where it is not set", ({ service, name, fallback }) => {
    const values = (env: Record<string, string>) => parseExchangeConfig(env).settings.get(service);
    expect(values({})).toEqual(
      fallback === undefined ? values({ [name]: "" }) : values({ [name]: fallback }),
    );
  });

  test("no two services name the same setting", () => {
    const names = declared.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
