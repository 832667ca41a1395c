import { createBoundedCache } from "./bounded-cache.ts";
import { seriesAttributes } from "./instruments.ts";
import type { Logger } from "./logger.ts";
import { createCounter } from "./metrics.ts";

/** Where damage lies: opaque ids alone, never what the document says. */
export interface DamagedDocument {
  readonly collection: string;
  /** The document's key, partition first: what an operator hands to `wellapi check`. */
  readonly document: readonly string[];
  /** What failed, in a few words without data. */
  readonly what: string;
}

/** Reports a damaged document once a process, and counts damaged documents. */
export interface DamageReporter {
  report(damaged: DamagedDocument, cause: unknown): void;
}

/**
 * Up to this many documents are remembered; a document beyond them is logged each time: the log then shows that much
 * is lost.
 */
const MOST_KNOWN = 10_000;

const damagedDocuments = createCounter("damagedDocuments");

/** `store`: the service's name, as the metrics of its store have it. */
export function createDamageReporter(options: {
  readonly store: string;
  readonly log: Logger;
  readonly most?: number;
}): DamageReporter {
  const { store, log, most = MOST_KNOWN } = options;
  const known = createBoundedCache<true>({ name: "known-damage", capacity: most });
  // Adds 0, so that the metric exists and shows that damage is counted.
  damagedDocuments.add(0, { [seriesAttributes.store]: store });
  return {
    report({ collection, document, what }, cause) {
      const name = JSON.stringify([collection, document, what]);
      if (known.get(name)) return;
      // Beyond the capacity the one that was used longest ago is forgotten: it is reported again if it is read again.
      known.set(name, true);
      damagedDocuments.add(1, {
        [seriesAttributes.store]: store,
        [seriesAttributes.collection]: collection,
      });
      log.error(
        { err: cause, service: store, collection, document: document.join(" "), reason: what },
        "a stored document is damaged: run `wellapi check`",
      );
    },
  };
}
