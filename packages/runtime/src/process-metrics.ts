import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { seriesAttributes } from "./instruments.ts";
import { observeGauge } from "./metrics.ts";

const nanoseconds = 1e9;

/**
 * The process itself: delays of its event loop since the export before, its heap by space, and its memory. Returns how to
 * stop. It costs a timer of 10 ms, so only a process that exports has it.
 */
export function observeProcess(): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const seconds = (value: number) => [{ value: value / nanoseconds }];
  const spaces = (size: "space_used_size" | "space_size") => () =>
    getHeapSpaceStatistics().map((space) => ({
      value: space[size],
      attributes: { [seriesAttributes.heapSpace]: space.space_name },
    }));
  const stops = [
    observeGauge("eventLoopDelayMedian", () => seconds(delay.percentile(50))),
    observeGauge("eventLoopDelayP99", () => seconds(delay.percentile(99))),
    // The last of the three that an export reads.
    observeGauge("eventLoopDelayMax", () => {
      const { max } = delay;
      delay.reset();
      return seconds(max);
    }),
    observeGauge("heapUsed", spaces("space_used_size")),
    observeGauge("heapSize", spaces("space_size")),
    observeGauge("processMemory", () => [{ value: process.memoryUsage.rss() }]),
  ];
  return () => {
    delay.disable();
    for (const stop of stops) stop();
  };
}
