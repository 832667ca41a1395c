import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirResource, FhirValue, Finding } from "@wellapi/fhir-r4";
import {
  type Consent,
  type ConsentSchema,
  type Notice,
  type NoticeSchema,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Violation } from "@wellapi/rpc";
import { DATA_CATEGORY_SYSTEM } from "@wellapi/terminology";
import { FhirServiceError } from "../errors.ts";
import { actionSystem, actions, consentCodes, noticeUrls } from "./consent-convert.ts";
import { type Filing, limitsOf, organizationIn } from "./consent-limits-convert.ts";
import { ElementReader } from "./element-reader.ts";
import { purposeOfCoding } from "./purposes.ts";
import { patientOfText } from "./subject.ts";

type ConsentInit = Exclude<MessageInitShape<typeof ConsentSchema>, Consent>;
type ProvisionInit = NonNullable<ConsentInit["provisions"]>[number];
type NoticeInit = Exclude<MessageInitShape<typeof NoticeSchema>, Notice>;

/** What a patient grants by a resource. */
export interface FiledConsent {
  /** Whom it names, by the caller's own id: `pat_…` */
  readonly patient: string;
  readonly consent: ConsentInit;
}

/** Elements that this server gives: what is sent in them is not looked at. */
const given = ["resourceType", "id", "meta", "dateTime"];
const taken = ["status", "scope", "category", "patient", "sourceReference", "policyRule", "provision"];

/**
 * The inverse of `consentResource`, of a consent that has not ended. It is exact: whatever it cannot say as the contracts do is refused, so that
 * nothing is granted that is wider or narrower than what the resource says. Throws INVALID_RESOURCE with all that is wrong.
 */
export function filedConsent(sent: FhirResource, base: string): FiledConsent {
  const reader = new ElementReader();
  const at = "Consent";
  if (sent.resourceType !== at) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "The address is of the type Consent: send a resource of it",
    );
  }
  const {
    status,
    scope,
    category,
    patient: named,
    sourceReference,
    policyRule,
    provision,
  } = reader.object(sent, at, [...given, ...taken]);
  if (status !== "active" && status !== "proposed") {
    reader.refuse(
      `${at}.status`,
      "It is active, or proposed where it begins later: what has ended permits nothing",
      "value",
    );
  }
  reader.require(scope, `${at}.scope`, consentCodes.scope);
  const categories = reader.list(category, `${at}.category`);
  if (categories.length !== 1) reader.refuse(`${at}.category`, "It has one category", "value");
  for (const [item, place] of categories) reader.require(item, place, consentCodes.category);
  reader.require(policyRule, `${at}.policyRule`, consentCodes.policyRule);
  const patient = patientOfText(reader.reference(named, `${at}.patient`), base);
  if (patient === undefined) {
    reader.refuse(`${at}.patient`, "It refers to the patient by their id here: Patient/pat-…", "value");
  }
  const filing: Filing = { reader, patient: patient ?? "", base };
  const terms = termsOf(provision, `${at}.provision`, status, filing);
  const notice = noticeOf(sourceReference, `${at}.sourceReference`, reader);
  if (reader.findings.length > 0) throw new FhirServiceError("INVALID_RESOURCE", reader.findings);
  return { patient: patient!, consent: { ...terms, ...(notice && { notice }) } };
}

/** Of the first level, which denies whatever no provision within it permits. */
function termsOf(
  value: FhirValue | undefined,
  at: string,
  status: FhirValue | undefined,
  filing: Filing,
): ConsentInit {
  const { reader } = filing;
  const { type, period, provision } = reader.object(value, at, ["type", "period", "provision"]);
  if (type !== "deny") {
    reader.refuse(`${at}.type`, "It is deny: what is permitted stands in provisions within", "value");
  }
  const validity = periodOf(period, `${at}.period`, reader);
  if (status === "proposed" && validity?.startTime === undefined) {
    reader.refuse("Consent.status", "What is proposed has a period that begins later", "value");
  }
  const items = reader.list(provision, `${at}.provision`);
  if (items.length === 0) reader.refuse(`${at}.provision`, "It says what is permitted or denied", "required");
  const found = items.map(([item, place]) => provisionOf(item, place, filing));
  const [grantee = "", ...others] = new Set(found.map((one) => one.grantee));
  if (others.length > 0) {
    reader.refuse(`${at}.provision`, "A consent is for one organization: file one for each", "value");
  }
  return { grantee, provisions: found.map((one) => one.provision), ...(validity && { validity }) };
}

const ofProvision = ["extension", "type", "actor", "action", "purpose", "code", "dataPeriod"];

function provisionOf(
  value: FhirValue,
  at: string,
  filing: Filing,
): { readonly grantee: string; readonly provision: ProvisionInit } {
  const { reader } = filing;
  const { extension, type, actor, action, purpose, code, dataPeriod } = reader.object(value, at, ofProvision);
  if (type !== "permit" && type !== "deny") {
    reader.refuse(`${at}.type`, "It is permit or deny", "value");
  }
  const { window, ...limits } = limitsOf(extension, `${at}.extension`, filing);
  const within = periodOf(dataPeriod, `${at}.dataPeriod`, reader);
  if (within !== undefined && window !== undefined) {
    reader.refuse(`${at}.dataPeriod`, "It stands beside consent-captured-in-last: one of the two", "value");
  }
  return {
    grantee: granteeOf(actor, `${at}.actor`, filing),
    provision: {
      ...limits,
      effect: type === "permit" ? Provision_Effect.PERMIT : Provision_Effect.DENY,
      directions: reader
        .list(action, `${at}.action`)
        .map(([item, place]) => directionOf(item, place, reader)),
      purposes: reader.list(purpose, `${at}.purpose`).map(([item, place]) => purposeOf(item, place, reader)),
      categories: reader.list(code, `${at}.code`).map(([item, place]) => categoryOf(item, place, reader)),
      ...(window && { window }),
      ...(within && { window: { case: "capturedWithin", value: within } }),
    },
  };
}

