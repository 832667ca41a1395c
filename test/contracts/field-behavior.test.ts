import { create, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { FieldBehavior, field_behavior } from "@wellapi/gen/google/api/field_behavior_pb";
import { resource } from "@wellapi/gen/google/api/resource_pb";
import {
  CreateApplicationRequestSchema,
  CreateOrganizationRequestSchema,
} from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { CreatePatientRequestSchema } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { CreatePolicyRequestSchema } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { CreateWebhookEndpointRequestSchema } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { expect, test } from "vitest";
import { methodsOf, publicFiles } from "./descriptors.ts";

const { REQUIRED, OPTIONAL, OUTPUT_ONLY, IDENTIFIER, IMMUTABLE } = FieldBehavior;
const validator = createValidator();
const messages = sent(methodsOf(await publicFiles()).map(({ input }) => input));
const created = {
  Organization: CreateOrganizationRequestSchema,
  Application: CreateApplicationRequestSchema,
  Patient: CreatePatientRequestSchema,
  Policy: CreatePolicyRequestSchema,
  WebhookEndpoint: CreateWebhookEndpointRequestSchema,
} as const;

/** What callers send, at any depth. */
function sent(roots: readonly DescMessage[]): readonly DescMessage[] {
  const found = new Set<DescMessage>();
  const enter = (message: DescMessage) => {
    if (found.has(message) || message.typeName.startsWith("google.")) return;
    found.add(message);
    for (const field of message.fields) {
      if (field.message !== undefined && !behaviorOf(field).includes(OUTPUT_ONLY)) enter(field.message);
    }
  };
  roots.forEach(enter);
  return [...found];
}

function behaviorOf(field: DescMessage["fields"][number]): readonly FieldBehavior[] {
  return getOption(field, field_behavior);
}

/** Names of the fields of which protovalidate says that they are missing in an empty message. */
function missing(schema: DescMessage, message: Message = create(schema)): ReadonlySet<string> {
  const { violations = [] } = validator.validate(schema, message);
  return new Set(
    violations
      .filter(({ field }) => field.length === 1)
      .map(({ field: [first] }) => (first as { name: string }).name),
  );
}

test("every field that callers send says whether it is needed", () => {
  expect(messages.length).toBeGreaterThan(40);
  const silent = messages.flatMap(({ typeName, fields }) =>
    fields
      .filter(
        (field) =>
          !behaviorOf(field).some((one) => [REQUIRED, OPTIONAL, OUTPUT_ONLY, IDENTIFIER].includes(one)),
      )
      .map(({ name }) => `${typeName}.${name}`),
  );
  expect(silent).toEqual([]);
});

test.each(messages.map((message) => [message.typeName, message] as const))(
  "protovalidate refuses a %s without the fields that are REQUIRED, and for no other",
  (typeName, schema) => {
    const said = schema.fields
      .filter((field) => behaviorOf(field).includes(REQUIRED))
      .map(({ name }) => name);
    // A resource that is also updated lacks fields then: what it needs is asked for where it is created.
    const kind = schema.name as keyof typeof created;
    const inCreation = /^wellapi\.(identity|notices)\./.test(typeName) ? created[kind] : undefined;
    if (inCreation === undefined) {
      const oneofs = new Set(schema.oneofs.map(({ name }) => name));
      expect([...missing(schema)].filter((name) => !oneofs.has(name)).sort()).toEqual(said.sort());
    } else {
      const empty = { [kind.charAt(0).toLowerCase() + kind.slice(1)]: {} } as never;
      const { violations = [] } = validator.validate(
        inCreation,
        create(inCreation as DescMessage, empty) as never,
      );
      const asked = violations.map(({ ruleId }) => ruleId.split(".")[1]).filter((name) => name !== undefined);
      expect(asked).toEqual(expect.arrayContaining(said));
      const rules = asked.filter((name) => schema.fields.some((field) => field.name === name));
      expect(rules.sort()).toEqual(said.sort());
    }
  },
);

test("resources have an id that only the installation gives, and no field both sent and output only", async () => {
  const resources = (await publicFiles())
    .flatMap(({ messages }) => messages)
    .filter((message) => getOption(message, resource).type !== "");
  expect(resources.map((message) => getOption(message, resource).type).sort()).toEqual([
    "wellapi.dev/Access",
    "wellapi.dev/Account",
    "wellapi.dev/Application",
    "wellapi.dev/ClinicalRecord",
    "wellapi.dev/CodeRelease",
    "wellapi.dev/Consent",
    "wellapi.dev/ConsentRequest",
    "wellapi.dev/Credential",
    "wellapi.dev/DeathReport",
    "wellapi.dev/Delegation",
    "wellapi.dev/DeletionObligation",
    "wellapi.dev/EmergencyAccess",
    "wellapi.dev/Erasure",
    "wellapi.dev/Event",
    "wellapi.dev/Export",
    "wellapi.dev/Grant",
    "wellapi.dev/Invitation",
    "wellapi.dev/Notice",
    "wellapi.dev/Organization",
    "wellapi.dev/Patient",
    "wellapi.dev/Petition",
    "wellapi.dev/PushSubscription",
    "wellapi.dev/RightsRequest",
    "wellapi.dev/StoredObservation",
    "wellapi.dev/WebhookEndpoint",
  ]);
  for (const message of resources) {
    expect(getOption(message, resource).nameField, message.typeName).toBe("id");
    const identifiers = message.fields.filter((field) => behaviorOf(field).includes(IDENTIFIER));
    expect(
      identifiers.map(({ name }) => name),
      message.typeName,
    ).toEqual(["id"]);
    for (const field of message.fields) {
      const said = behaviorOf(field);
      expect(
        said.includes(OUTPUT_ONLY) && said.some((one) => [REQUIRED, IMMUTABLE].includes(one)),
        field.name,
      ).toBe(false);
    }
  }
});
