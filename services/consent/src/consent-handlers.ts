import {
  Code,
  ConnectError,
  createClient,
  type HandlerContext,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { type PageTokens, queryDigest } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "./access-interceptor.ts";
import { patientOf, statusOf } from "./consent.ts";
import type { ConsentRepository, KeptConsent, Revision } from "./consent-repository.ts";
import { consentMessage, requestedContent, revisionMessage, termsOf } from "./convert.ts";
import { ConsentError } from "./errors.ts";
import { digest } from "./etag.ts";
import type { Granting } from "./granting.ts";
import type { Revocations } from "./revocation.ts";
import { patientOfCall, viewerOf, visible } from "./viewer.ts";

const { method } = ConsentService;
const defaultPageSize = 50;
const mostPageSize = 1_000;

export interface ConsentHandlersDeps {
  readonly consents: ConsentRepository;
  readonly granting: Granting;
  readonly revocations: Revocations;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly clock: Clock;
  /** To identity, as this service. */
  readonly identity: Transport;
}

export function createConsentHandlers(deps: ConsentHandlersDeps): ServiceImpl<typeof ConsentService> {
  const { consents, granting, revocations, accesses, pageTokens, pairwise, clock } = deps;
  const organizations = createClient(OrganizationService, deps.identity);
  const directory = createClient(PatientDirectoryService, deps.identity);

  const shown = ({ partition, consent }: KeptConsent, party: string) =>
    consentMessage(consent, pairwise.outward(party, patientOf(partition)), clock.now());

  /** Throws `invalid` for an organization that there is not. */
  async function checkGrantee(organization: string, { signal }: HandlerContext): Promise<void> {
    try {
      await organizations.getOrganization({ organization }, { signal });
    } catch (cause) {
      if (ConnectError.from(cause).code !== Code.NotFound) throw cause;
      const description = "is no organization here: ask it for its id";
      const violation = { field: "consent.grantee", description, reason: "INVALID_FIELD" };
      throw new ConsentError("invalid", { violations: [violation], cause });
    }
  }

  /** Throws `patient_erased`. The document of their consents says so too, once the erasure has begun. */
  async function checkPatient(partition: string, { signal }: HandlerContext): Promise<void> {
    const { eraseTime } = await directory.resolvePatient({ partition }, { signal });
    if (eraseTime) throw new ConsentError("patient_erased");
  }

  return {
    createConsent({ consent: asked, requestId }, context) {
      return accesses.logged(context, method.createConsent, requestId, async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        // The digest is of what was asked, before versions are pinned: sent again, it asks for the same.
        const requestDigest = digest(requestedContent(asked));
        // A request id may say something about the patient, so it is not kept in clear.
        const origin = { requestId: digest([partition, requestId]), requestDigest };
        const repeated = await granting.repeated(partition, origin);
        if (repeated) {
          call.about(partition, [repeated]);
          return { consent: shown({ partition, consent: repeated }, viewerOf(call.caller).party) };
        }
        const terms = termsOf(asked, clock.now());
        await Promise.all([checkGrantee(terms.grantee, context), checkPatient(partition, context)]);
        const { consent, changed } = await granting.create(partition, terms, origin, author, call.leafOf);
        call.about(partition, [consent]);
        if (changed) call.committed();
        return { consent: shown({ partition, consent }, viewerOf(call.caller).party) };
      });
    },

    getConsent({ consent: id }, context) {
      return accesses.logged(context, method.getConsent, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const kept = await visible(consents, viewer, id);
        call.about(kept.partition, [kept.consent]);
        return { consent: shown(kept, viewer.party) };
      });
    },

    listConsents(request, context) {
      return accesses.logged(context, method.listConsents, "", async (call) => {
        const { holder, party } = viewerOf(call.caller);
        const { activeOnly, pageSize, pageToken } = request;
        const query = {
          caller: call.caller,
          method: `${ConsentService.typeName}/${method.listConsents.name}`,
          digest: queryDigest(method.listConsents.input, request),
        };
        const limit = pageSize <= 0 ? defaultPageSize : Math.min(pageSize, mostPageSize);
        const cursor =
          pageToken === "" ? undefined : Buffer.from(pageTokens.open(query, pageToken)).toString();
        const page = await consents.list(holder, activeOnly, limit, cursor);
        const now = clock.now();
        const seen = page.consents.filter(
          ({ consent }) => !activeOnly || statusOf(consent, now) === "active",
        );
        if ("partition" in holder)
          call.about(
            holder.partition,
            seen.map(({ consent }) => consent),
          );
        return {
          consents: seen.map((kept) => shown(kept, party)),
          nextPageToken: page.cursor === undefined ? "" : pageTokens.seal(query, Buffer.from(page.cursor)),
        };
      });
    },

    revokeConsent({ consent: id, etag }, context) {
      return accesses.logged(context, method.revokeConsent, "", async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        const { consent, changed } = await revocations.revoke(partition, id, etag, author, call.leafOf);
        call.about(partition, [consent]);
        if (changed) call.committed();
        await revocations.writeDown(partition, consent);
        return { consent: shown({ partition, consent }, viewerOf(call.caller).party) };
      });
    },

    listConsentRevisions({ consent: id }, context) {
      return accesses.logged(context, method.listConsentRevisions, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const { partition, consent } = await visible(consents, viewer, id);
        call.about(partition, [consent]);
        const patient = pairwise.outward(viewer.party, patientOf(partition));
        const actor = ({ author }: Revision) =>
          author.kind === "patient" ? pairwise.outward(viewer.party, author.id) : author.id;
        const revisions = await consents.revisions(partition, consent.id);
        return { revisions: revisions.map((one) => revisionMessage(one, patient, actor(one))) };
      });
    },
  };
}
