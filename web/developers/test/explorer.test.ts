import { globSync, readFileSync } from "node:fs";
import { type DescMessage, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { faultHeader, isDestructive } from "@wellapi/descriptors";
import { fieldComments } from "@wellapi/gen/openapi/field_comments";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { faultHeader as ordered, orderedFaults } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { formFieldsOf, maskedIn, requestOf, textsOf, withoutLast } from "../app/explorer/form-fields.ts";
import { faults } from "../app/explorer/ordered-faults.ts";
import { findMethod, isCallable } from "../app/explorer/rpc.ts";
import { publicServices } from "../app/explorer/services.ts";
import { keySamples } from "../app/samples.ts";

test("the explorer has every public service", () => {
  const proto = new URL("../../../proto/", import.meta.url).pathname;
  const contracts = globSync("wellapi/*/v1/*.proto", { cwd: proto }).flatMap((file) => {
    const names = readFileSync(`${proto}${file}`, "utf8").matchAll(/^service (\w+)/gm);
    return [...names].map(([, name]) => `${file.split("/").slice(0, 3).join(".")}.${name}`);
  });
  expect(publicServices.map(({ typeName }) => typeName).sort()).toEqual(contracts.sort());
});

test("what the contract marks as destructive is asked for first, and streams of requests are not called", () => {
  expect(isDestructive(RecordsService.method.erasePatient)).toBe(true);
  expect(isDestructive(RecordsService.method.readSeries)).toBe(false);
  expect(isCallable(RecordsService.method.readSeries)).toBe(true);
  expect(findMethod(publicServices, "wellapi.ingestion.v1.IngestionService/StreamSeries")!).toSatisfy(
    (one: Parameters<typeof isCallable>[0]) => !isCallable(one),
  );
});

test("a form has each field with its type and the contract's rules, and gives the request that it was made of", () => {
  const { input } = ConsentService.method.listConsents;
  const fields = formFieldsOf(input);
  expect(fields.map(({ name }) => name)).toEqual(input.fields.map(({ jsonName }) => jsonName));
  expect(fields.find(({ name }) => name === "pageSize")).toMatchObject({
    shape: { kind: "number" },
    type: "int32",
    rules: '{"int32":{"gte":0}}',
  });
  const query = formFieldsOf(RecordsService.method.querySeries.input);
  expect(query.find(({ name }) => name === "purpose")).toMatchObject({ shape: { kind: "choice" } });
  const request = { patient: "pat_1", purpose: "PURPOSE_TREATMENT", code: { code: "8867-4" }, pageSize: 5 };
  const again = requestOf(query, textsOf(query, request));
  expect(again).toEqual(request);
  fromJson(RecordsService.method.querySeries.input, again);
  expect(() => requestOf(query, { pageSize: "{" })).toThrow(/^pageSize: /);
});

test("what lies in messages and lists is in the form at any depth, and comes out as it was", () => {
  const { input } = ConsentService.method.createConsent;
  const fields = formFieldsOf(input);
  const request: JsonObject = {
    requestId: "one",
    consent: {
      grantee: "org_1",
      provisions: [
        {
          effect: "EFFECT_PERMIT",
          directions: ["DIRECTION_READ", "DIRECTION_CONTRIBUTE"],
        },
        { effect: "EFFECT_DENY" },
      ],
      validity: { startTime: "2026-01-01T00:00:00Z" },
    },
  };
  const texts = textsOf(fields, request);
  expect(texts).toMatchObject({
    "consent.provisions": "2",
    "consent.provisions.0.directions.1": "DIRECTION_CONTRIBUTE",
    "consent.validity.startTime": "2026-01-01T00:00:00Z",
  });
  expect(requestOf(fields, texts)).toEqual(request);
  fromJson(input, requestOf(fields, texts));
  const fewer = requestOf(fields, withoutLast(texts, "consent.provisions"));
  expect(fewer).toMatchObject({ consent: { provisions: [{ effect: "EFFECT_PERMIT" }] } });
  expect(Object.keys(withoutLast(texts, "consent.provisions")).join()).not.toContain("provisions.1");
});

test("no public request has a field that the form can show as JSON only", () => {
  const seen = new Set<string>();
  const inJson = (message: DescMessage): string[] => {
    if (seen.has(message.typeName)) return [];
    seen.add(message.typeName);
    const own = formFieldsOf(message).filter(({ shape }) => shape.kind === "json");
    const below = message.fields.flatMap(({ message: nested }) => (nested ? inJson(nested) : []));
    return [...own.map(({ comment }) => comment), ...below];
  };
  const found = publicServices.flatMap(({ methods }) => methods.flatMap(({ input }) => inJson(input)));
  expect(found.filter((name) => !name.startsWith("google."))).toEqual([]);
  expect(seen.size).toBeGreaterThan(publicServices.length);
});

test("a mask is ticks of the resource's fields, a time and a span say how they are written", () => {
  const fields = formFieldsOf(OrganizationService.method.updateApplication.input);
  const { shape } = fields.find(({ name }) => name === "updateMask")!;
  expect(shape.kind === "mask" && shape.paths()).toContain("displayName");
  const request = { application: { displayName: "a" }, updateMask: "displayName" };
  const texts = textsOf(fields, request);
  expect(maskedIn(texts.updateMask!)).toEqual(["displayName"]);
  expect(requestOf(fields, texts)).toEqual(request);
  fromJson(OrganizationService.method.updateApplication.input, requestOf(fields, texts));
  const [lifetime] = formFieldsOf(CredentialService.method.createApiKey.input).filter(
    ({ name }) => name === "lifetime",
  );
  expect(lifetime!.shape).toEqual({ kind: "text", example: "3600s" });
});

test("each field of a request has the contract's comment", () => {
  const missing = publicServices
    .flatMap(({ methods }) => methods.flatMap(({ input }) => formFieldsOf(input)))
    .filter(({ comment }) => fieldComments[comment] === undefined);
  expect(missing.map(({ comment }) => comment)).toEqual([]);
});

test("the failures that it offers are those that a sandbox's doors take", () => {
  expect([faultHeader, faults]).toEqual([ordered, orderedFaults]);
});

test("a sample carries any request as it is, whatever quotes and letters are in it", () => {
  const body = JSON.stringify({ name: `O'Hara "Müller" \\ 😀` });
  const call = { method: "a.B/C", body };
  const samples = new Map(keySamples("https://x.example", call).map(({ name, text }) => [name, text]));
  const [, literal = ""] = samples.get("TypeScript")!.match(/body: (".*"),/)!;
  expect(JSON.parse(JSON.parse(literal))).toEqual(JSON.parse(body));
  expect(literal).toMatch(/^[\x20-\x7e]*$/);
  expect(samples.get("Python")).toContain(`data=${literal}.encode()`);
  expect(samples.get("Java")).toContain(literal);
  expect(samples.get("curl")).toContain(`-d '${body.replaceAll("'", "'\\''")}'`);
});
