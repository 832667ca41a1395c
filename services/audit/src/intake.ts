import { commitment, NONCE_BYTES } from "@wellapi/log-verifier";
import type { Clock } from "@wellapi/runtime";
import { INSTALLATION_PARTITION, type IncomingLeaf } from "./access.ts";
import type { AccessRepository, EventsOf, StoredAccess } from "./access-repository.ts";
import type { AccessSealing } from "./access-sealing.ts";
import type { LogHealth } from "./log-health.ts";
import type { LogRepository } from "./log-repository.ts";
import { accessNoted } from "./noted/event-convert.ts";
import type { Notable, NotedAccess, NotedAccesses } from "./noted/noted-access.ts";
import { countedOf } from "./usage/usage.ts";
import type { UsageRepository } from "./usage/usage-repository.ts";

/**
 * Takes leaves; durable when it resolves. A leaf that is sent again changes nothing. Throws `log_damaged` while the tree
 * is not sound: what repairs the log may put an older store in the place of this one, so leaves wait in the outboxes.
 */
export interface Intake {
  append(leaves: readonly IncomingLeaf[]): Promise<void>;
}

export interface IntakeDeps {
  readonly accesses: AccessRepository;
  readonly log: LogRepository;
  readonly health: Pick<LogHealth, "assertTakesEntries">;
  readonly sealing: AccessSealing;
  readonly clock: Clock;
  readonly usage: Pick<UsageRepository, "seal">;
  readonly noted: NotedAccesses;
  readonly onPending: () => void;
  /** After a commit that may have left events. */
  readonly onNoted: () => void;
}

/**
 * A commit lies in one partition, so a leaf takes two: first the sealed access in the patient's partition, then
 * the entry in the log's. After a crash between them the service's outbox sends the leaf again.
 */
export function createIntake(deps: IntakeDeps): Intake {
  const { accesses, log, sealing, usage, clock } = deps;

  /** The stored form of the access, or undefined where only the entry may be kept. */
  async function sealed(leaf: IncomingLeaf, own: Uint8Array): Promise<StoredAccess | undefined> {
    const { id, partition, organization, timeMs, nonce, body } = leaf;
    const secret = new Uint8Array(NONCE_BYTES + body.length);
    secret.set(nonce);
    secret.set(body, NONCE_BYTES);
    const bytes = await sealing.seal(partition, id, secret);
    const tag = organization && sealing.tagOf(organization);
    return bytes && { partition, id, timeMs, organization: tag, commitment: own, sealed: bytes };
  }

  function countedIn(leaf: IncomingLeaf): Uint8Array | undefined {
    const counted = countedOf(leaf);
    return counted && usage.seal(leaf.id, counted);
  }

  return {
    async append(leaves) {
      deps.health.assertTakesEntries();
      const unique = [...new Map(leaves.map((leaf) => [leaf.id, leaf])).values()];
      const entries = new Map(unique.map(({ id, nonce, body }) => [id, commitment(nonce, body)]));
      const kept = await Promise.all(unique.map((leaf) => sealed(leaf, entries.get(leaf.id)!)));
      const byPartition = Map.groupBy(
        kept.filter((access) => access !== undefined),
        ({ partition }) => partition,
      );
      const telling = tellingOf(deps, unique);
      const inserted = await Promise.all(
        [...byPartition.values()].map((one) => accesses.insert(one, telling.eventsOf)),
      );
      const stored = inserted.flat();
      telling.stored(stored.filter(({ added }) => added).map(({ access }) => access.id));
      // If one id ever came with two bodies, the log would hold the body that can be shown.
      for (const { access } of stored) entries.set(access.id, access.commitment);
      await log.addPending(
        unique.map((leaf) => ({ id: leaf.id, entry: entries.get(leaf.id)!, counted: countedIn(leaf) })),
        clock.now(),
      );
      deps.onPending();
    },
  };
}

/** What is told of these leaves, as they are stored: what comes again is neither told nor counted again. */
function tellingOf(
  { noted, sealing, onNoted }: Pick<IntakeDeps, "noted" | "sealing" | "onNoted">,
  leaves: readonly IncomingLeaf[],
) {
  const notables = new Map(leaves.filter(isOfPatient).map((leaf) => [leaf.id, notableOf(leaf)]));
  const notablesOf = (ids: readonly string[]) => ids.flatMap((id) => notables.get(id) ?? []);
  const told = new Map<string, NotedAccess>();
  const eventsOf: EventsOf = (accesses) => {
    const ids = accesses.map(({ id }) => id);
    for (const id of ids) told.delete(id);
    const now = noted.of(notablesOf(ids));
    for (const [id, one] of now) told.set(id, one);
    return [...now.values()].map((one) => accessNoted(one, sealing.tagOf));
  };
  return {
    eventsOf,
    stored(ids: readonly string[]) {
      noted.stored(notablesOf(ids), told);
      if (ids.some((id) => told.has(id))) onNoted();
    },
  };
}

function isOfPatient({ partition }: IncomingLeaf): boolean {
  return partition !== INSTALLATION_PARTITION;
}

function notableOf({ id, partition, organization, timeMs, call }: IncomingLeaf): Notable {
  return { id, partition, organization, timeMs, ...call };
}
