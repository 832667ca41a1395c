import { createLoop, type Logger } from "@wellapi/runtime";
import { ConsentError } from "../errors.ts";
import type { DeathRepository, KeptReport } from "./death-repository.ts";
import type { DeathDirectory } from "./directory-client.ts";

/** Lets identity, and by it people, know of reports: at once, and until it knows. */
export interface DeathTelling {
  /** Never throws: what could not be told is told later. */
  tell(kept: KeptReport): Promise<void>;
  /** Throws `unavailable`: identity does not go by it yet, and is told later. */
  tellNow(kept: KeptReport): Promise<void>;
  close(): Promise<void>;
}

const everyMs = 15_000;
const atOnce = 100;

/** Tells at once what a stopped replica left untold. Two replicas may tell the same twice. */
export function openDeathTelling(deps: {
  readonly reports: Pick<DeathRepository, "untold" | "tick">;
  readonly directory: Pick<DeathDirectory, "apply">;
  readonly log: Logger;
}): DeathTelling {
  const { reports, directory, log } = deps;
  const onError = (err: unknown) =>
    log.warn({ err }, "identity could not be told of the report of a death; trying again");

  async function tell(kept: KeptReport): Promise<void> {
    await directory.apply(kept);
    await reports.tick(kept);
  }

  const loop = createLoop({
    everyMs,
    atOnce: true,
    async work(signal) {
      for (const kept of await reports.untold(atOnce)) {
        if (signal.aborted) return;
        await tell(kept);
      }
    },
    onError,
  });
  return {
    tell: (kept) => tell(kept).catch(onError),
    async tellNow(kept) {
      try {
        await tell(kept);
      } catch (cause) {
        onError(cause);
        const message =
          "the decision holds for all data; that sign-ins and tokens go by it is not certain yet: send the same again";
        throw new ConsentError("unavailable", { cause, message });
      }
    },
    close: () => loop.close(),
  };
}
