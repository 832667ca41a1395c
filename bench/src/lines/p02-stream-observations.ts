import type { Line } from "../result.ts";
import { compareStreams } from "../stream-line.ts";

export const streamObservations: Line = {
  name: "P2",
  title: "observations stream, 100 a message",
  async run(size) {
    const variant = {
      name: "four streams",
      shape: "observations" as const,
      streams: 4,
      samplesPerMessage: 100,
      messages: size.quick ? 200 : 2_000,
    };
    const results = await compareStreams(size, size.quick ? 8 : 32, [variant]);
    const { value, bound, ratio, spread, details } = results.get(variant)!;
    return [
      {
        id: "P2",
        value,
        unit: "observations/s",
        bound,
        ratio,
        spread,
        goal: "at least 60,000 observations/s",
        met: value >= 60_000,
        details,
      },
    ];
  },
};
