import type { Line } from "../result.ts";
import { compareStreams, type StreamVariant } from "../stream-line.ts";

const goal = "at least 0.35 of the bare stream, and over 2,000,000 samples/s on 2 cores";

export const streamSeries: Line = {
  name: "P1",
  title: "bidirectional streams, series of 1,000 samples a message",
  async run(size) {
    const messages = size.quick ? 200 : 6_000;
    const common = { samplesPerMessage: 1_000, messages };
    const variants: StreamVariant[] = [
      { ...common, name: "one stream", shape: "series", streams: 1 },
      { ...common, name: "eight streams", shape: "series", streams: 8 },
      { ...common, name: "eight streams, noise", shape: "worst", streams: 8 },
    ];
    const results = await compareStreams(size, size.quick ? 24 : 96, variants);
    return [...results].map(([variant, { value, bound, ratio, spread, details }]) => ({
      id: `P1 ${variant.name}`,
      value,
      unit: "samples/s",
      bound,
      ratio,
      spread,
      goal: variant.shape === "worst" ? "none: the worst that a sensor can send" : goal,
      met: variant.shape === "worst" ? null : ratio >= 0.35 && value > 2_000_000,
      details,
    }));
  },
};