function granteeOf(value: FhirValue | undefined, at: string, filing: Filing): string {
  const { reader } = filing;
  const [first, ...more] = reader.list(value, at);
  if (first === undefined || more.length > 0) {
    reader.refuse(at, "It has one actor: the organization that the consent is for", "value");
    return "";
  }
  const { role, reference } = reader.object(first[0], first[1], ["role", "reference"]);
  reader.require(role, `${first[1]}.role`, consentCodes.role);
  return organizationIn(reference, `${first[1]}.reference`, filing);
}

function directionOf(value: FhirValue, at: string, reader: ElementReader): Direction {
  const { system, version, code } = reader.coding(value, at);
  const direction = [Direction.READ, Direction.CONTRIBUTE].find((one) => actions[one] === code);
  if (system === actionSystem && version === undefined && direction !== undefined) return direction;
  reader.refuse(at, "It is access (read) or collect (contribute) of HL7's consentaction", "value");
  return Direction.UNSPECIFIED;
}

function purposeOf(value: FhirValue, at: string, reader: ElementReader): number {
  const { version, ...coding } = reader.object(value, at, ["system", "version", "code", "display"]);
  const purpose = version === undefined ? purposeOfCoding(coding) : undefined;
  if (purpose === undefined) {
    reader.refuse(
      at,
      "It is a purpose of HL7's v3-ActReason that the exchange knows, without a version",
      "value",
    );
  }
  return purpose ?? 0;
}

/** Without a version it is the current one, as in `CreateConsent`. */
function categoryOf(value: FhirValue, at: string, reader: ElementReader) {
  const { system, version, code } = reader.coding(value, at);
  const number = version === undefined ? 0 : Number(version);
  const pinned =
    version === undefined || (Number.isSafeInteger(number) && number > 0 && String(number) === version);
  if (system !== DATA_CATEGORY_SYSTEM || !pinned || typeof code !== "string") {
    reader.refuse(at, `It is a category of ${DATA_CATEGORY_SYSTEM}, in a version of it`, "value");
  }
  return { name: reader.text(code), version: pinned ? number : 0 };
}

/** An instant has a clock and a zone: of a day alone, who reads it would have to guess which hours are meant. */
const instantForm = /T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;

function periodOf(value: FhirValue | undefined, at: string, reader: ElementReader) {
  if (value === undefined) return undefined;
  const { start, end } = reader.object(value, at, ["start", "end"]);
  const time = (text: FhirValue | undefined, name: string) => {
    if (text === undefined) return {};
    const known = typeof text === "string" && instantForm.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(known)) {
      reader.refuse(
        `${at}.${name}`,
        "It has a time of day with seconds, at most milliseconds, and a zone",
        "value",
      );
      return {};
    }
    return { [`${name}Time`]: timestampFromMs(known) };
  };
  return { ...time(start, "start"), ...time(end, "end") } as {
    readonly startTime?: ReturnType<typeof timestampFromMs>;
    readonly endTime?: ReturnType<typeof timestampFromMs>;
  };
}

/** The notice that the patient was shown. A document is none of it: it would not be kept. */
function noticeOf(value: FhirValue | undefined, at: string, reader: ElementReader): NoticeInit | undefined {
  if (value === undefined) return undefined;
  const { extension, display } = reader.object(value, at, ["extension", "display"]);
  const parts: Record<string, string> = {};
  for (const [item, place] of reader.list(extension, `${at}.extension`)) {
    const { url, ...rest }: FhirObject = reader.object(item, place, ["url", "valueCode", "valueString"]);
    const name = Object.entries(noticeUrls).find(([, one]) => one === url)?.[0];
    const text = reader.text(rest.valueCode ?? rest.valueString);
    if (name === undefined || text === "" || name in parts) {
      reader.refuse(place, "It is the language of the notice or the SHA-256 of its text, each once", "value");
    } else parts[name] = text;
  }
  return { uri: reader.text(display), ...parts };
}

/** What *consent* refuses, where it stands in the resource. */
export function filedFindings(violations: readonly Violation[]): readonly Finding[] {
  return violations.map(({ field, description }): Finding => {
    return { severity: "error", code: "value", text: `It ${description}`, expression: placeOf(field) };
  });
}

const elements: Readonly<Record<string, string>> = {
  effect: ".type",
  directions: ".action",
  categories: ".code",
  purposes: ".purpose",
  captured_within: ".dataPeriod",
};

function placeOf(field: string): string {
  const [, index, name] = /^consent\.provisions\[(\d+)\](?:\.(\w+))?/.exec(field) ?? [];
  if (index !== undefined) {
    const within = name === undefined ? "" : (elements[name] ?? ".extension");
    return `Consent.provision.provision[${index}]${within}`;
  }
  if (field.startsWith("consent.validity")) return "Consent.provision.period";
  if (field.startsWith("consent.notice")) return "Consent.sourceReference";
  if (field === "consent.grantee") return "Consent.provision.provision[0].actor[0].reference";
  return field === "patient" ? "Consent.patient" : "Consent";
}
