import type { Logger } from "@wellapi/runtime";
import { ConsentError } from "../errors.ts";
import { openTelling, type Telling } from "../standing/telling.ts";
import type { DeathRepository, KeptReport } from "./death-repository.ts";
import type { DeathDirectory } from "./directory-client.ts";

/** Lets identity, and by it people, know of reports. `tellNow` throws `unavailable`: identity does not go by it yet. */
export type DeathTelling = Telling<KeptReport>;

export function openDeathTelling(deps: {
  readonly reports: Pick<DeathRepository, "untold" | "tick">;
  readonly directory: Pick<DeathDirectory, "apply">;
  readonly log: Logger;
}): DeathTelling {
  const { reports, directory, log } = deps;
  const telling = openTelling<KeptReport>({
    untold: (limit) => reports.untold(limit),
    async tellOnce(kept) {
      await directory.apply(kept);
      await reports.tick(kept);
    },
    failed: "identity could not be told of the report of a death; trying again",
    log,
  });
  return {
    ...telling,
    async tellNow(kept) {
      try {
        await telling.tellNow(kept);
      } catch (cause) {
        const message =
          "the decision holds for all data; that sign-ins and tokens go by it is not certain yet: send the same again";
        throw new ConsentError("unavailable", { cause, message });
      }
    },
  };
}
