import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import {
  type MergedStretch,
  MergeReason,
  MergeRule,
  type Source,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Granularity, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { withBox } from "../src/blocks/patient-box.ts";
import {
  application,
  HEART_RATE,
  samplesOf,
  type TestApplication,
  type TestPatient,
  type World,
} from "./world.ts";

export const MINUTE = 60_000;
export const T0 = Date.UTC(2016, 3, 12, 6);

/** A source as its maker sends it. */
export interface Sender {
  /** Which of the makers. */
  readonly maker: number;
  readonly device: string;
  readonly granularity: Granularity;
}

export interface Sent extends Sender {
  /** Milliseconds after T0, ascending. */
  readonly times: readonly number[];
}

export const makers: readonly TestApplication[] = [application(), application()];

/** A sample of the line, or of a source: time after T0, value, source as its reader knows it. */
export type Told = readonly [number, number, string];

/** A source as a reader tells it from others. */
export function nameOf({ organization, deviceId, granularity }: Source): string {
  return `${organization} ${deviceId} ${granularity}`;
}

/** Stores samples, each with another value. */
export async function send(world: World, patient: TestPatient, sent: readonly Sent[], code = HEART_RATE) {
  for (const maker of makers) {
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [code],
    });
  }
  for (const [at, { maker, device, granularity, times }] of sent.entries()) {
    if (times.length === 0) continue;
    const by = makers[maker]!;
    const gapsMs = times.slice(1).map((time, i) => time - times[i]!);
    const series = {
      code: { code },
      unit: "/min",
      device: { identifier: device, model: "Band" },
      granularity,
      times: {
        start: { case: "startTime" as const, value: timestampFromMs(T0 + times[0]!) },
        spacing: gapsMs.length === 0 ? { case: undefined } : { case: "gaps" as const, value: { gapsMs } },
      },
      values: {
        case: "decimals" as const,
        value: { mantissas: times.map((_, i) => 1 + at * 40 + i) },
      },
    };
    const batch = { requestId: `r${at}`, patient: world.idFor(by, patient), series: [series] };
    await world.writer(by).appendSeries({ batch });
  }
}

export interface Asked {
  readonly patient: string;
  readonly from?: number;
  readonly to?: number;
  readonly organizations?: readonly string[];
  readonly pageSize?: number;
  readonly unit?: string;
}

export function mergeInit({ patient, from, to, organizations, pageSize = 0, unit = "" }: Asked) {
  return {
    patient,
    code: { code: HEART_RATE },
    purpose: Purpose.TREATMENT,
    rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE,
    pageSize,
    unit,
    interval: {
      ...(from === undefined ? {} : { startTime: timestampFromMs(T0 + from) }),
      ...(to === undefined ? {} : { endTime: timestampFromMs(T0 + to) }),
    },
    ...(organizations && { sources: { organizations: [...organizations] } }),
  };
}

type Reader = Client<typeof RecordsService>;

