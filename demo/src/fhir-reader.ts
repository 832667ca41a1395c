import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { type Company, operatorAt } from "./people.ts";
import type { Announcement } from "./server.ts";

/** As much of FHIR's Observation as is counted here. */
interface Observation {
  readonly resourceType: string;
  readonly valueQuantity?: object;
  readonly valueSampledData?: { readonly data: string };
}

interface Bundle {
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource: Observation }[];
}

interface Outcome {
  readonly issue: readonly { readonly details?: { readonly coding: readonly { readonly code: string }[] } }[];
}

/** What a FHIR client found. */
export interface FhirReading {
  readonly pages: number;
  readonly observations: number;
  readonly samples: number;
}

/** A key for the company's application: what a client of today without a certificate sends. */
export async function keyOf(server: Announcement, { organization }: Company): Promise<string> {
  const operator = operatorAt(server);
  const { applications } = await createClient(OrganizationService, operator).listApplications({
    organization,
  });
  const application = applications[0]!.id;
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    application,
    requestId: randomUUID(),
  });
  return apiKey;
}

/** Follows the pages of a search for Observations, as any FHIR client does. Throws with the server's reason. */
export async function readObservations(
  { http }: Pick<Announcement, "http">,
  key: string,
  search: Readonly<Record<string, string>>,
): Promise<FhirReading> {
  let [pages, observations, samples] = [0, 0, 0];
  let next: string | undefined = `${http}/fhir/R4/Observation?${new URLSearchParams(search)}`;
  while (next !== undefined) {
    const answer = await fetch(next, { headers: { "x-api-key": key } });
    const body = (await answer.json()) as Bundle & Partial<Outcome>;
    if (!answer.ok)
      throw new FhirRefusal(body.issue?.[0]?.details?.coding?.[0]?.code ?? String(answer.status));
    const { entry = [], link } = body;
    pages += 1;
    observations += entry.length;
    for (const { resource } of entry) samples += resource.valueSampledData?.data.split(" ").length ?? 1;
    next = link.find(({ relation }) => relation === "next")?.url;
  }
  return { pages, observations, samples };
}

/** The reason of an OperationOutcome. */
export class FhirRefusal extends Error {
  override readonly name = "FhirRefusal";
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}
