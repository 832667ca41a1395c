import type { Clock } from "@wellapi/runtime";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { tenantOf } from "../gate/subject.ts";
import { type Export, type ExportTerms, isOver, isSame, MOST_EXPORTS, newExport } from "./export.ts";
import type { ExportRepository } from "./export-repository.ts";

export interface ExportsDeps {
  readonly repository: ExportRepository;
  readonly clock: Clock;
}

const MAX_ATTEMPTS = 16;

/** Exports of organizations. */
export interface Exports {
  /** Throws REQUEST_ID_REUSED, TOO_MANY_EXPORTS. */
  create(intent: Intent, requestId: string, terms: ExportTerms): Promise<Export>;
  /** Throws NOT_FOUND. */
  get(intent: Intent, id: string): Promise<Export>;
  cancel(intent: Intent, id: string): Promise<void>;
}

export function createExports({ repository, clock }: ExportsDeps): Exports {
  async function load(organization: string, id: string) {
    const stored = await repository.load(organization, id);
    if (stored === undefined || isOver(stored.export, clock.now())) throw new RecordsError("NOT_FOUND");
    return stored;
  }

  /** Deletes what is over, and throws where there is no room for another one. */
  async function makeRoom(organization: string): Promise<void> {
    const all = await repository.list(organization);
    const over = all.filter((one) => clock.now() >= one.expires);
    await repository.remove(
      organization,
      over.map(({ id }) => id),
    );
    const left = all.filter((one) => !isOver(one, clock.now()));
    if (left.length >= MOST_EXPORTS) throw new RecordsError("TOO_MANY_EXPORTS");
  }

  return {
    async create({ caller }, requestId, terms) {
      const organization = tenantOf(caller);
      const id = repository.idOf(organization, requestId);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const before = await repository.load(organization, id);
        if (before !== undefined) {
          if (!isSame(before.export, terms)) throw new RecordsError("REQUEST_ID_REUSED");
          return before.export;
        }
        await makeRoom(organization);
        const made = newExport(id, terms, clock.now());
        if (await repository.insert(organization, made)) return made;
      }
      throw new RecordsError("STORE_UNAVAILABLE");
    },

    async get({ caller }, id) {
      return (await load(tenantOf(caller), id)).export;
    },

    async cancel({ caller }, id) {
      const organization = tenantOf(caller);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const stored = await repository.load(organization, id);
        if (stored === undefined) throw new RecordsError("NOT_FOUND");
        if (stored.export.cancelled) return;
        if (await repository.replace(organization, { ...stored.export, cancelled: true }, stored.revision))
          return;
      }
      throw new RecordsError("STORE_UNAVAILABLE");
    },
  };
}