/** All pages of a line. */
export async function merged(reader: Reader, asked: Asked): Promise<MergedStretch[]> {
  const stretches: MergedStretch[] = [];
  let pageToken = "";
  do {
    const page = await reader.mergeSeries({ ...mergeInit(asked), pageToken });
    stretches.push(...page.stretches);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return stretches;
}

export function toldOf({ series, source }: MergedStretch): Told[] {
  return samplesOf(series!).map(([time, value]) => [time - T0, value, nameOf(source!)] as const);
}

/** What a reader sees of each source, in the order in which sources are told. */
export async function separate(reader: Reader, asked: Asked): Promise<Map<string, Told[]>> {
  const { rule: _, ...query } = mergeInit({ ...asked, pageSize: 10_000 });
  const { series } = await reader.querySeries(query);
  const bySource = new Map<string, Told[]>();
  for (const one of series) {
    const name = nameOf(one.source!);
    const samples = samplesOf(one.series!).map(([time, value]) => [time - T0, value, name] as const);
    bySource.set(name, [...(bySource.get(name) ?? []), ...samples]);
  }
  return bySource;
}

/** What the rule says of a minute, from the sources apart, each by name, and the places of their devices. */
export interface MinuteModel {
  readonly chosen: string;
  /** In the order of the rule. */
  readonly others: readonly string[];
}

/** The rule, as its comment in the contract has it: `placeOf` is the place in the patient's order, or Infinity. */
export function modelOf(
  bySource: ReadonlyMap<string, readonly Told[]>,
  placeOf: (source: string) => number,
): Map<number, MinuteModel> {
  const names = [...bySource.keys()];
  const fine = names.filter((name) => Number(name.split(" ")[2]) <= Granularity.MINUTE);
  const before = (a: string, b: string) =>
    placeOf(a) === placeOf(b)
      ? Number(a.split(" ")[2]) - Number(b.split(" ")[2]) || names.indexOf(a) - names.indexOf(b)
      : placeOf(a) - placeOf(b);
  const minutes = new Map<number, string[]>();
  for (const name of fine) {
    for (const minute of new Set(bySource.get(name)!.map(([time]) => Math.floor(time / MINUTE)))) {
      minutes.set(minute, [...(minutes.get(minute) ?? []), name]);
    }
  }
  return new Map(
    [...minutes].map(([minute, sources]) => {
      const [chosen, ...others] = sources.sort(before);
      return [minute, { chosen: chosen!, others }];
    }),
  );
}

/** What the model says of a stretch: who lost how many of its minutes, and why. */
export function whyOf(
  stretch: MergedStretch,
  model: ReadonlyMap<number, MinuteModel>,
  placeOf: (source: string) => number,
) {
  const minutes = new Set(toldOf(stretch).map(([time]) => Math.floor(time / MINUTE)));
  const lost = new Map<string, number>();
  for (const minute of minutes) {
    for (const other of model.get(minute)!.others) lost.set(other, (lost.get(other) ?? 0) + 1);
  }
  const chosen = placeOf(nameOf(stretch.source!));
  const nearest = Math.min(...[...lost.keys()].map(placeOf));
  const reason =
    lost.size === 0
      ? MergeReason.ONLY_SOURCE
      : nearest === chosen
        ? MergeReason.TIE_BREAK
        : nearest === Number.POSITIVE_INFINITY
          ? MergeReason.RANKED
          : MergeReason.FIRST_IN_ORDER;
  return { reason, lost };
}

/** A device's id as a party knows it, for example an organization; the patient is `installation`. */
export async function deviceId(
  { vault, pairwise }: World,
  { partition }: TestPatient,
  party: string,
  { maker, device }: Pick<Sender, "maker" | "device">,
): Promise<string> {
  const { organization } = makers[maker]!;
  const id = await withBox(vault, partition, (box) => box.deviceId(organization, device));
  return id === undefined ? "" : pairwise.outward(party, id);
}

/** Sets the patient's order. */
export async function rank(
  world: World,
  patient: TestPatient,
  senders: readonly Pick<Sender, "maker" | "device">[],
) {
  const devices = await Promise.all(
    senders.map(async (sender) => ({
      organization: makers[sender.maker]!.organization,
      deviceId: await deviceId(world, patient, "installation", sender),
    })),
  );
  const { priority } = await world.own(patient).setDevicePriority({ patient: world.ownId(patient), devices });
  return priority!;
}

/** The place of a source in the order, as a reader names the source. */
export async function placesFor(
  world: World,
  patient: TestPatient,
  party: string,
  senders: readonly Pick<Sender, "maker" | "device">[],
): Promise<(source: string) => number> {
  const names = await Promise.all(
    senders.map(async (sender) => {
      return `${makers[sender.maker]!.organization} ${await deviceId(world, patient, party, sender)}`;
    }),
  );
  return (source) => {
    const at = names.indexOf(source.split(" ").slice(0, 2).join(" "));
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  };
}
