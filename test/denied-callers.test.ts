/** Who calls what the contract does not permit their kind: at both doors, and what the log of accesses has of it. */
import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { keyOf } from "@wellapi/demo/fhir-reader";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

describe("an application that calls what is an operator's", () => {
  const server = sharedExchange();
  let company: Company;
  let byKey: Transport;
  beforeAll(async () => {
    company = await enrolCompany(server, "Maker");
    const apiKey = await keyOf(server, company);
    byKey = connect({ url: server.http, apiKey });
  });

  test("is refused by a policy of its organization, and the entry says so", { timeout: 60_000 }, async () => {
    const { organization } = company;
    const rpc = "wellapi.records.v1.RecordsService/ListObservations";
    const text = `forbid (principal in Organization::"${organization}", action == Action::"${rpc}", resource);`;
    await createClient(PolicyService, operatorAt(server)).createPolicy({
      policy: { organization, text, reason: "Nobody lists observations." },
      requestId: randomUUID(),
    });
    const records = createClient(RecordsService, byKey);
    const asked = { patient: "pat_nobody", purpose: Purpose.TREATMENT };
    const refused = () =>
      records.listObservations(asked).catch((error: unknown) => problemOf(error as never).reason);
    await expect.poll(refused, { timeout: 20_000, interval: 250 }).toBe("POLICY_DENIED");
    const denied = async () => {
      const { accesses } = await createClient(AuditService, company.transport).listAccesses({});
      return accesses.flatMap(({ access }) => (access?.method === rpc ? [access] : []));
    };
    await expect
      .poll(async () => (await denied()).map(({ outcome, reason }) => [Access_Outcome[outcome], reason]), {
        timeout: 20_000,
        interval: 250,
      })
      .toContainEqual(["DENIED", "POLICY_DENIED"]);
  });

  test("is refused at both doors, and each door leaves one entry for many calls", {
    timeout: 60_000,
  }, async () => {
    const reasons = new Set<string>();
    for (const transport of [company.transport, byKey]) {
      const organizations = createClient(OrganizationService, transport);
      for (let call = 0; call < 20; call++) {
        const requestId = randomUUID();
        await organizations
          .createOrganization({ requestId, organization: { displayName: "Mine" } })
          .catch((error: unknown) => reasons.add(problemOf(error as never).reason));
      }
    }
    expect([...reasons]).toEqual(["CALLER_NOT_PERMITTED"]);
    const denied = async () => {
      const { accesses } = await createClient(AuditService, company.transport).listAccesses({});
      return accesses
        .flatMap(({ access }) => access ?? [])
        .filter(({ method }) => method.endsWith("/CreateOrganization"));
    };
    const told = async () =>
      new Set(
        (await denied()).map(({ workload, outcome, reason, organization, patient }) =>
          [workload, Access_Outcome[outcome], reason, organization, patient].join(" "),
        ),
      );
    const entry = (door: string) => `${door} DENIED CALLER_NOT_PERMITTED ${company.organization} `;
    await expect
      .poll(told, { timeout: 20_000, interval: 250 })
      .toEqual(new Set([entry("door"), entry("gateway")]));
    for (const ofDoor of Object.values(Object.groupBy(await denied(), ({ workload }) => workload))) {
      // The first at once; the others together when a minute of the door ends, which may be now: others' refusals began it.
      const [latest, ...before] = ofDoor!.map(({ items }) => items);
      expect([[], [1]]).toContainEqual(before);
      expect(before.length === 0 ? [1] : Array.from({ length: 19 }, (_, i) => i + 1)).toContain(latest);
    }
  });
});
