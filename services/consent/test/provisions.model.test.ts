import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  Captured,
  Consent,
  Direction,
  Dispute,
  Emergencies,
  Interval,
  Mask,
  Provision,
  Purpose,
  Resolution,
} from "../src/consent.ts";
import { masks } from "../src/consent.ts";
import { decide, type Permit } from "../src/decision.ts";
import type { FromSources, Method } from "../src/sources.ts";
import { categories, consentOf, currentOf, heartRate, isFrom, steps } from "./terms.ts";

/** Few instants, so that ends meet: a property of intervals fails at their edges or nowhere. */
const instant = fc.integer({ min: 0, max: 8 });
const interval: fc.Arbitrary<Interval> = fc.tuple(fc.option(instant), fc.option(instant)).map(([a, b]) => {
  const [start, end] = a !== null && b !== null && a > b ? [b, a] : [a, b];
  return { ...(start === null ? {} : { start }), ...(end === null ? {} : { end }) };
});
const someOf = <T>(values: readonly T[], least: number) => fc.subarray([...values], { minLength: least });
const pinned = fc.integer({ min: 1, max: 2 }).map((version) => [{ name: "heart", version }]);
const directions = someOf<Direction>(["contribute", "read"], 1);
/** Contributors; the last one is never named. */
const contributors = ["org_watch", "org_lab", "org_spa"] as const;
/** Devices; the last one is never named. Two organizations may send the data of one thing. */
const devices = ["dev_dial", "dev_strap", ""] as const;
const namedDevices = fc.subarray(
  ["org_watch", "org_lab"].flatMap((organization) =>
    ["dev_dial", "dev_strap"].map((device) => ({ organization, device })),
  ),
  { maxLength: 2 },
);
/** Ways to come about; the last one is never named, and of what does not say it there is none. */
const ways = ["sensed", "self_reported", "derived", undefined] as const;
const sourcesNamed: fc.Arbitrary<FromSources> = fc
  .record({
    organizations: someOf<string>(contributors.slice(0, 2), 0),
    devices: namedDevices,
    methods: fc.oneof(fc.constant([]), someOf<Method>(["sensed", "self_reported"], 0)),
  })
  .filter((one) => one.organizations.length + one.devices.length + one.methods.length > 0)
  .map(({ devices: some, methods, ...rest }) => ({
    ...rest,
    ...(some.length > 0 && { devices: some }),
    ...(methods.length > 0 && { methods }),
  }));

/** A provision, and perhaps the contributors whose data it is about, or what it leaves out: such a one is of reading alone. */
function fromSome(provision: fc.Arbitrary<Provision>): fc.Arbitrary<Provision> {
  const left = fc.option(someOf<Mask>(masks, 1));
  return fc.tuple(provision, fc.option(sourcesNamed), left).map(([one, sources, drawn]): Provision => {
    // What is told device by device tells the device.
    const masked = (drawn ?? []).filter((mask) => mask !== "device" || one.resolution === "raw");
    const maskable = masked.length > 0 && one.effect === "permit";
    if (sources === null && !maskable) return one;
    return {
      ...one,
      directions: ["read"],
      ...(sources && { sources }),
      ...(maskable && { masks: masked }),
    };
  });
}

