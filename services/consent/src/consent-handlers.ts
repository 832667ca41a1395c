import type { ServiceImpl } from "@connectrpc/connect";
import { ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { type PageTokens, partyOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "./accesses.ts";
import { isHidden, stateOf } from "./consent.ts";
import type { Revision } from "./consent-documents.ts";
import type { ConsentRepository, KeptConsent } from "./consent-repository.ts";
import { consentMessage, outwardIds, type Reader, revisionMessage } from "./convert.ts";
import { ConsentError } from "./errors.ts";
import { digest } from "./etag.ts";
import type { Granting } from "./granting.ts";
import { openPage } from "./page.ts";
import type { Parties } from "./parties-client.ts";
import { checkParties, checkSources } from "./party-check.ts";
import type { Revocations } from "./revocation.ts";
import { nameableBy, refuseUnknownFields, requestedContent, termsOf } from "./terms-convert.ts";
import type { Categories } from "./understanding.ts";
import { patientOfCall, type Viewer, viewerOf, visible } from "./viewer.ts";
import { named, stateMessages } from "./vocabulary-convert.ts";

const { method } = ConsentService;

export interface ConsentHandlersDeps {
  readonly consents: ConsentRepository;
  readonly granting: Granting;
  readonly revocations: Revocations;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly times: OrganizationTimes;
  readonly categories: Categories;
  readonly terminology: Terminology;
  readonly parties: Parties;
}

type Handlers = ServiceImpl<typeof ConsentService>;

export function createConsentHandlers(deps: ConsentHandlersDeps): Handlers {
  const presenter = createPresenter(deps);
  return { ...createChangeHandlers(deps, presenter), ...createReadHandlers(deps, presenter) };
}

/** Makes messages of consents, with the ids that their reader knows. */
function createPresenter({ pairwise, times, categories }: ConsentHandlersDeps) {
  const readerOf = ({ partition, consent }: KeptConsent, party: string): Reader => {
    const now = times.now(consent.terms.grantee);
    return { ...outwardIds(pairwise, partition, party), now, categories };
  };
  return {
    readerOf,
    shown: (kept: KeptConsent, party: string) => consentMessage(kept.consent, readerOf(kept, party)),
  };
}

type Presenter = ReturnType<typeof createPresenter>;

/** The RPCs that change a patient's consents. */
function createChangeHandlers(
  deps: ConsentHandlersDeps,
  { shown }: Presenter,
): Pick<Handlers, "createConsent" | "revokeConsent"> {
  const { granting, revocations, accesses, times, pairwise, terminology, parties } = deps;
  return {
    createConsent({ consent: asked, requestId, patient }, context) {
      return accesses.logged(context, method.createConsent, requestId, async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        if (patient !== "" && patient !== outwardIds(pairwise, partition, partyOf(call.caller)).patient) {
          throw otherPatient();
        }
        refuseUnknownFields(ConsentSchema, asked, "consent");
        // The digest covers the request before versions are pinned: a repeated request has the same digest.
        const requestDigest = digest(requestedContent(asked));
        // A request id may reveal something about the patient, so it is not stored in clear.
        const origin = { requestId: digest([partition, requestId]), requestDigest };
        const repeated = await granting.repeated(partition, origin);
        const { hides } = call.caller.principal;
        const wanted = async () => {
          const nameable = nameableBy(partyOf(call.caller), { pairwise, terminology });
          const terms = termsOf(asked, times.now(asked?.grantee ?? ""), nameable);
          if (isHidden(terms, hides)) throw new ConsentError("own_care");
          await checkParties(parties, { organization: terms.grantee, field: "consent.grantee" }, partition);
          await checkSources(parties, terms.provisions, "consent");
          return terms;
        };
        const { consent, changed } = repeated
          ? { consent: repeated, changed: false }
          : await granting.create(partition, await wanted(), origin, author, call.leafOf);
        // A repeated request gives the consent as it is now, and its entry would name it.
        if (isHidden(consent.terms, hides)) throw new ConsentError("not_found");
        call.about(partition, [consent]);
        if (changed) call.committed();
        await granting.writeDown(partition, consent);
        return { consent: shown({ partition, consent }, viewerOf(call.caller).party) };
      });
    },

    revokeConsent({ consent: id, etag }, context) {
      return accesses.logged(context, method.revokeConsent, "", async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        const { hides } = call.caller.principal;
        const asked = { consent: id, etag, ...(hides && { hides }) };
        const { consent, changed } = await revocations.revoke(partition, asked, author, call.leafOf);
        call.about(partition, [consent]);
        if (changed) call.committed();
        await revocations.writeDown(partition, consent);
        return { consent: shown({ partition, consent }, viewerOf(call.caller).party) };
      });
    },
  };
}

