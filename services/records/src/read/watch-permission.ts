import type { Clock } from "@wellapi/runtime";
import type { CommitHub } from "../blocks/commit-hub.ts";
import { RecordsError } from "../errors.ts";
import { asRecordsError } from "../gate/failure-convert.ts";
import type { CodePermit } from "../gate/permit.ts";
import type { OpenRead } from "../gate/reading.ts";
import { ALWAYS } from "../model/interval.ts";

/** How long it waits before it asks again while consent is undecided. */
const ASK_AGAIN_MS = 250;
/** How long decisions may fail before the stream ends. Nothing is sent meanwhile. */
const UNDECIDED_FOR_MS = 2_000;

/** What a watch may send. */
export interface Permission {
  /**
   * Decides again for every code. If it is undecided, it is tried again for two seconds; a denial and a cancellation
   * throw.
   */
  renew(signal: AbortSignal): Promise<ReadonlyMap<string, CodePermit>>;
}

export function createPermission(
  { hub, clock }: { readonly hub: CommitHub; readonly clock: Clock },
  read: OpenRead,
  opened: readonly CodePermit[],
): Permission {
  const { codes } = read.intent;
  let signature = signatureOf(opened);

  async function decide(): Promise<readonly CodePermit[]> {
    return Promise.all(codes.map((code) => read.codePermit(code, ALWAYS)));
  }

  return {
    async renew(signal) {
      const since = clock.monotonic();
      const wakes = hub.subscribe(read.subject.partition);
      try {
        for (;;) {
          signal.throwIfAborted();
          try {
            const codePermits = await decide();
            if (signatureOf(codePermits) !== signature) await read.changed(codePermits);
            signature = signatureOf(codePermits);
            return new Map(codes.map((code, i) => [code, codePermits[i]!]));
          } catch (error) {
            const problem = asRecordsError(error);
            const undecided = problem instanceof RecordsError && problem.code === "UNDECIDED";
            if (!undecided || clock.monotonic() - since > UNDECIDED_FOR_MS) throw problem;
          }
          await wakes.wait(ASK_AGAIN_MS, signal);
        }
      } finally {
        wakes.close();
      }
    },
  };
}

function signatureOf(codePermits: readonly CodePermit[]): string {
  return codePermits.map(({ signature }) => signature).join("|");
}
