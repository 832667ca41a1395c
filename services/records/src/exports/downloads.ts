import type { Clock } from "@wellapi/runtime";
import {
  categoryOfKey,
  codesOfCategories,
  DATA_CATEGORY_SYSTEM,
  type Terminology,
} from "@wellapi/terminology";
import { isWithoutKey, type Vault } from "@wellapi/vault";
import { RecordsError } from "../errors.ts";
import type { Gate } from "../gate/gate.ts";
import type { Intent } from "../gate/intent.ts";
import { requireOwn } from "../gate/own-subject.ts";
import { type DownloadTerms, isFor, type PreparedDownload, preparedDownload } from "./download.ts";

export interface DownloadsDeps {
  readonly gate: Gate;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly terminology: Pick<Terminology, "codesOf" | "currentVersion" | "sets">;
}

/** A patient's own record on its way out. */
export interface Downloads {
  /** What to seal for the caller, and the entry that says that it may leave. Throws CONSENT_REQUIRED, VaultError `destroyed`. */
  prepare(
    intent: Intent,
    terms: DownloadTerms,
  ): Promise<{ readonly prepared: PreparedDownload; readonly access: string }>;
  /**
   * What leaves, and the entry that says so. `sealed`: undefined where the caller has none that holds. Throws DOWNLOAD_ENDED, and as
   * `prepare`.
   */
  open(
    intent: Intent,
    sealed: PreparedDownload | undefined,
  ): Promise<{ readonly terms: DownloadTerms; readonly codes: readonly string[]; readonly access: string }>;
}

export function createDownloads({ gate, vault, clock, terminology }: DownloadsDeps): Downloads {
  /** Codes, and keys of clinical records, as the entry and the reads have them. */
  const keysOf = (categories: readonly string[]): readonly string[] =>
    [
      ...codesOfCategories(
        terminology,
        categories.map((one) => `${DATA_CATEGORY_SYSTEM}|${one}`),
      ),
    ].sort();

  /** `about`: throws what refuses it. Resolves with the entry. */
  async function leave<T>(
    intent: Intent,
    about: () => { readonly terms: DownloadTerms; readonly told: T },
  ): Promise<{ readonly told: T; readonly access: string }> {
    const subject = gate.subject(intent.caller, intent.patient);
    try {
      requireOwn(subject);
      const { terms, told } = about();
      try {
        await vault.key(subject.partition, "data");
      } catch (error) {
        if (!isWithoutKey(error)) throw error;
      }
      const { categories, interval } = terms;
      const entered = { ...intent, codes: keysOf(categories), interval };
      return { told, access: await gate.record(entered, subject, {}) };
    } catch (error) {
      throw await gate.refusal(intent, subject, error);
    }
  }

  const actorOf = ({ caller }: Intent): string => caller.principal.actor?.id ?? "";

  return {
    async prepare(intent, terms) {
      const prepared = preparedDownload(terms, actorOf(intent), clock.now());
      const { access } = await leave(intent, () => ({ terms, told: prepared }));
      return { prepared, access };
    },
    async open(intent, sealed) {
      const { told, access } = await leave(intent, () => {
        if (sealed === undefined || !isFor(sealed, actorOf(intent), clock.now()))
          throw new RecordsError("DOWNLOAD_ENDED");
        return { terms: sealed, told: sealed };
      });
      const codes = keysOf(told.categories).filter((key) => categoryOfKey(key) === undefined);
      return { terms: told, codes, access };
    },
  };
}
