import type { Surface } from "@wellapi/http";
import { askedFormat, ndjsonType, parsers } from "./rest/content.ts";
import { root } from "./rest/exchange.ts";
import { fhirRefusalOf, shapedOutcome } from "./rest/outcome.ts";
import { purposeHeader } from "./rest/purpose.ts";

/** Largest body: that of the largest batch of records. */
const bodyBytes = 4_194_304;

/** FHIR R4's REST (http://hl7.org/fhir/R4/http.html), for the caller of each request. */
export const fhirSurface: Surface = {
  name: "fhir",
  paths: [root, `${root}/`],
  methods: ["GET", "POST", "PUT", "DELETE"],
  requestHeaders: ["if-none-exist", "idempotency-key", "prefer", purposeHeader],
  exposedHeaders: ["content-location", "etag", "expires", "last-modified", "location", "x-progress"],
  bodies: { limit: bodyBytes, parsers, streamed: [ndjsonType] },
  refuse: fhirRefusalOf,
  shape: (refusal, request) => shapedOutcome(refusal, askedFormat(request) ?? "json"),
  async mount(app, context) {
    const { mountInteractions } = await import("./rest/routes.ts");
    mountInteractions(app, context, fhirSurface.methods);
  },
};
