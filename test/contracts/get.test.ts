import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { messagesBelow, methodsOf, publicFiles, referenceOf } from "./descriptors.ts";

/** Who has the id of one of these knows a person, or asks about one. */
const ofPersons: ReadonlySet<string> = new Set([
  "wellapi.dev/Patient",
  "wellapi.dev/Consent",
  "wellapi.dev/Access",
  "wellapi.dev/StoredObservation",
  "wellapi.dev/Credential",
  "wellapi.dev/Erasure",
]);

/** Fields that hold such an id wherever they stand, so that one without its annotation is found. */
const names: Readonly<Record<string, string>> = {
  patient: "wellapi.dev/Patient",
  consent: "wellapi.dev/Consent",
  consents: "wellapi.dev/Consent",
  access: "wellapi.dev/Access",
  opened_by: "wellapi.dev/Access",
  credential: "wellapi.dev/Credential",
  organization: "wellapi.dev/Organization",
  grantee: "wellapi.dev/Organization",
  application: "wellapi.dev/Application",
};

const methods = methodsOf(await publicFiles());
const byGet = (method: DescMethod) => method.idempotency === Level.NO_SIDE_EFFECTS;

test("a field that holds an id says whose", () => {
  const messages = new Set(
    methods.flatMap(({ input, output }) => [...messagesBelow(input), ...messagesBelow(output)]),
  );
  expect(messages.size).toBeGreaterThan(80);
  for (const { typeName, fields } of messages) {
    for (const field of fields) {
      const text = field.scalar !== undefined && field.message === undefined;
      if (names[field.name] !== undefined && text) {
        expect(referenceOf(field), `${typeName}.${field.name}`).toBe(names[field.name]);
      }
    }
  }
});

test("an RPC by GET names no person, neither in its request nor in its answer", () => {
  const found = methods
    .filter(byGet)
    .flatMap(({ parent, name, input, output }) =>
      [...messagesBelow(input), ...messagesBelow(output)].flatMap((message) =>
        message.fields
          .filter((field) => ofPersons.has(referenceOf(field)) || message.name === "Patient")
          .map((field) => `${parent.name}/${name}: ${message.name}.${field.name}`),
      ),
    );
  expect(found).toEqual([]);
});

test("what may be asked for by GET is this", () => {
  expect(
    methods
      .filter(byGet)
      .map(({ parent, name }) => `${parent.name}/${name}`)
      .sort(),
  ).toEqual([
    "AuditService/GetCheckpoint",
    "AuditService/GetConsistencyProof",
    "AuditService/GetLogFile",
    "AuditService/GetReceiptKeys",
    "LimitService/GetLimits",
    "OrganizationService/GetApplication",
    "OrganizationService/GetOrganization",
    "OrganizationService/ListApplications",
    "OrganizationService/ListOrganizations",
    "TerminologyService/ListCategories",
    "TerminologyService/ListCodes",
    "TokenService/GetJwks",
  ]);
});

test("every other read says that it may be repeated, for retries inside the mesh", () => {
  const reads = methods.filter(({ name }) => /^(Get|BatchGet|List|Query|Read|Watch|Aggregate)/.test(name));
  expect(reads.length).toBeGreaterThan(20);
  const silent = reads.filter(({ idempotency }) => idempotency === Level.IDEMPOTENCY_UNKNOWN);
  expect(silent.map(({ name }) => name)).toEqual([]);
});
