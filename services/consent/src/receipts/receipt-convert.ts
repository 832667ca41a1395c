import type { Author, Captured, Consent, Interval, Provision, Terms } from "../consent.ts";
import type { Revision } from "../consent-documents.ts";
import type { OutwardIds } from "../convert.ts";
import type { Answer, DeletionObligation } from "../obligations/obligation.ts";
import type { ConsentRequest } from "../requests/request.ts";
import type { Right, RightsAnswer, RightsRequest } from "../rights/rights-request.ts";

/**
 * The claims of receipts, by the sections of ISO/IEC TS 27560:2023. They are signed as they are, so a change of them is a new version. The
 * second has `sources`, the third `masks`, too, the fourth `sources` of devices, the fifth their `methods`, the sixth the mask `device`: who does
 * not know them must not take the permission for wider than it is. What says none stays in the first.
 */
export const schemaVersion = "wellapi-consent-receipt/1";
export const versionWithSources = "wellapi-consent-receipt/2";
export const versionWithMasks = "wellapi-consent-receipt/3";
export const versionWithDevices = "wellapi-consent-receipt/4";
export const versionWithMethods = "wellapi-consent-receipt/5";
export const versionWithHiddenDevices = "wellapi-consent-receipt/6";

/** Who gets the receipt, and the ids by which they know the patient and devices. */
export interface Holder extends OutwardIds {
  /** The organization; absent: the patient. */
  readonly organization?: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Of a version of a consent: that it was given, amended or withdrawn. */
export function consentClaims(
  { consent, author, time, access, replacedEtag }: Revision,
  holder: Holder,
): Claims {
  const { id, version, terms } = consent;
  return {
    ...header(`${id}.${version}`, holder),
    ...processing(terms, holder),
    event: {
      type: eventOf(consent, replacedEtag),
      time: instant(time),
      entity: actor(author, holder),
      access,
    },
  };
}

/** Of a request that was refused. What the patient's side is told of who refused, the organization is not. */
export function refusalClaims(request: ConsentRequest, by: Author, time: number, holder: Holder): Claims {
  const entity = holder.organization === undefined ? { entity: actor(by, holder) } : {};
  return {
    ...header(request.id, holder),
    ...processing(request.terms, holder),
    event: { type: "consent_refused", time: instant(time), ...entity },
  };
}

/** Of an organization's answer, whether it deleted what it had received. Its words are in it: they are what it attests. */
export function answerClaims(
  { id, consent, organization, endTime, received }: DeletionObligation,
  answer: Answer,
  number: number,
  holder: Holder,
): Claims {
  const { time, by, access } = answer;
  const said =
    answer.kind === "deleted"
      ? { statement: answer.statement }
      : {
          lawful_reason: answer.reason,
          citation: answer.citation,
          ...(answer.keepUntil !== undefined && { keep_until: instant(answer.keepUntil) }),
        };
  return {
    ...header(`${id}.${number}`, holder),
    pii_controllers: [{ party_id: organization }],
    consent: { record_id: consent, ended: instant(endTime) },
    received: received.map(({ category, reads, values, unknownAmountReads, firstTime, lastTime }) => ({
      pii_information: category,
      reads,
      values,
      unknown_amount_reads: unknownAmountReads,
      ...interval({ start: firstTime, end: lastTime }),
    })),
    event: {
      type: answer.kind === "deleted" ? "deletion_attested" : "deletion_declined",
      time: instant(time),
      entity: actor(by, holder),
      ...said,
      access,
    },
  };
}

/**
 * Of a request by which a patient used a right, or of an organization's answer. The organization's words are in it, as those of
 * `answerClaims`; the patient's are not: people write anything there.
 *
 * @param outward the holder's own id of a device or record
 */
export function rightsClaims(
  { id, organization, right, author, createTime, access }: RightsRequest,
  step: { readonly number: number; readonly answer: RightsAnswer | undefined },
  holder: Holder,
  outward: (id: string) => string,
): Claims {
  const { number, answer } = step;
  return {
    ...header(number === 0 ? id : `${id}.${number}`, holder),
    pii_controllers: [{ party_id: organization }],
    right: { ...rightClaims(right, outward), received: instant(createTime) },
    event:
      answer === undefined
        ? { type: "right_used", time: instant(createTime), entity: actor(author, holder), access }
        : {
            type: `right_${answer.kind}`,
            time: instant(answer.time),
            entity: actor(answer.by, holder),
            ...saidClaims(answer),
            access: answer.access,
          },
  };
}

function rightClaims(right: Right, outward: (id: string) => string): Claims {
  const { kind } = right;
  switch (kind) {
    case "rectification": {
      const { category, captured, device, record } = right.disputed;
      return {
        kind,
        pii_information: [category],
        captured: interval(captured),
        ...(device !== undefined && { device: outward(device) }),
        ...(record !== undefined && { clinical_record: outward(record) }),
      };
    }
    case "restriction":
      return { kind, ground: right.ground, pii_information: right.categories };
    case "objection":
      return { kind, purposes: [right.purpose] };
    case "portability":
      return { kind };
  }
}

function saidClaims(answer: RightsAnswer): Claims {
  switch (answer.kind) {
    case "fulfilled":
      return { measure: answer.measure, statement: answer.statement };
    case "refused":
      return { lawful_reason: answer.reason, statement: answer.explanation, remedies: answer.remedies };
    case "extended":
      return { statement: answer.reason };
  }
}

function eventOf({ revokeTime }: Consent, replacedEtag: string): string {
  if (revokeTime !== undefined) return "consent_withdrawn";
  return replacedEtag === "" ? "consent_given" : "consent_amended";
}

function header(record: string, { organization, patient }: Holder): Claims {
  return {
    schema_version: schemaVersion,
    record_id: record,
    receipt_holder: organization ?? patient,
    pii_principal_id: patient,
  };
}

function processing({ grantee, provisions, validity, notice }: Terms, ids: OutwardIds): Claims {
  return {
    ...(provisions.some(({ sources }) => sources !== undefined) && { schema_version: versionWithSources }),
    ...(provisions.some(({ masks }) => masks !== undefined) && { schema_version: versionWithMasks }),
    ...(provisions.some(({ sources }) => sources?.devices !== undefined) && {
      schema_version: versionWithDevices,
    }),
    ...(provisions.some(({ sources }) => sources?.methods !== undefined) && {
      schema_version: versionWithMethods,
    }),
    ...(provisions.some(({ masks }) => masks?.includes("device")) && {
      schema_version: versionWithHiddenDevices,
    }),
    lawful_basis: "consent",
    pii_controllers: [{ party_id: grantee }],
    ...(notice && { privacy_notice: { uri: notice.uri, language: notice.language, sha256: notice.sha256 } }),
    validity: interval(validity),
    pii_processing: provisions.map((one) => provisionClaims(one, ids)),
  };
}

function provisionClaims(provision: Provision, { deviceIdOf }: OutwardIds): Claims {
  const { effect, directions, categories, purposes, resolution, captured, sources, masks } = provision;
  return {
    effect,
    directions,
    pii_information: categories.map(({ name, version }) => `${name}@${version}`),
    purposes,
    ...(resolution && { resolution }),
    captured: window(captured),
    ...(sources && {
      sources: {
        party_ids: sources.organizations,
        ...(sources.devices && {
          devices: sources.devices.map(({ organization, device }) => {
            return { party_id: organization, device: deviceIdOf(device) };
          }),
        }),
        ...(sources.methods && { methods: sources.methods }),
      },
    }),
    ...(masks && { masks }),
    ...(provision.deIdentification && { de_identification: provision.deIdentification }),
    processing_locations: provision.regions,
  };
}

function window({ lastMs, ...fixed }: Captured): Claims {
  return lastMs === undefined ? interval(fixed) : { last_ms: lastMs };
}

function interval({ start, end }: Interval): Claims {
  return {
    ...(start !== undefined && { start: instant(start) }),
    ...(end !== undefined && { end: instant(end) }),
  };
}

/** The patient appears under the holder's own id. */
function actor({ kind, id }: Author, { patient }: Holder): Claims {
  return { kind, id: kind === "patient" ? patient : id };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
