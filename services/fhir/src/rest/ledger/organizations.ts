import type { FhirResource } from "@wellapi/fhir-r4";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { HttpReply } from "@wellapi/http";
import { organizationOf, organizationResource } from "../../mapping/organization-convert.ts";
import { subsetOf } from "../../search/subset.ts";
import { calling, type Exchange } from "../exchange.ts";
import { reasonOf } from "../outcome.ts";
import { parametersOf, sendPage } from "./pages.ts";

const mostIds = 32;

/** An organization of the exchange; undefined for the id of anything else. */
export async function readOrganization(exchange: Exchange, id: string): Promise<FhirResource | undefined> {
  const organization = organizationOf(id);
  if (organization === undefined) return undefined;
  const identity = exchange.client(OrganizationService);
  const found = await identity.getOrganization({ organization }, calling);
  return organizationResource(found.organization!);
}

/**
 * The answer to a search for organizations of the exchange by their ids, which are nobody's record. Undefined for another search: that is for
 * organizations in a patient's record.
 */
export async function organizationsIn(
  exchange: Exchange,
  parameters: URLSearchParams,
): Promise<HttpReply | undefined> {
  const ids = parameters.get("_id")?.split(",") ?? [];
  if (ids.length === 0 || ids.length > mostIds || ids.some((id) => organizationOf(id) === undefined))
    return undefined;
  parametersOf(exchange, ["_id"]);
  const found = await Promise.all(
    [...new Set(ids)].map((id) =>
      readOrganization(exchange, id).catch((error: unknown) => {
        if (reasonOf(error) === "NOT_FOUND") return undefined;
        throw error;
      }),
    ),
  );
  const resources = found.filter((one) => one !== undefined);
  return sendPage(exchange, "Organization", parameters, { resources, next: "" }, subsetOf(parameters));
}
