import { create, fromJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Consent,
  Consent_State,
  ConsentSchema,
  DeIdentification,
  type Mask,
  type Provision,
  Provision_Effect,
  type ProvisionSchema,
  type SourceSelector,
  SourceSelectorSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type CaptureMethod,
  Direction,
  type Purpose,
  Resolution,
  type TimeInterval,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import {
  directions,
  interval,
  masks,
  methods,
  nameOf,
  purposes,
  resolutions,
  type sourceDevice,
} from "./arguments.ts";
import { CliError } from "./failure.ts";
import { fileText } from "./file-text.ts";
import { timeText } from "./output.ts";

type Device = ReturnType<typeof sourceDevice>;

/** A consent with one provision, and perhaps one that takes some sources off it, as options describe it. */
export interface CreateOptions {
  grantee?: string;
  direction?: Direction[];
  category?: string[];
  deny: boolean;
  purpose?: Purpose[];
  resolution?: Resolution;
  deIdentified?: true;
  source?: string[];
  device?: Device[];
  method?: CaptureMethod[];
  exceptSource?: string[];
  exceptDevice?: Device[];
  exceptMethod?: CaptureMethod[];
  mask?: Mask[];
  windowFrom?: number;
  windowTo?: number;
  lastDays?: number;
  validFrom?: number;
  validTo?: number;
  from?: string;
  requestId?: string;
}

export const states = {
  scheduled: Consent_State.SCHEDULED,
  active: Consent_State.ACTIVE,
  revoked: Consent_State.REVOKED,
  expired: Consent_State.EXPIRED,
};

const effects = { permit: Provision_Effect.PERMIT, deny: Provision_Effect.DENY };
const dayMs = 86_400_000;

/** The consent that the options describe. */
export function consentOf(options: CreateOptions): MessageInitShape<typeof ConsentSchema> {
  const { grantee, validFrom, validTo } = options;
  if (grantee === undefined) {
    throw new CliError("usage", "--grantee is needed, or --from with a whole consent");
  }
  const inForce = validFrom !== undefined || validTo !== undefined;
  return {
    grantee,
    provisions: [provisionOf(options), ...exceptionOf(options)],
    ...(inForce ? { validity: interval(validFrom, validTo) } : {}),
  };
}

/** The denials of sources, and of ways to come about; they beat other permissions, too. */
function exceptionOf({
  category = [],
  direction = [],
  deny,
  exceptSource: organizations = [],
  exceptDevice: devices = [],
  exceptMethod: methods = [],
}: CreateOptions): MessageInitShape<typeof ProvisionSchema>[] {
  const senders = organizations.length + devices.length > 0 ? [{ organizations, devices }] : [];
  const ways = methods.length > 0 ? [{ methods }] : [];
  if (senders.length + ways.length === 0) return [];
  if (deny) {
    throw new CliError("usage", "with --deny use --source, --device and --method: they say what is denied");
  }
  if (!direction.includes(Direction.READ)) {
    throw new CliError(
      "usage",
      "--except-source, --except-device and --except-method are of reading: add --direction read",
    );
  }
  // In one provision they would be what these sources sent in these ways; left out is all of either.
  return [...senders, ...ways].map((sources) => ({
    effect: Provision_Effect.DENY,
    directions: [Direction.READ],
    categories: category.map((name) => ({ name })),
    sources,
  }));
}

/** The one provision that the options describe. */
export function provisionOf(
  options: Omit<CreateOptions, "grantee" | "validFrom" | "validTo">,
): MessageInitShape<typeof ProvisionSchema> {
  const { direction, category, deny, windowFrom, windowTo, lastDays } = options;
  if (direction === undefined || category === undefined) {
    throw new CliError("usage", "--direction and --category are needed, or --from with a whole consent");
  }
  const fixed = windowFrom !== undefined || windowTo !== undefined;
  if (fixed && lastDays !== undefined)
    throw new CliError("usage", "use --last-days, or --window-from and --window-to");
  const reading = direction.includes(Direction.READ) && !deny;
  const window = fixed
    ? ({ case: "capturedWithin", value: interval(windowFrom, windowTo) } as const)
    : lastDays === undefined
      ? { case: undefined }
      : lastDaysWindow(lastDays);
  return {
    effect: deny ? Provision_Effect.DENY : Provision_Effect.PERMIT,
    directions: [...new Set(direction)],
    categories: category.map((name) => ({ name })),
    purposes: options.purpose ?? [],
    resolution: options.resolution ?? (reading ? Resolution.RAW : Resolution.UNSPECIFIED),
    ...(options.deIdentified && { deIdentification: DeIdentification.SAFE_HARBOR }),
    ...((options.source ?? options.device ?? options.method) && {
      sources: {
        organizations: options.source ?? [],
        devices: options.device ?? [],
        methods: options.method ?? [],
      },
    }),
    masks: options.mask ?? [],
    window,
  };
}

function lastDaysWindow(days: number) {
  return { case: "capturedInLast", value: durationFromMs(days * dayMs) } as const;
}

/** Options that leave a part of what was asked for. */
export type NarrowingOptions = Pick<
  CreateOptions,
  "direction" | "category" | "purpose" | "resolution" | "lastDays" | "source" | "device" | "mask"
>;

/**
 * What is left of provisions within the options; a provision of which nothing is left is left out. What an option says is no wider
 * than what was asked for. `now`: UTC milliseconds.
 */
export function narrowed(
  provisions: readonly Provision[],
  options: NarrowingOptions,
  now: number,
): MessageInitShape<typeof ProvisionSchema>[] {
  const { direction, category, purpose, resolution, lastDays } = options;
  const left = provisions.flatMap((one): MessageInitShape<typeof ProvisionSchema>[] => {
    const directionsLeft = one.directions.filter((word) => direction?.includes(word) ?? true);
    const categories = one.categories.filter(({ name }) => category?.includes(name) ?? true);
    const reads = directionsLeft.includes(Direction.READ);
    const purposesLeft = reads ? one.purposes.filter((word) => purpose?.includes(word) ?? true) : [];
    if (directionsLeft.length === 0 || categories.length === 0) return [];
    if (reads && purposesLeft.length === 0) return [];
    // The numbers of the resolutions grow with their coarseness.
    const coarse = reads ? Math.max(resolution ?? one.resolution, one.resolution) : Resolution.UNSPECIFIED;
    const window = lastDays === undefined ? one.window : shortened(one.window, lastDays, now);
    const rest = { ...one, categories, purposes: purposesLeft, resolution: coarse, window };
    const isSome = options.source !== undefined || options.device !== undefined;
    return !reads || (!isSome && options.mask === undefined)
      ? [{ ...rest, directions: directionsLeft }]
      : readingApart(rest, directionsLeft, options);
  });
  if (left.length === 0)
    throw new CliError("usage", "nothing of what was asked for is left: refuse it instead");
  return left;
}

/**
 * What is read is left of these contributors alone, without what is masked; what is sent, of which neither can be said, stays beside it.
 */
function readingApart(
  provision: Provision,
  left: readonly Direction[],
  { source, device, mask = [] }: Pick<CreateOptions, "source" | "device" | "mask">,
): MessageInitShape<typeof ProvisionSchema>[] {
  const asked = provision.sources;
  const methods = asked?.methods ?? [];
  const everybody = asked === undefined || asked.organizations.length + asked.devices.length === 0;
  const named = source ?? (device && []);
  const organizations = everybody ? named : asked.organizations.filter((one) => named?.includes(one) ?? true);
  const isAsked = (one: Device) =>
    everybody ||
    asked.organizations.includes(one.organization) ||
    asked.devices.some((other) => sourceDeviceOf(other) === sourceDeviceOf(one));
  const devices = device?.filter(isAsked) ?? (source === undefined ? (asked?.devices ?? []) : []);
  const sent = { purposes: [], resolution: Resolution.UNSPECIFIED };
  return [
    ...(left.includes(Direction.CONTRIBUTE)
      ? [{ ...provision, ...sent, directions: [Direction.CONTRIBUTE] }]
      : []),
    ...(organizations?.length === 0 && devices.length === 0
      ? []
      : [
          {
            ...provision,
            directions: [Direction.READ],
            masks: [...new Set([...provision.masks, ...mask])],
            ...(organizations && {
              sources: create(SourceSelectorSchema, { organizations, devices, methods }),
            }),
          },
        ]),
  ];
}

function sourceDeviceOf({ organization, deviceId }: Device): string {
  return `${organization}:${deviceId}`;
}

/** The last days of what a window spans. */
function shortened(window: Provision["window"], days: number, now: number): Provision["window"] {
  switch (window.case) {
    case "capturedInLast":
      return durationMs(window.value) <= days * dayMs ? window : lastDaysWindow(days);
    case "capturedWithin": {
      const { startTime, endTime } = window.value;
      const start = startTime === undefined ? Number.NEGATIVE_INFINITY : timestampMs(startTime);
      if (endTime === undefined && start <= now - days * dayMs) return lastDaysWindow(days);
      const message = `--last-days: this was asked for data ${windowText(window).join("")}: leave it out, or use --from`;
      throw new CliError("usage", message);
    }
    case undefined:
      return lastDaysWindow(days);
  }
}

/** The consent in a file. Unknown content is rejected, not left out. */
export function consentIn(file: string): Consent {
  const text = fileText(file);
  try {
    return fromJsonString(ConsentSchema, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("input", `${file} holds no consent: ${reason}`, { cause });
  }
}

/** One provision on one line. */
export function provisionText(provision: Provision): string {
  const { effect, categories, regions, resolution, window } = provision;
  const purposeNames = provision.purposes.map((purpose) => nameOf(purposes, purpose));
  return [
    nameOf(effects, effect),
    provision.directions.map((direction) => nameOf(directions, direction)).join("+"),
    categories.map(({ name, version }) => `${name}@${version}`).join(" "),
    ...(purposeNames.length > 0 ? [`for ${purposeNames.join(", ")}`] : []),
    ...(resolution === Resolution.UNSPECIFIED ? [] : [nameOf(resolutions, resolution)]),
    ...(provision.deIdentification === DeIdentification.UNSPECIFIED ? [] : ["de-identified"]),
    ...(provision.sources ? [`from ${sourcesText(provision.sources)}`] : []),
    ...(provision.masks.length > 0
      ? [`without ${provision.masks.map((mask) => nameOf(masks, mask)).join(", ")}`]
      : []),
    ...windowText(window),
    ...(regions.length > 0 ? [`in ${regions.join(", ")}`] : []),
  ].join(" ");
}

function sourcesText({ organizations, devices, methods: ways }: SourceSelector): string {
  const senders = [...organizations, ...devices.map(sourceDeviceOf)];
  return [
    senders.join(", ") || "everybody",
    ...(ways.length > 0 ? [`as ${ways.map((one) => nameOf(methods, one)).join(", ")}`] : []),
  ].join(" ");
}

function windowText(window: Provision["window"]): string[] {
  switch (window.case) {
    case "capturedWithin":
      return [`captured ${intervalText(window.value)}`];
    case "capturedInLast":
      return [`captured in the last ${lengthText(window.value)}`];
    case undefined:
      return [];
  }
}

function intervalText({ startTime, endTime }: TimeInterval): string {
  return [startTime && `from ${timeText(startTime)}`, endTime && `until ${timeText(endTime)}`]
    .filter(Boolean)
    .join(" ");
}

function lengthText(length: Duration): string {
  const ms = durationMs(length);
  return ms % dayMs === 0 ? `${ms / dayMs} days` : `${ms / 1_000} s`;
}
