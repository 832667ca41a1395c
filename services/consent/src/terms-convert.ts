import {
  create,
  type DescMessage,
  type JsonValue,
  type Message,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type Consent as ConsentMessage,
  ConsentSchema,
  Mask as MaskMessage,
  type Provision as ProvisionMessage,
  type SourceSelector,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  Resolution as ResolutionMessage,
  type TimeInterval,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Violation } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import {
  type Captured,
  type DeIdentification,
  type Direction,
  hasEnded,
  type Interval,
  type Mask,
  masks,
  mostSources,
  type PinnedCategory,
  type Provision,
  type Terms,
} from "./consent.ts";
import { ConsentError } from "./errors.ts";
import { countNamed, eachOnce, type FromSources, type Method, methods } from "./sources.ts";
import {
  deIdentificationMessages,
  directionMessages,
  effectMessages,
  maskMessages,
  methodMessages,
  named,
  purposeMessages,
  resolutionMessages,
} from "./vocabulary-convert.ts";

/** What terms may name. */
export interface Nameable {
  readonly terminology: Terminology;
  /** The internal id of a device by the caller's own id for it; undefined where this is no id of a device. */
  readonly deviceOf: (deviceId: string) => string | undefined;
}

/** By a party's own ids. */
export function nameableBy(
  party: string,
  { pairwise, terminology }: { readonly pairwise: Pairwise; readonly terminology: Terminology },
): Nameable {
  return { terminology, deviceOf: (deviceId) => pairwise.inward(party, "dev", deviceId) };
}

export type Refuse = (field: string, description: string, reason?: string) => void;

const notEnforced = "NOT_ENFORCED_YET";

/**
 * The terms of a request, with the categories' versions pinned. Field rules were checked before (protovalidate); this
 * checks what they cannot express, and rejects terms that this release would not enforce. Throws ConsentError
 * `invalid` with everything that is wrong. `root` is where they stand in the request; empty: at its top.
 */
export function termsOf(
  message: Pick<ConsentMessage, "grantee" | "provisions" | "validity" | "notice"> | undefined,
  now: number,
  nameable: Nameable,
  root = "consent",
): Terms {
  const { grantee, provisions, validity, notice } = message ?? create(ConsentSchema);
  const { refuse, done } = refusals(root);
  const taken = provisions.map((provision, i) =>
    provisionOf(provision, `provisions[${i}]`, refuse, nameable),
  );
  if (taken.length === 0) refuse("provisions", "is empty: say what is permitted or denied");
  const inForce = intervalOf(validity);
  if (countNamed(taken) > mostSources) {
    refuse("provisions", "name more than 16 sources: leave some out, or say whose data is denied instead");
  }
  if (hasEnded(inForce, now)) refuse("validity.end_time", "has passed: give an end in the future, or none");
  done();
  return {
    grantee,
    provisions: taken,
    validity: inForce,
    ...(notice ? { notice: { uri: notice.uri, language: notice.language, sha256: notice.sha256 } } : {}),
  };
}

/**
 * Rejects a request with unknown fields, by number and place: an unknown field may be a restriction. `root` is where the message
 * stands in the request; empty: it is the request. Throws ConsentError `invalid`.
 */
export function refuseUnknownFields<D extends DescMessage>(
  schema: D,
  message: MessageShape<D> | undefined,
  root: string,
): void {
  if (message === undefined) return;
  const { refuse, done } = refusals(root);
  for (const { path, numbers } of unknownFields(reflect(schema, message), "")) {
    const field = path.replace(/^\./, "");
    refuse(field, `has field ${numbers.join(", ")}, which this installation does not know: leave it out`);
  }
  done();
}

/** The content of a request to grant, without fields that are output only. */
export function requestedContent(message: ConsentMessage | undefined): JsonValue {
  const { grantee, provisions, validity, notice } = message ?? create(ConsentSchema);
  const optional = { ...(validity ? { validity } : {}), ...(notice ? { notice } : {}) };
  return toJson(ConsentSchema, create(ConsentSchema, { grantee, provisions, ...optional }));
}

/** Gathers what is wrong with a message at `root`; `done` throws ConsentError `invalid` with all of it. */
export function refusals(root: string): { readonly refuse: Refuse; readonly done: () => void } {
  const violations: Violation[] = [];
  return {
    refuse(field, description, reason = "INVALID_FIELD") {
      violations.push({ field: [root, field].filter((part) => part !== "").join("."), description, reason });
    },
    done() {
      const [first] = violations;
      if (first === undefined) return;
      const rest = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
      const text = `${first.field}: ${first.description}${rest}`;
      throw new ConsentError("invalid", { violations, message: text });
    },
  };
}

