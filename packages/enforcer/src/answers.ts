import type { Enforcer, Recall } from "./port.ts";

/** `recalled`: a change has taken something away. `unsure`: without a session it is unknown whether a change has. */
export type Objection = "recalled" | "unsure";

/** An answer about a patient: it begins before any decision for it and ends when its last byte is passed on. */
export interface AnswerInFlight {
  /** Names the patient of the answer and the organization that gets it; undefined: the patient gets it. */
  about(partition: string, organization: string | undefined): void;
  /** Why no more of it may be passed on at this instant; a reason stays. Takes microseconds. */
  objection(): Objection | undefined;
  /**
   * Calls back as soon as there is an objection, for what waits: a silent stream, bytes that their reader has not taken.
   * After `about`. Returns how to stop it.
   */
  onObjection(listener: () => void): () => void;
}

interface Narrowing extends Recall {
  readonly position: number;
}

/** How many recalls are kept: an answer that began before the oldest of them counts as recalled. */
const rememberedByDefault = 10_000;

/**
 * Answers in flight, under one enforcer's session. An answer is registered nowhere: it keeps the number of the last
 * recall before it began, and reads the recalls since. So a call costs two reads of the clocks and no memory. A
 * recall is acknowledged after it is in this history: an answer that reads later finds it.
 */
export class Answers {
  readonly #enforcer: Pick<Enforcer, "isLive">;
  readonly #remembered: number;
  readonly #recent: Narrowing[] = [];
  readonly #listening = new Map<string, Set<Flight>>();
  readonly #stop: () => void;
  /** Number of the last narrowing recall. */
  #position = 0;
  /** Number of the last recall that was dropped from the history. */
  #forgotten = 0;
  #endedSessions = 0;

  constructor(enforcer: Pick<Enforcer, "onRecall" | "isLive">, remembered = rememberedByDefault) {
    this.#enforcer = enforcer;
    this.#remembered = remembered;
    this.#stop = enforcer.onRecall((recall) => this.#heard(recall));
  }

  /** Called before any decision for the answer. */
  begin(): AnswerInFlight {
    const live = this.#enforcer.isLive();
    return new Flight(this, this.#position, live ? this.#endedSessions : undefined);
  }

  close(): void {
    this.#stop();
  }

  /** The number of the live session; undefined without one. */
  session(): number | undefined {
    return this.#enforcer.isLive() ? this.#endedSessions : undefined;
  }

  get position(): number {
    return this.#position;
  }

  recalledSince(position: number, partition: string, organization: string | undefined): boolean {
    if (position < this.#forgotten) return true;
    for (let i = this.#recent.length - 1; i >= 0 && this.#recent[i]!.position > position; i--) {
      const recall = this.#recent[i]!;
      if (recall.partition === partition && concerns(recall, organization)) return true;
    }
    return false;
  }

  listen(partition: string, flight: Flight): () => void {
    const flights = this.#listening.get(partition) ?? new Set();
    this.#listening.set(partition, flights.add(flight));
    return () => {
      flights.delete(flight);
      if (flights.size === 0 && this.#listening.get(partition) === flights) this.#listening.delete(partition);
    };
  }

  #heard(recall: Recall | undefined): void {
    if (recall === undefined) {
      this.#endedSessions += 1;
      for (const flights of [...this.#listening.values()]) for (const flight of [...flights]) flight.tell();
      return;
    }
    if (recall.onlyWidens) return;
    this.#position += 1;
    const { partition, onlyWidens, grantees } = recall;
    this.#recent.push({ partition, onlyWidens, grantees, position: this.#position });
    if (this.#recent.length > this.#remembered) this.#forgotten = this.#recent.shift()!.position;
    for (const flight of [...(this.#listening.get(partition) ?? [])]) flight.recalled(recall);
  }
}

function concerns({ grantees }: Recall, organization: string | undefined): boolean {
  return grantees.length === 0 || (organization !== undefined && grantees.includes(organization));
}

class Flight implements AnswerInFlight {
  readonly #answers: Answers;
  /** The session under which it began. */
  readonly #session: number | undefined;
  /** Recalls up to here do not concern it. */
  #seen: number;
  #partition: string | undefined;
  #organization: string | undefined;
  #objection: Objection | undefined;
  readonly #listeners = new Set<() => void>();
  #forget = (): void => {};

  constructor(answers: Answers, position: number, session: number | undefined) {
    this.#answers = answers;
    this.#seen = position;
    this.#session = session;
  }

  about(partition: string, organization: string | undefined): void {
    this.#partition = partition;
    this.#organization = organization;
  }

  objection(): Objection | undefined {
    if (this.#objection !== undefined) return this.#objection;
    if (this.#session === undefined || this.#answers.session() !== this.#session) {
      this.#objection = "unsure";
    } else if (this.#listeners.size === 0) {
      if (this.#partition === undefined) return undefined;
      if (this.#answers.recalledSince(this.#seen, this.#partition, this.#organization)) {
        this.#objection = "recalled";
      } else {
        this.#seen = this.#answers.position;
      }
    }
    return this.#objection;
  }

  onObjection(listener: () => void): () => void {
    if (this.#partition === undefined) throw new TypeError("nobody knows yet whom the answer is about");
    const already = this.objection();
    if (this.#listeners.size === 0) this.#forget = this.#answers.listen(this.#partition, this);
    this.#listeners.add(listener);
    if (already !== undefined) listener();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#forget();
      // Each recall while it listened was told; none of them concerned it, or there is an objection.
      this.#seen = this.#answers.position;
    };
  }

  recalled(recall: Recall): void {
    if (!concerns(recall, this.#organization)) return;
    this.#objection ??= "recalled";
    this.tell();
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
