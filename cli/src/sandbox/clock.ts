import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import type { Output } from "../output.ts";

/**
 * Tells what time it is for the caller's organization, after its clock was moved by `forwardSeconds`; undefined: it stays. What is asked for
 * is how far it is ahead all in all, so a call that is sent again moves it once.
 */
export async function moveClock(
  caller: Transport,
  forwardSeconds: number | undefined,
  output: Output,
): Promise<void> {
  const sandbox = createClient(SandboxService, caller);
  const { organization, ...before } = await sandbox.getSandbox({});
  const ahead = before.clockAhead?.seconds ?? 0n;
  const { currentTime, clockAhead } =
    forwardSeconds === undefined
      ? before
      : await sandbox.moveClock({ clockAhead: { seconds: ahead + BigInt(forwardSeconds) } });
  const time = timestampDate(currentTime!).toISOString();
  const aheadSeconds = Number(clockAhead?.seconds ?? 0n);
  output.object({ organization, currentTime: time, aheadSeconds }, () =>
    aheadSeconds === 0
      ? `${time} is the time for ${organization}: its clock was never moved`
      : `${time} is the time for ${organization}, ${daysOf(aheadSeconds)} ahead of the true time`,
  );
}

function daysOf(seconds: number): string {
  const days = Number((seconds / 86_400).toFixed(3));
  return days === 1 ? "1 day" : `${days} days`;
}