/** One answer for whoever it is, and for nobody. */
function otherPatient(): ConsentError {
  const description = "is not the patient in whose record you act: leave it out, or act in theirs";
  const violations = [{ field: "patient", description, reason: "INVALID_FIELD" }];
  return new ConsentError("invalid", { violations, message: `patient ${description}` });
}

/** The RPCs that read consents: a patient's own, and those that were granted to the organization. */
function createReadHandlers(
  { consents, accesses, pageTokens, times }: ConsentHandlersDeps,
  { shown, readerOf }: Presenter,
): Pick<Handlers, "getConsent" | "listConsents" | "listConsentRevisions"> {
  return {
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
        const viewer = viewerOf(call.caller);
        const { holder, party } = viewer;
        const grantee = granteeOf(viewer, request.grantee);
        const states = new Set(request.states.map((state) => named(stateMessages, state)));
        const page = openPage(pageTokens, call.caller, method.listConsents, request);
        const revoked = states.size === 0 ? undefined : states.has("revoked");
        const listed = { holder, grantee, revoked: revoked && states.size > 1 ? undefined : revoked };
        const found = await consents.list(listed, page);
        const seen = found.consents.filter(
          ({ consent }) =>
            (states.size === 0 || states.has(stateOf(consent, times.now(consent.terms.grantee)))) &&
            !isHidden(consent.terms, viewer.hides),
        );
        if ("partition" in holder) {
          const own = seen.map(({ consent }) => consent);
          call.about(holder.partition, own);
        }
        return {
          consents: seen.map((kept) => shown(kept, party)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },

    listConsentRevisions(request, context) {
      return accesses.logged(context, method.listConsentRevisions, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const { partition, consent } = await visible(consents, viewer, request.consent);
        call.about(partition, [consent]);
        const page = openPage(pageTokens, call.caller, method.listConsentRevisions, request);
        const found = await consents.revisions(partition, consent.id, page);
        const reader = readerOf({ partition, consent }, viewer.party);
        const seen = visibleRevisions(found.revisions, viewer.hides);
        return {
          revisions: seen.map((one) => revisionMessage(one, reader)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
  };
}

/**
 * The versions that the viewer may see. An etag is made of its version's terms, so whoever does not see all versions is told none of
 * an earlier one.
 */
function visibleRevisions(revisions: readonly Revision[], hides: Viewer["hides"]): readonly Revision[] {
  if (hides === undefined) return revisions;
  return revisions
    .filter(({ consent }) => !isHidden(consent.terms, hides))
    .map((one) => ({ ...one, replacedEtag: "" }));
}

/** The organization to which a list is limited. Throws `invalid` where the caller asks for another's. */
function granteeOf({ holder, grantee }: Viewer, asked: string): string | undefined {
  const own = "partition" in holder ? grantee : holder.grantee;
  if (asked === "" || asked === own) return grantee;
  if (own === undefined) return asked;
  const description = "is another organization: leave it out, you see your own consents alone";
  throw new ConsentError("invalid", {
    violations: [{ field: "grantee", description, reason: "INVALID_FIELD" }],
  });
}
