import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** UTC milliseconds; 0 where there is none. */
export function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1_000_000);
}

/** Of UTC milliseconds. */
export function timestampOf(ms: number): { readonly seconds: bigint; readonly nanos: number } {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1_000) * 1_000_000 };
}
