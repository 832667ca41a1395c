import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  StreamObservationsRequestSchema,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { addSample, type Checksum, emptyChecksum } from "./checksum.ts";
import { loadMonths } from "./months.ts";

/** LOINC: heart rate. */
export const heartRate = "8867-4";

/**
 * - `series`: real months, so many samples a message;
 * - `minutes`: real values, one each minute without a gap, so that a year has 525,600;
 * - `worst`: the same shape with noise for values (20 bits) and irregular times, which nothing compresses;
 * - `observations`: real months, one observation a sample.
 */
export type Shape = "series" | "minutes" | "worst" | "observations";

/** Messages ready to be sent, and what must be read back of them. */
export interface Prepared {
  readonly messages: readonly Buffer[];
  /** Samples or observations in all. */
  readonly samples: number;
  /** By patient. */
  readonly expected: ReadonlyMap<string, Checksum>;
}

/** Makes messages one after another; none repeats a time of the same patient. */
export interface Input {
  prepare(messages: number): Prepared;
}

const minute = 60_000;
const day = 86_400_000;
/** Tiles lie this far apart, more than a file spans. From 1950 to now is room for 550 of them a patient. */
const tileMs = 50 * day;
/** The first sample's tile. */
export const beginning = Date.UTC(1950, 0, 1);

export interface InputOptions {
  readonly shape: Shape;
  /** The sender's ids of the patients: messages go to them in turns. */
  readonly patients: readonly string[];
  readonly samplesPerMessage: number;
  /** Makes request ids unique among several inputs. */
  readonly name: string;
}

interface Samples {
  readonly times: number[];
  readonly values: number[];
}

export function createInput({ shape, patients, samplesPerMessage, name }: InputOptions): Input {
  const chunks = loadMonths().map((month) => {
    const count = Math.floor(month.offsets.length / samplesPerMessage);
    return Array.from({ length: count }, (_, i) => {
      const [from, to] = [i * samplesPerMessage, (i + 1) * samplesPerMessage];
      return { offsets: month.offsets.slice(from, to), values: month.values.slice(from, to) };
    });
  });
  const random = createRandom(42);
  let sent = 0;

  function samplesOf(place: number, round: number): Samples {
    const person = chunks[place % chunks.length]!;
    const tile = beginning + Math.floor(round / person.length) * tileMs;
    const { offsets, values } = person[round % person.length]!;
    if (shape === "minutes") {
      const first = beginning + round * values.length * minute;
      return { times: values.map((_, i) => first + i * minute), values: [...values] };
    }
    if (shape !== "worst") return { times: offsets.map((offset) => tile + offset), values: [...values] };
    let time = tile + offsets[0]!;
    return {
      times: offsets.map(() => {
        time += 1 + Math.floor(random() * 50_000);
        return time;
      }),
      values: offsets.map(() => Math.floor(random() * 300_000) + 10_000),
    };
  }

  return {
    prepare(count) {
      const expected = new Map<string, Checksum>();
      const messages: Buffer[] = [];
      for (let i = 0; i < count; i++, sent++) {
        const place = sent % patients.length;
        const patient = patients[place]!;
        const samples = samplesOf(place, Math.floor(sent / patients.length));
        const checksum = expected.get(patient) ?? emptyChecksum();
        expected.set(patient, checksum);
        for (const [j, time] of samples.times.entries()) addSample(checksum, time, samples.values[j]!);
        const requestId = `${name}-${sent}`;
        messages.push(
          shape === "observations"
            ? observationsMessage(requestId, patient, samples)
            : seriesMessage(requestId, patient, samples, shape === "worst" ? 3 : 0),
        );
      }
      return { messages, samples: count * samplesPerMessage, expected };
    },
  };
}

function seriesMessage(requestId: string, patient: string, samples: Samples, scale: number): Buffer {
  const { times, values } = samples;
  const gapsMs = times.slice(1).map((time, i) => time - times[i]!);
  const period = gapsMs[0] ?? 60_000;
  const regular = gapsMs.every((gap) => gap === period);
  const message = create(StreamSeriesRequestSchema, {
    batch: {
      requestId,
      patient,
      series: [
        {
          code: { code: heartRate },
          unit: "/min",
          device: { identifier: "bench", model: "Charge HR" },
          times: {
            start: { case: "startTime", value: timestampFromMs(times[0]!) },
            utcOffsetMinutes: 0,
            spacing: regular ? { case: "periodMs", value: period } : { case: "gaps", value: { gapsMs } },
          },
          values: { case: "decimals", value: { scale, mantissas: values } },
        },
      ],
    },
  });
  return Buffer.from(toBinary(StreamSeriesRequestSchema, message));
}

function observationsMessage(requestId: string, patient: string, { times, values }: Samples): Buffer {
  const message = create(StreamObservationsRequestSchema, {
    batch: {
      requestId,
      patient,
      observations: times.map(
        (time, i): MessageInitShape<typeof ObservationSchema> => ({
          code: { code: heartRate },
          effective: { case: "effectiveTime", value: timestampFromMs(time) },
          utcOffsetMinutes: 0,
          value: { case: "quantity", value: { value: String(values[i]), unit: "/min" } },
          device: { identifier: "bench", model: "Charge HR" },
        }),
      ),
    },
  });
  return Buffer.from(toBinary(StreamObservationsRequestSchema, message));
}

/** mulberry32: the same noise in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
