import { randomUUID } from "node:crypto";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { type HttpReply, violationsOf } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { consentId, consentResource } from "../../mapping/consent-convert.ts";
import { filedConsent, filedFindings } from "../../mapping/filed-consent-convert.ts";
import { sendResource, sentResource } from "../content.ts";
import { calling, type Exchange } from "../exchange.ts";
import { textOf } from "../write.ts";

/** POST Consent: as CreateConsent, by the patient. `idempotency-key` is its request_id. */
export async function fileConsent(exchange: Exchange): Promise<HttpReply> {
  const { request, reply, base, format } = exchange;
  if (request.headers["if-none-exist"] !== undefined) {
    const said = "A consent has no identifier: send idempotency-key instead of If-None-Exist";
    throw new FhirServiceError("INVALID_REQUEST", said);
  }
  const filed = filedConsent(sentResource(request), base);
  const requestId = textOf(request.headers["idempotency-key"]) ?? randomUUID();
  const { consent } = await exchange
    .client(ConsentService)
    .createConsent({ ...filed, requestId }, calling)
    .catch((error: unknown) => {
      const found = filedFindings(violationsOf(error));
      throw found.length > 0 ? new FhirServiceError("INVALID_RESOURCE", found, { cause: error }) : error;
    });
  const resource = consentResource(consent!);
  reply.code(201).header("location", `${base}/Consent/${consentId(consent!.id)}`);
  const minimal = textOf(request.headers.prefer)?.includes("return=minimal") === true;
  return minimal ? reply.send() : sendResource(reply, format, resource);
}
