import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** The last value of one series that a process exported. */
export interface Point {
  readonly service: string;
  /** `service.instance.id`: of this process and no other. */
  readonly instance: string;
  readonly name: string;
  readonly unit: string;
  readonly type: "gauge" | "counter" | "up-down-counter" | "histogram";
  readonly attributes: Readonly<Record<string, string>>;
  /** Of a histogram the number of values. */
  readonly value: number;
  /** Of a histogram. */
  readonly sum: number;
}

/** One step of a trace. Ids are hexadecimal. */
export interface Span {
  readonly service: string;
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  /** Empty for the first of a trace. */
  readonly parent: string;
  /** As OTLP numbers it: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly links: ReadonlyArray<{ readonly trace: string; readonly id: string }>;
  /** `service.version` of the process. */
  readonly version: string;
}

/** A collector: takes OTLP over HTTP in protobuf, as a real one does, and remembers metrics and spans. */
export interface OtlpSink {
  /** `OTEL_...` settings that send metrics here every 100 ms. */
  readonly env: Readonly<Record<string, string>>;
  /** What the last export of each process held. */
  points(name: string): readonly Point[];
  all(): readonly Point[];
  /** Every span so far. */
  spans(): readonly Span[];
  /** Every point of each export from now on. */
  onPoint(listener: (point: Point) => void): void;
  /** Resolves with what `find` gives once it is not undefined, asked after each export. Throws after `withinMs`. */
  until<T>(find: () => T | undefined, withinMs?: number): Promise<T>;
  close(): void;
}

export async function openOtlpSink(): Promise<OtlpSink> {
  const processes = new Map<string, readonly Point[]>();
  const listeners = new Set<(point: Point) => void>();
  const waiting = new Set<() => void>();
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.end();
    if (request.url === "/v1/traces") spans.push(...decodeSpans(Buffer.concat(chunks)));
    if (request.url === "/v1/metrics") remember(Buffer.concat(chunks));
    for (const look of waiting) look();
  });
  const remember = (bytes: Uint8Array): void => {
    for (const [process, points] of decodeExport(bytes)) {
      processes.set(process, points);
      for (const point of points) for (const listener of listeners) listener(point);
    }
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const all = () => [...processes.values()].flat();
  return {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    },
    all,
    spans: () => spans,
    points: (name) => all().filter((point) => point.name === name),
    onPoint: (listener) => void listeners.add(listener),
    until(find, withinMs = 15_000) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = find();
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`not exported within ${withinMs} ms: ${find}`));
        }, withinMs);
        waiting.add(look);
        look();
      });
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function decodeSpans(bytes: Uint8Array): readonly Span[] {
  const hex = (span: Fields, field: number) =>
    Buffer.from((span.get(field)?.[0] as Uint8Array | undefined) ?? []).toString("hex");
  return messages(fieldsOf(bytes), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0]!, 1);
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(scope, 2))
      .map((span) => ({
        service: resource["service.name"] ?? "",
        version: resource["service.version"] ?? "",
        name: text(span, 5),
        trace: hex(span, 1),
        id: hex(span, 2),
        parent: hex(span, 4),
        kind: Number(span.get(6)?.[0] ?? 0),
        attributes: attributesOf(span, 9),
        links: messages(span, 13).map((link) => ({ trace: hex(link, 1), id: hex(link, 2) })),
      }));
  });
}

/** The fields of a message by their numbers (opentelemetry-proto, metrics/v1 and trace/v1). */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

function decodeExport(bytes: Uint8Array): ReadonlyMap<string, readonly Point[]> {
  const processes = new Map<string, Point[]>();
  for (const resourceMetrics of messages(fieldsOf(bytes), 1)) {
    const resource = attributesOf(messages(resourceMetrics, 1)[0]!, 1);
    const service = resource["service.name"] ?? "";
    const instance = resource["service.instance.id"] ?? "";
    const points = messages(resourceMetrics, 2)
      .flatMap((scope) => messages(scope, 2))
      .flatMap((metric) => pointsOf(metric).map((point) => ({ service, instance, ...point })));
    processes.set(instance, [...(processes.get(instance) ?? []), ...points]);
  }
  return processes;
}

function pointsOf(metric: Fields): readonly Omit<Point, "service" | "instance">[] {
  const name = text(metric, 1);
  const unit = text(metric, 3);
  const [gauge] = messages(metric, 5);
  const [sum] = messages(metric, 7);
  const [histogram] = messages(metric, 9);
  if (histogram) {
    return messages(histogram, 1).map((point) => ({
      name,
      unit,
      type: "histogram",
      attributes: attributesOf(point, 9),
      value: Number(new DataView(bytesOf(point, 4)).getBigUint64(0, true)),
      sum: number(point, 5),
    }));
  }
  const type = gauge ? "gauge" : Number(sum?.get(3)?.[0] ?? 0) === 1 ? "counter" : "up-down-counter";
  return messages((gauge ?? sum)!, 1).map((point) => ({
    name,
    unit,
    type,
    attributes: attributesOf(point, 7),
    value: point.has(4) ? number(point, 4) : Number(new DataView(bytesOf(point, 6)).getBigInt64(0, true)),
    sum: 0,
  }));
}

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const value =
      wireType === WireType.LengthDelimited
        ? reader.bytes()
        : wireType === WireType.Varint
          ? Number(reader.uint64())
          : reader.skip(wireType, field);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function messages(fields: Fields, field: number): readonly Fields[] {
  return (fields.get(field) ?? []).map((value) => fieldsOf(value as Uint8Array));
}

function text(fields: Fields, field: number): string {
  return Buffer.from((fields.get(field)?.[0] as Uint8Array | undefined) ?? []).toString();
}

function bytesOf(fields: Fields, field: number): ArrayBuffer {
  return new Uint8Array(fields.get(field)![0] as Uint8Array).buffer;
}

function number(fields: Fields, field: number): number {
  return new DataView(bytesOf(fields, field)).getFloat64(0, true);
}

function attributesOf(fields: Fields, field: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    messages(fields, field).map((pair) => {
      const [value] = messages(pair, 2);
      return [text(pair, 1), value?.has(1) ? text(value, 1) : String(value?.get(3)?.[0] ?? "")];
    }),
  );
}
