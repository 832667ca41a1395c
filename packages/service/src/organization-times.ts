import { Code, createClient, type Transport } from "@connectrpc/connect";
import { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { problemError } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";

/**
 * What time it is for an organization: the true time, and in a sandbox by how much its clock was moved (SandboxService.MoveClock). Whoever
 * judges by it first calls `look`, and then reads without waiting. What is stored about this installation, its log and its limits are of
 * the true time.
 */
export interface OrganizationTimes {
  /**
   * Undefined where what is known may be used now; else resolves when it may. Throws ConnectError UNAVAILABLE where identity does not
   * say: then nothing is judged.
   */
  look(): Promise<void> | undefined;
  /** UTC milliseconds. */
  now(organization: string): number;
  /** By how many milliseconds it is ahead of the true time; a whole number of seconds, 0 unless its clock was moved. */
  aheadOf(organization: string): number;
  /** Who was moved, as `look` found it. */
  moved(): MovedClocks;
}

/** All clocks that were moved. */
export interface MovedClocks {
  /** Greater after each move; 0: none was. */
  readonly revision: bigint;
  /** By organization, in milliseconds. */
  readonly ahead: ReadonlyMap<string, number>;
}

/** For so long an answer of identity counts, in milliseconds: a move of a clock waits for it before it is answered. */
export const timesRememberedMs = 500;
const askMs = 2_000;
const none: MovedClocks = { revision: 0n, ahead: new Map() };

/** Everybody's time is the true one. */
export function createTrueTimes(clock: Pick<Clock, "now">): OrganizationTimes {
  return { look: () => undefined, now: () => clock.now(), aheadOf: () => 0, moved: () => none };
}

/** `identity` calls identity on the service's own behalf. In production nobody is asked: no clock is ever moved. */
export function createOrganizationTimes(deps: {
  readonly profile: "sandbox" | "production";
  readonly identity: Transport;
  readonly clock: Clock;
}): OrganizationTimes {
  const { profile, clock } = deps;
  if (profile === "production") return createTrueTimes(clock);
  const client = createClient(OrganizationClockService, deps.identity);
  let known: MovedClocks | undefined;
  /** Monotonic: when what is known was asked for. */
  let asked = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const began = clock.monotonic();
    const knownRevision = known?.revision ?? 0n;
    const answer = await client
      .listOrganizationClocks({ knownRevision }, { timeoutMs: askMs })
      .catch((error: unknown) => {
        throw problemError(unknownTimes, error);
      });
    if (known === undefined || answer.revision !== knownRevision) {
      const ahead = answer.clocks.map((one) => [one.organization, one.aheadSeconds * 1_000] as const);
      known = { revision: answer.revision, ahead: new Map(ahead) };
    }
    asked = began;
  }

  const usable = () => clock.monotonic() - asked < timesRememberedMs;

  /** An answer that comes late is asked for again: it must not say what was before a move that is over. */
  async function renew(): Promise<void> {
    for (let i = 0; i < mostAsks; i += 1) {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      await asking;
      if (usable()) return;
    }
    throw problemError(unknownTimes);
  }

  const aheadOf = (organization: string): number => {
    if (known === undefined) throw problemError(unknownTimes);
    return known.ahead.get(organization) ?? 0;
  };
  return {
    look: () => (usable() ? undefined : renew()),
    aheadOf,
    now: (organization) => clock.now() + aheadOf(organization),
    moved: () => known ?? none,
  };
}

const mostAsks = 5;

const unknownTimes = {
  code: Code.Unavailable,
  reason: "UNAVAILABLE",
  message:
    "what time it is for an organization of this sandbox can't be told at the moment: try again after the delay",
  retryAfterMs: 1_000,
} as const;

/**
 * For what is due at an organization's time and kept by the true time: `pass` puts forward what a move brings nearer, and is run after each
 * move, and after a start where there ever was one. Call it at each turn of the work that is due.
 */
export function createMovesFollower(
  times: Pick<OrganizationTimes, "look" | "moved">,
  pass: () => Promise<void>,
): () => Promise<void> {
  let passed = 0n;
  let settled = 0n;
  return async () => {
    await times.look();
    const { revision } = times.moved();
    if (revision === settled) return;
    await pass();
    // A call that began before the move may have written beside the first pass: a second one, at the next turn, finds that.
    if (passed === revision) settled = revision;
    passed = revision;
  };
}
