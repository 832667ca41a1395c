import type { Clock, Logger } from "@wellapi/runtime";
import { createMovesFollower, type OrganizationTimes } from "@wellapi/service";
import type { Change, Store, Stored } from "@wellapi/store";
import type { Consent } from "../consent.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { obligationChanged } from "../event-convert.ts";
import { type DeletionObligation, endTimeOf, obligationIdOf, type Received } from "./obligation.ts";
import type { TimerDocument } from "./obligation-documents.ts";
import type { ObligationRepository, StoredObligation } from "./obligation-repository.ts";
import type { ReceivedClient } from "./received-client.ts";
import { dueTimers, forwardedTimer, movedTimer, waitingTimers } from "./timer-repository.ts";

const atOnce = 100;
/** Entries that the log got late, because it or the way to it stood still, are looked for once more. */
const secondLookMs = 86_400_000;
/** Where something fails, this long until it is tried again. */
const againMs = 5 * 60_000;
/** The log's times are those of other processes. */
const clocksDifferMs = 3_600_000;

/** Makes the obligations of consents that have ended. */
export interface ObligationMaking {
  /** Works off the timers that are due. Throws StoreError. */
  work(signal: AbortSignal): Promise<void>;
}

export interface ObligationMakingDeps {
  readonly store: Store;
  readonly consents: Pick<ConsentRepository, "get" | "revisions">;
  readonly obligations: ObligationRepository;
  readonly received: ReceivedClient;
  readonly relay?: Notified | undefined;
  readonly clock: Pick<Clock, "now">;
  readonly times: OrganizationTimes;
  readonly log: Logger;
  /** How long an organization has to answer, in milliseconds. */
  readonly answerMs: number;
}

/**
 * The timer was committed with the end of the consent, and goes with the commit of the obligation: a crash loses none, and two replicas
 * make none twice. One that fails, fails alone.
 */
export function createObligationMaking(deps: ObligationMakingDeps): ObligationMaking {
  const { store, consents, clock, times, log } = deps;

  async function make(timer: Stored<TimerDocument>): Promise<void> {
    const { partition, consent: id, version, looks } = timer.document;
    const consent = await consents.get(partition, id);
    // Deleted; or changed since, and its newest version has a timer of its own where it has an end.
    if (consent?.version !== version) return move(timer, undefined);
    const { createTime, terms } = consent;
    const from = Math.max(0, createTime - clocksDifferMs);
    const asked = { partition, organization: terms.grantee, consent: id, from };
    const received = await deps.received.received(asked);
    const next = looks === 0 ? clock.now() + secondLookMs : undefined;
    if (received.length === 0) return move(timer, next, looks + 1);
    const before = await deps.obligations.get(partition, obligationIdOf(id));
    if (before !== undefined && !isRenewed(before, received)) return move(timer, next, looks + 1);
    const obligation = before
      ? { ...before.obligation, received }
      : await obligationOf(partition, consent, received);
    const events =
      before === undefined ? [obligationChanged(partition, obligation.id, "created", clock.now())] : [];
    const also = [movedTimer(timer, next, looks + 1)];
    const done = await deps.obligations.commit({ partition, obligation }, before, also, events);
    // The patient's key was destroyed: nobody can be told any more.
    if (done === undefined) return move(timer, undefined);
    if (done && events.length > 0) deps.relay?.notify();
  }

  async function obligationOf(
    partition: string,
    consent: Consent,
    received: readonly Received[],
  ): Promise<DeletionObligation> {
    const { id, terms } = consent;
    const createTime = times.now(terms.grantee);
    return {
      id: obligationIdOf(id),
      organization: terms.grantee,
      consent: id,
      named: await namedIn(consents, partition, id),
      endTime: endTimeOf(consent) ?? createTime,
      received,
      createTime,
      dueTime: createTime + deps.answerMs,
      answers: [],
    };
  }

  /** Where it changed meanwhile, the next turn sees to it. */
  async function move(timer: Stored<TimerDocument>, due: number | undefined, looks?: number): Promise<void> {
    const changes: Change[] = [movedTimer(timer, due, looks)];
    await store.commit({ partition: timer.document.partition, changes, useReserve: true });
  }

  const followMoves = createMovesFollower(times, async () => {
    for await (const timer of waitingTimers(store, clock.now())) await forward(deps, timer);
  });

  return {
    async work(signal) {
      await followMoves();
      for (const timer of await dueTimers(store, clock.now(), atOnce)) {
        if (signal.aborted) return;
        try {
          await make(timer);
        } catch (err) {
          log.warn(
            { err },
            "what was received under a consent that has ended could not be asked; trying again",
          );
          await move(timer, clock.now() + againMs);
        }
      }
    },
  };
}

/** One whose consent does not open stays for when it is due. Throws StoreError, and then the whole pass is made again. */
async function forward(
  { store, consents, times, log }: ObligationMakingDeps,
  timer: Stored<TimerDocument>,
): Promise<void> {
  const { partition, consent: id, version } = timer.document;
  const consent = await consents.get(partition, id).catch((err: unknown) => {
    if (!(err instanceof ConsentError)) throw err;
    log.warn({ err }, "a consent whose end may be nearer could not be read");
    return undefined;
  });
  const change = consent?.version === version ? forwardedTimer(timer, consent, times.aheadOf) : undefined;
  if (change) await store.commit({ partition, changes: [change], useReserve: true });
}

/** What was answered stays as it was answered. */
function isRenewed({ obligation }: StoredObligation, received: readonly Received[]): boolean {
  return obligation.answers.length === 0 && digest(obligation.received) !== digest(received);
}

/** What each version of the consent named. */
async function namedIn(
  consents: Pick<ConsentRepository, "revisions">,
  partition: string,
  consent: string,
): Promise<readonly string[]> {
  const named = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await consents.revisions(partition, consent, { limit: atOnce, cursor });
    for (const { terms } of page.revisions.map((one) => one.consent)) {
      for (const { categories } of terms.provisions) for (const { name } of categories) named.add(name);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...named].sort();
}
