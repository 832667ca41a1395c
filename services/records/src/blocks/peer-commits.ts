import { randomUUID } from "node:crypto";
import type { Signals } from "@wellapi/events";
import { decodePeerSignal, encodePeerSignal } from "./peer-signal-convert.ts";

export const PATIENTS_COMMITTED = "records.committed";

/** Sends to the other replicas. */
export type PeerSignals = Pick<Signals, "signal" | "onSignal">;

/** Tells the other replicas of this one's commits. */
export interface PeerCommits {
  /** Call it after the commit, because receivers read it. Commits of a few milliseconds go in one signal. */
  tell(partition: string): void;
  /** Stops sending and listening. */
  close(): void;
}

/** How long a commit waits for others. */
const GATHER_MS = 5;
/** This many commits make a signal leave at once: it stays far below the port's 64 KiB. */
const MAX_PATIENTS = 500;

/**
 * Signals are sent at most once. A replica that loses one finds the commit at its next look, so nothing is sent again,
 * and a commit never waits for it. The signal names the partition, as the event of the same commit does.
 */
export function openPeerCommits(options: {
  readonly signals: PeerSignals;
  /** Another replica has committed. */
  readonly onCommit: (partition: string) => void;
  /** Others may have committed, and their signals were lost. */
  readonly onMissed: () => void;
  readonly onError: (error: unknown) => void;
}): PeerCommits {
  const { signals, onCommit, onMissed, onError } = options;
  /** Identifies this start of this process. */
  const replica = randomUUID();
  const gathered = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const stop = signals.onSignal(PATIENTS_COMMITTED, {
    received(data) {
      const signal = decodePeerSignal(data);
      if (signal.replica === replica) return;
      for (const partition of signal.partitions) onCommit(partition);
    },
    missed: onMissed,
  });

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    const signal = encodePeerSignal({ replica, partitions: [...gathered] });
    gathered.clear();
    try {
      signals.signal(PATIENTS_COMMITTED, signal);
    } catch (error) {
      onError(error);
    }
  }

  return {
    tell(partition) {
      if (closed) return;
      gathered.add(partition);
      if (gathered.size >= MAX_PATIENTS) send();
      else timer ??= setTimeout(send, GATHER_MS);
    },
    close() {
      closed = true;
      stop();
      // Recent commits are worth a last signal: this replica stops, and the watches of others continue.
      if (timer !== undefined) send();
    },
  };
}
