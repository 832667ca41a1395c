import { type Attributes, type MetricOptions, metrics } from "@opentelemetry/api";
import { type Instrument, instruments } from "./instruments.ts";

/** One value of a gauge now. Attributes name no person, organization, credential or record. */
export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

export interface Counter {
  add(value: number, attributes?: Attributes): void;
}

export interface Histogram {
  /** In the instrument's unit. */
  record(value: number, attributes?: Attributes): void;
}

type Named<K extends Instrument["kind"]> = {
  [N in keyof typeof instruments]: (typeof instruments)[N] extends { readonly kind: K } ? N : never;
}[keyof typeof instruments];

const scope = "@wellapi/runtime";

/** Counts up, or up and down. Made at the first use, for the providers may be registered after it is asked for. */
export function createCounter(name: Named<"counter" | "up-down-counter">): Counter {
  const instrument: Instrument = instruments[name];
  const make = () =>
    instrument.kind === "counter"
      ? metrics.getMeter(scope).createCounter(instrument.name, optionsOf(instrument))
      : metrics.getMeter(scope).createUpDownCounter(instrument.name, optionsOf(instrument));
  let made: ReturnType<typeof make> | undefined;
  return {
    add(value, attributes) {
      made ??= make();
      made.add(value, attributes);
    },
  };
}

/** Made at the first use, as a counter. */
export function createHistogram(name: Named<"histogram">): Histogram {
  const instrument: Instrument = instruments[name];
  const make = () => metrics.getMeter(scope).createHistogram(instrument.name, optionsOf(instrument));
  let made: ReturnType<typeof make> | undefined;
  return {
    record(value, attributes) {
      made ??= make();
      made.record(value, attributes);
    },
  };
}

/**
 * Reads the gauge's values at each export, until the returned function is called. A value that cannot be read is
 * exported as NaN, with which no alert compares: otherwise the SDK would repeat the last value for ever, and a lag of
 * 0 would be false. The failed read has been logged by its reader.
 */
export function observeGauge(
  name: Named<"gauge">,
  read: () => readonly Observation[] | Promise<readonly Observation[]>,
): () => void {
  const instrument: Instrument = instruments[name];
  const gauge = metrics.getMeter(scope).createObservableGauge(instrument.name, optionsOf(instrument));
  const known = new Map<string, Attributes>();
  const callback = async (result: { observe(value: number, attributes?: Attributes): void }) => {
    const observations = await Promise.resolve()
      .then(read)
      .catch(() => []);
    const unknown = new Map(known);
    for (const { value, attributes = {} } of observations) {
      const key = JSON.stringify(attributes);
      known.set(key, attributes);
      unknown.delete(key);
      result.observe(value, attributes);
    }
    for (const attributes of unknown.values()) result.observe(Number.NaN, attributes);
  };
  gauge.addCallback(callback);
  return () => gauge.removeCallback(callback);
}

/** Asks for the counts at each export, as long as the function given back is not called. They only grow. */
export function observeCounter(name: Named<"counter">, read: () => readonly Observation[]): () => void {
  const instrument: Instrument = instruments[name];
  const counter = metrics.getMeter(scope).createObservableCounter(instrument.name, optionsOf(instrument));
  const callback = (result: { observe(value: number, attributes?: Attributes): void }) => {
    for (const { value, attributes } of read()) result.observe(value, attributes);
  };
  counter.addCallback(callback);
  return () => counter.removeCallback(callback);
}

function optionsOf({ unit, description, boundaries }: Instrument): MetricOptions {
  return {
    unit,
    description,
    ...(boundaries && { advice: { explicitBucketBoundaries: [...boundaries] } }),
  };
}