function provisionOf(
  message: ProvisionMessage,
  path: string,
  refuse: Refuse,
  { terminology, deviceOf }: Nameable,
): Provision {
  const effect = named(effectMessages, message.effect);
  if (!effect) refuse(`${path}.effect`, "is neither EFFECT_PERMIT nor EFFECT_DENY");
  const stated = message.directions.map((direction) => named(directionMessages, direction));
  const directions = stated.filter((direction) => direction !== undefined);
  if (directions.length < Math.max(1, stated.length)) {
    refuse(`${path}.directions`, "is DIRECTION_CONTRIBUTE, DIRECTION_READ or both");
  }
  refuseWhatIsNotEnforced(message, path, refuse);
  const reading = directions.includes("read");
  const purposes = message.purposes.map((purpose) => named(purposeMessages, purpose));
  if (purposes.includes(undefined)) refuse(`${path}.purposes`, "holds a purpose that is not known");
  if (!reading && purposes.length > 0) {
    refuse(`${path}.purposes`, "is of reading: leave it out, or add DIRECTION_READ");
  }
  const resolution = named(resolutionMessages, message.resolution);
  const sources = sourcesOf(message, directions, deviceOf, path, refuse);
  const left = masksOf(message, effect === "permit" && reading, path, refuse);
  const deIdentification = deIdentificationOf(message, effect === "permit" && reading, path, refuse);
  if (effect === "deny") refuseInDenial(message, path, refuse);
  else if (reading) {
    if (purposes.length === 0) refuse(`${path}.purposes`, "is needed for reading");
    if (message.resolution === ResolutionMessage.UNSPECIFIED) {
      refuse(`${path}.resolution`, "is needed for reading: RAW, HOURLY or DAILY");
    }
  } else if (message.resolution > ResolutionMessage.RAW) {
    refuse(`${path}.resolution`, "is RAW or left out for contributing");
  }
  return {
    effect: effect ?? "deny",
    directions,
    categories: pinnedCategories(message.categories, `${path}.categories`, refuse, terminology),
    purposes: purposes.filter((purpose) => purpose !== undefined),
    ...(effect === "permit" && reading && resolution ? { resolution } : {}),
    captured: capturedOf(message, path, refuse),
    ...(sources && { sources }),
    ...(left.length > 0 && { masks: left }),
    regions: [...message.regions],
    ...(deIdentification && { deIdentification }),
  };
}

/** Whose data; undefined: everybody's. */
function sourcesOf(
  { sources }: ProvisionMessage,
  directions: readonly Direction[],
  deviceOf: Nameable["deviceOf"],
  path: string,
  refuse: Refuse,
): FromSources | undefined {
  if (sources === undefined) return undefined;
  const place = `${path}.sources`;
  // Without any it would say nothing, and whoever forgot them would have permitted all.
  if (sources.organizations.length + sources.devices.length + sources.methods.length === 0) {
    refuse(`${place}.organizations`, "is needed, or devices or methods: say which data");
  }
  if (directions.includes("contribute")) {
    refuse(place, "is of reading alone: leave it out, or part the provision");
  }
  const devices = sources.devices.map(({ organization, deviceId }, i) => {
    const device = deviceOf(deviceId);
    if (device === undefined) refuse(`${place}.devices[${i}].device_id`, "is no id of a device");
    return { organization, device: device ?? "" };
  });
  const ways = methodsOf(sources, place, refuse);
  return {
    organizations: [...sources.organizations].sort(),
    ...(devices.length > 0 && { devices: eachOnce(devices) }),
    ...(ways.length > 0 && { methods: ways }),
  };
}

/** Each once and in one order, so that the same said otherwise is the same. */
function methodsOf(
  sources: Pick<SourceSelector, "methods">,
  place: string,
  refuse: Refuse,
): readonly Method[] {
  if (sources.methods.some((one) => named(methodMessages, one) === undefined)) {
    const ways = "CAPTURE_METHOD_SENSED, _DERIVED, _SELF_REPORTED and _CLINICIAN";
    refuse(`${place}.methods`, `holds one that nothing is of: there are ${ways}; leave it out for all data`);
  }
  return methods.filter((one) => sources.methods.includes(methodMessages[one]));
}

/** What is left out of what is read, each once and in one order, so that the same said otherwise is the same. */
function masksOf(
  message: ProvisionMessage,
  permitsReading: boolean,
  path: string,
  refuse: Refuse,
): readonly Mask[] {
  if (message.masks.length === 0) return [];
  const place = `${path}.masks`;
  for (const one of message.masks) {
    if (named(maskMessages, one) === undefined)
      refuse(place, `${one} is not known: use MASK_DEVICE, MASK_NOTES, MASK_PERFORMER`);
  }
  if (message.masks.includes(MaskMessage.DEVICE) && message.resolution > ResolutionMessage.RAW) {
    const description =
      "MASK_DEVICE is not enforced yet for hourly and daily data, which is told device by device: leave it out, or permit RAW";
    refuse(place, description, notEnforced);
  }
  if (!permitsReading || message.directions.length > 1) {
    refuse(place, "is of permissions to read alone: leave it out, or part the provision");
  }
  if (message.deIdentification !== 0)
    refuse(place, "is of data with a name: de-identified data has neither, so leave it out");
  return masks.filter((one) => message.masks.includes(maskMessages[one]));
}

