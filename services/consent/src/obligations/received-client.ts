import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import type { DisclosedCategory } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { type Received, receivedIn } from "./obligation.ts";

/** A log that does not answer is asked again later. */
const timeoutMs = 30_000;

export interface ReceivedClient {
  /**
   * What an organization received of a patient under a consent since `from`, by the log as it is now: the whole of it, however many
   * entries there are. Throws ConnectError.
   */
  received(asked: {
    readonly partition: string;
    readonly organization: string;
    readonly consent: string;
    /** UTC milliseconds. */
    readonly from: number;
  }): Promise<readonly Received[]>;
}

/** `audit`: calls audit, as this service. */
export function createReceivedClient(audit: Transport): ReceivedClient {
  const directory = createClient(AccessDirectoryService, audit);
  return {
    async received({ from, ...asked }) {
      const parts: Received[][] = [];
      for (let to: number | undefined; ; ) {
        const interval = {
          startTime: timestampFromMs(from),
          ...(to !== undefined && { endTime: timestampFromMs(to) }),
        };
        const answer = await directory.describeReceived({ ...asked, interval }, { timeoutMs });
        parts.push(answer.categories.map(receivedOf));
        const looked = answer.interval?.startTime;
        const since = looked === undefined ? from : timestampMs(looked);
        // The log looks through so many entries at a time, from the newest on.
        if (since <= from) return receivedIn(parts);
        to = since;
      }
    },
  };
}

function receivedOf({ category, figures }: DisclosedCategory): Received {
  return {
    category,
    reads: Number(figures?.reads ?? 0n),
    values: Number(figures?.values ?? 0n),
    unknownAmountReads: Number(figures?.unknownAmountReads ?? 0n),
    firstTime: figures?.firstTime === undefined ? 0 : timestampMs(figures.firstTime),
    lastTime: figures?.lastTime === undefined ? 0 : timestampMs(figures.lastTime),
  };
}
