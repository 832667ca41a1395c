import type { GrpcStreamBound } from "../bounds/grpc-stream.ts";
import type { StreamLoad } from "../load/stream.ts";
import { streamAck } from "./acks.ts";
import { createTls } from "./certificates.ts";
import { closing } from "./closing.ts";
import type { Shape } from "./input.ts";
import { usageOf } from "./process-usage.ts";
import { startProgram } from "./program.ts";
import { assertReadBack } from "./read-back.ts";
import type { Size } from "./result.ts";
import { type Comparison, compare, type Measurement, secondsOf } from "./runner.ts";
import { openWorld, type World } from "./world.ts";

export const streamPaths = {
  series: "/wellapi.ingestion.v1.IngestionService/StreamSeries",
  minutes: "/wellapi.ingestion.v1.IngestionService/StreamSeries",
  worst: "/wellapi.ingestion.v1.IngestionService/StreamSeries",
  observations: "/wellapi.ingestion.v1.IngestionService/StreamObservations",
} satisfies Record<Shape, string>;

export interface StreamVariant {
  readonly name: string;
  readonly shape: Shape;
  readonly streams: number;
  readonly samplesPerMessage: number;
  readonly messages: number;
}

/** The bare stream takes all messages in a tenth of a second: so often, for a time that can be measured. */
export const boundRounds = 5;

/** Ingest on streams beside the bare stream, samples a second; reads everything back after a restart. */
export async function compareStreams(
  size: Size,
  patients: number,
  variants: readonly StreamVariant[],
): Promise<ReadonlyMap<StreamVariant, Comparison>> {
  return closing(async (push) => {
    const world = await openWorld({ patients }, push);
    const tls = await createTls();
    const results = new Map<StreamVariant, Comparison>();
    const checks: (() => Promise<void>)[] = [];
    // Each variant has its own patients, so that no time of one patient comes twice.
    const share = Math.floor(patients / variants.length);
    for (const [i, variant] of variants.entries()) {
      const load = startProgram<StreamLoad>("load/stream.ts");
      push(load.stop);
      const bound = startProgram<GrpcStreamBound>("bounds/grpc-stream.ts");
      push(bound.stop);
      const { shape, samplesPerMessage, streams } = variant;
      const ack = streamAck(shape === "observations" ? samplesPerMessage : 1);
      const path = streamPaths[shape];
      const port = await bound.call("open", { tls, paths: [path], ack });
      await load.call("describe", {
        shape,
        samplesPerMessage,
        name: `bench-${i}`,
        patients: world.patients.slice(i * share, (i + 1) * share).map(({ atMaker }) => atMaker),
      });
      let prepared = { samples: 0, bytes: 0 };
      const product = async (): Promise<Measurement> => {
        prepared = await load.call("prepare", variant.messages);
        const before = usageOf(world.server.pid);
        const { seconds } = await load.call("send", { target: world.target, path, streams });
        const cpu = usageOf(world.server.pid).cpuSeconds - before.cpuSeconds;
        const details = {
          "wire bytes/sample": prepared.bytes / prepared.samples,
          "server CPU us/message": (cpu / variant.messages) * 1e6,
        };
        return { value: prepared.samples / seconds, details };
      };
      const bare = async (): Promise<Measurement> => {
        const target = { address: `localhost:${port}`, tls };
        const before = usageOf(bound.pid);
        const seconds = await secondsOf(boundRounds, () => load.call("send", { target, path, streams }));
        const cpu = usageOf(bound.pid).cpuSeconds - before.cpuSeconds;
        const details = { "bound CPU us/message": (cpu / (boundRounds * variant.messages)) * 1e6 };
        return { value: (boundRounds * prepared.samples) / seconds, details };
      };
      const { boundDetails, ...comparison } = await compare(size, product, bare, world.toggleProfile);
      results.set(variant, {
        ...comparison,
        boundDetails,
        details: { ...comparison.details, ...boundDetails },
      });
      const expected = await load.call("expected", undefined as never);
      checks.push(() => assertReadBack(world.target, shape, expected));
      await load.stop();
      await bound.stop();
    }
    await world.restart();
    for (const check of checks) await check();
    return results;
  });
}

/** Sends so many messages, in portions, and keeps what must read back. */
export async function fill(
  world: World,
  options: {
    readonly name: string;
    readonly shape: Shape;
    readonly patients: readonly string[];
    readonly samplesPerMessage: number;
    readonly messages: number;
    readonly streams?: number;
    /** Messages prepared at a time. */
    readonly portion?: number;
  },
) {
  const { messages, streams = 4, portion = 5_000, ...input } = options;
  return closing(async (push) => {
    const load = startProgram<StreamLoad>("load/stream.ts");
    push(load.stop);
    await load.call("describe", input);
    for (let sent = 0; sent < messages; sent += portion) {
      await load.call("prepare", Math.min(portion, messages - sent));
      await load.call("send", { target: world.target, path: streamPaths[input.shape], streams });
    }
    return load.call("expected", undefined as never);
  });
}