/** What is read without a name is read as it was recorded, and not contributed to: an export knows no other form of it. */
function deIdentificationOf(
  message: ProvisionMessage,
  permitsReading: boolean,
  path: string,
  refuse: Refuse,
): DeIdentification | undefined {
  if (message.deIdentification === 0) return undefined;
  const place = `${path}.de_identification`;
  const taken = named(deIdentificationMessages, message.deIdentification);
  if (taken === undefined) refuse(place, `${message.deIdentification} is not known: use SAFE_HARBOR`);
  if (!permitsReading || message.directions.length > 1) {
    refuse(place, "is of permissions to read alone: leave it out, or part the provision");
  }
  if (message.resolution > ResolutionMessage.RAW) {
    refuse(`${path}.resolution`, "is RAW where data is de-identified: hourly and daily data is not exported");
  }
  return taken;
}

function refuseWhatIsNotEnforced(message: ProvisionMessage, path: string, refuse: Refuse): void {
  if (message.resolution === ResolutionMessage.COUNT_ONLY) {
    const description = "COUNT_ONLY is not enforced yet: use RAW, HOURLY or DAILY";
    refuse(`${path}.resolution`, description, notEnforced);
  } else if (!(message.resolution in ResolutionMessage)) {
    refuse(`${path}.resolution`, `${message.resolution} is not known: use RAW, HOURLY or DAILY`);
  }
}

/** A denial states only what is denied, so that nobody takes it for narrower than it is. */
function refuseInDenial(message: ProvisionMessage, path: string, refuse: Refuse): void {
  if (message.resolution !== ResolutionMessage.UNSPECIFIED) {
    refuse(`${path}.resolution`, "is of permissions: a denial denies every resolution, so leave it out");
  }
  if (message.regions.length > 0) {
    refuse(`${path}.regions`, "is of permissions: a denial holds in every region, so leave it out");
  }
  if (message.window.case === "capturedInLast") {
    const description = "is not enforced yet in a denial: use captured_within";
    refuse(`${path}.captured_in_last`, description, notEnforced);
  }
}

function pinnedCategories(
  categories: readonly PinnedCategory[],
  path: string,
  refuse: Refuse,
  terminology: Terminology,
): PinnedCategory[] {
  const names = new Set(categories.map(({ name }) => name));
  if (names.size < categories.length) refuse(path, "names a category twice: state each once");
  return categories.map(({ name, version }, i) => {
    if (!terminology.isCategory(name)) {
      refuse(`${path}[${i}].name`, `is not a category: use one of ${terminology.categories.join(", ")}`);
      return { name, version };
    }
    const current = terminology.currentVersion(name);
    if (version > current) {
      refuse(`${path}[${i}].version`, `is not out yet: use 1 to ${current}, or 0 for ${current}`);
    }
    return { name, version: version === 0 ? current : version };
  });
}

function capturedOf({ window }: ProvisionMessage, path: string, refuse: Refuse): Captured {
  switch (window.case) {
    case undefined:
      return {};
    case "capturedWithin":
      return intervalOf(window.value);
    case "capturedInLast": {
      const { seconds, nanos } = window.value;
      if (nanos % 1_000_000 !== 0) refuse(`${path}.captured_in_last`, "is finer than a millisecond");
      return { lastMs: Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000) };
    }
  }
}

export function intervalOf(interval: TimeInterval | undefined): Interval {
  const { startTime, endTime } = interval ?? {};
  return {
    ...(startTime ? { start: millisecondsOf(startTime) } : {}),
    ...(endTime ? { end: millisecondsOf(endTime) } : {}),
  };
}

/** Rounded up: data has whole milliseconds, and the same ones lie within. */
function millisecondsOf({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000 + Math.ceil(nanos / 1_000_000);
}

interface UnknownFields {
  readonly path: string;
  readonly numbers: readonly number[];
}

/** Of a message and all messages inside it. */
function* unknownFields(message: ReflectMessage, path: string): Generator<UnknownFields> {
  const unknown = (message.message as Message).$unknown ?? [];
  if (unknown.length > 0) yield { path, numbers: [...new Set(unknown.map(({ no }) => no))] };
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const at = `${path}.${field.name}`;
    if (field.fieldKind === "message") yield* unknownFields(message.get(field), at);
    else if (field.fieldKind === "list" && field.listKind === "message") {
      for (const [i, item] of [...message.get(field)].entries()) {
        yield* unknownFields(item as ReflectMessage, `${at}[${i}]`);
      }
    }
  }
}