const permission = fromSome(
  fc.record({
    effect: fc.constant("permit" as const),
    directions,
    categories: pinned,
    purposes: someOf<Purpose>(["treatment", "emergency"], 1),
    resolution: fc.constantFrom<Resolution>("raw", "hourly"),
    captured: fc.oneof(
      interval,
      fc.integer({ min: 1, max: 6 }).map((lastMs): Captured => ({ lastMs })),
    ),
    regions: fc.constant([]),
  }),
);
const denial = fromSome(
  fc.record({
    effect: fc.constant("deny" as const),
    directions,
    categories: pinned,
    purposes: someOf<Purpose>(["treatment", "emergency"], 0),
    captured: interval,
    regions: fc.constant([]),
  }),
);
const consents: fc.Arbitrary<Consent[]> = fc
  .array(
    fc.record({
      grantee: fc.constantFrom("org_clinic", "org_clinic", "org_clinic", "org_other"),
      validity: interval,
      provisions: fc.array(fc.oneof({ weight: 3, arbitrary: permission }, { weight: 2, arbitrary: denial }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { maxLength: 4 },
  )
  .map((all) =>
    all.map(({ grantee, validity, provisions }, i) =>
      consentOf(provisions, { grantee, validity }, `con_${i}`),
    ),
  );

/** Emergency accesses of two clinicians in two organizations, and perhaps the patient's "not even in an emergency". */
const emergencies: fc.Arbitrary<Emergencies> = fc
  .record({
    open: fc.array(
      fc.record({
        id: fc.constant("emg_1"),
        organization: fc.constantFrom("org_clinic", "org_clinic", "org_other"),
        clinician: fc.constantFrom("usr_doctor", "usr_colleague"),
        expireTime: fc.integer({ min: 0, max: 9 }),
      }),
      { maxLength: 2 },
    ),
    refused: fc.constantFrom(false, false, true),
  })
  .map(({ open, refused }) => ({ open, refusals: 1, ...(refused ? { refuseTime: 0 } : {}) }));

/** What a patient disputes: of either version of the category, or a clinical record of another one. */
const disputes: fc.Arbitrary<Dispute[]> = fc.array(
  fc.record(
    {
      request: fc.constantFrom("rrq_1", "rrq_2"),
      organization: fc.constantFrom(...contributors),
      category: fc.constantFrom(
        { name: "heart", version: 1 },
        { name: "heart", version: 2 },
        { name: "sleep", version: 1 },
      ),
      captured: interval,
      record: fc.constant("rec_1"),
    },
    { requiredKeys: ["request", "organization", "category", "captured"] },
  ),
  { maxLength: 3 },
);

interface Use {
  readonly direction: Direction;
  readonly code: string;
  readonly purpose: Purpose;
  readonly resolution: Resolution;
  readonly person: string | undefined;
  /** Whose data it is, and of which device; empty: of none. */
  readonly source: string;
  readonly device: string;
  readonly method: Method | undefined;
  /** When the data was captured, and when it is used. */
  readonly captured: number;
  readonly used: number;
}

const within = ({ start, end }: Interval, time: number) =>
  (start === undefined || start <= time) && (end === undefined || time < end);

/** Emergency access stands for a permission: of one person, to read as recorded, in an emergency, until its hour is over. */
function isEmergency({ open, refuseTime }: Emergencies, use: Use): boolean {
  const { direction, purpose, resolution, person, used } = use;
  if (refuseTime !== undefined || direction !== "read" || purpose !== "emergency" || resolution !== "raw")
    return false;
  return open.some(
    ({ organization, clinician, expireTime }) =>
      organization === "org_clinic" && clinician === person && used < expireTime,
  );
}

/** What is left out of what may be used: what each of those leaves out that let it through. */
function leftOutBy(through: readonly { readonly masks?: readonly Mask[] }[]): readonly Mask[] {
  return masks.filter((mask) => through.every((one) => one.masks?.includes(mask)));
}

/** The rule as a patient is told it: some permission matches, and no denial does. Those that do; undefined: it may not be used. */
function permitting(
  all: readonly Consent[],
  emergency: Emergencies,
  use: Use,
): readonly { readonly masks?: readonly Mask[] }[] | undefined {
  const matching = (effect: string) =>
    all
      .filter(({ terms }) => terms.grantee === "org_clinic" && within(terms.validity, use.used))
      .flatMap(({ terms }) => terms.provisions)
      .filter((provision) => provision.effect === effect)
      .filter((provision) => provision.directions.includes(use.direction))
      .filter(({ sources }) => sources === undefined || isAboutSource(sources, use))
      .filter(({ categories: [set] }) => use.code === heartRate || set!.version === 2)
      .filter(
        ({ purposes }) =>
          use.direction === "contribute" ||
          purposes.includes(use.purpose) ||
          (effect === "deny" && purposes.length === 0),
      )
      .filter(({ captured }) => {
        const { lastMs } = captured;
        return lastMs === undefined ? within(captured, use.captured) : use.captured >= use.used - lastMs;
      });
  const through = [
    ...matching("permit").filter(
      ({ resolution }) => (use.direction === "contribute" ? "raw" : resolution) === use.resolution,
    ),
    // It is whole.
    ...(isEmergency(emergency, use) ? [{}] : []),
  ];
  return through.length > 0 && matching("deny").length === 0 ? through : undefined;
}

function isAboutSource(
  { organizations, devices: some = [], methods }: FromSources,
  { source, device, method }: Use,
): boolean {
  if (methods !== undefined && (method === undefined || !methods.includes(method))) return false;
  return (
    organizations.length + some.length === 0 ||
    organizations.includes(source) ||
    some.some((one) => one.organization === source && one.device === device)
  );
}

function isAbout({ record, category: { name, version } }: Dispute, code: string): boolean {
  return record !== undefined || (name === "heart" && (code === heartRate || version === 2));
}

/** What whoever holds a grant makes of it, as the enforcer does. */
function holds({ captured, validity, resolution, sources }: Permit, use: Use): boolean {
  const since = captured.lastMs === undefined ? Number.NEGATIVE_INFINITY : use.used - captured.lastMs;
  const { source: organization, device, method } = use;
  if (!isFrom(sources, { organization, device, method })) return false;
  return (
    resolution === use.resolution &&
    within(validity, use.used) &&
    within(captured, use.captured) &&
    use.captured >= since
  );
}

describe("provisions", () => {
  it("permit just what a permission covers and no denial does, at every instant of capture and of use, of every contributor", () => {
    let permitted = 0;
    let refused = 0;
    const property = fc.property(
      consents,
      emergencies,
      disputes,
      fc.constantFrom<Direction>("contribute", "read"),
      fc.constantFrom(heartRate, steps),
      fc.constantFrom<Purpose>("treatment", "emergency"),
      fc.constantFrom(undefined, "usr_doctor"),
      fc.constantFrom(...contributors),
      fc.constantFrom(...devices),
      fc.constantFrom(...ways),
      instant,
      (all, emergency, disputed, direction, code, purpose, person, source, device, method, now) => {
        const question = { partition: "local/pat_1", organization: "org_clinic", region: "local" };
        const decision = decide(
          { ...currentOf(...all), emergency, disputes: disputed },
          { ...question, direction, code, purpose, ...(person && { person }) },
          now,
          categories,
        );
        const permits = decision.permitted ? decision.permits : [];
        // A mark is told with what is permitted to read, and permits and denies nothing.
        const told =
          decision.permitted && direction === "read" ? disputed.filter((one) => isAbout(one, code)) : [];
        expect(decision.permitted ? (decision.disputes ?? []) : []).toEqual(told);
        // A decision is of `now` and after: what has ended is not granted any more.
        for (let used = now; used <= 9; used += 1) {
          for (let captured = -1; captured <= 9; captured += 1) {
            for (const resolution of ["raw", "hourly"] as const) {
              const from = { source, device, method };
              const use = { direction, code, purpose, person, ...from, resolution, captured, used };
              const expected = permitting(all, emergency, use);
              const through = permits.filter((permit) => holds(permit, use));
              if (through.length > 0 !== (expected !== undefined)) {
                throw new Error(`${JSON.stringify(use)} is ${expected ? "not " : ""}permitted`);
              }
              if (expected === undefined) refused += 1;
              else {
                permitted += 1;
                const [told, right] = [leftOutBy(through), leftOutBy(expected)].map(String);
                if (told !== right)
                  throw new Error(`${JSON.stringify(use)} is told without ${told}, not ${right}`);
              }
            }
          }
        }
      },
    );
    fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? 3_000) });
    // The property is of both answers: neither of them is rare.
    expect(permitted).toBeGreaterThan(refused / 100);
  });
});
