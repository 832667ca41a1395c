import type { Decision } from "@wellapi/enforcer";

/** What the sequential model says against what was seen. */
export class Violation extends Error {}

interface Known {
  readonly patient: number;
  readonly grantReturned: number;
  revokeCalled?: number;
  revokeReturned?: number;
}

/**
 * The trivial sequential model: a consent permits from when its grant was called at the earliest and returned
 * at the latest, until its revocation was called at the earliest and returned at the latest. It looks on with
 * true time and knows nothing of sessions.
 */
export class Oracle {
  readonly #consents = new Map<string, Known>();
  readonly #grantsCalled = new Set<number>();
  violation: Violation | undefined;
  permitted = 0;
  denied = 0;
  undecided = 0;
  revocations = 0;

  grantCalled(patient: number): void {
    this.#grantsCalled.add(patient);
  }

  grantReturned(patient: number, consent: string, now: number): void {
    this.#consents.set(consent, { patient, grantReturned: now });
  }

  revokeCalled(consent: string, now: number): void {
    this.#consents.get(consent)!.revokeCalled ??= now;
  }

  revokeReturned(consent: string, now: number): void {
    this.revocations += 1;
    this.#consents.get(consent)!.revokeReturned ??= now;
  }

  /** A consent of the patient that nobody has begun to revoke. */
  active(patient: number): string | undefined {
    for (const [id, known] of this.#consents) {
      if (known.patient === patient && known.revokeCalled === undefined) return id;
    }
    return undefined;
  }

  /** An enforcer just gave this decision for a read that began at `began`; the data moves now. */
  decision(patient: number, decision: Decision, began: number, who: string, now: number): void {
    if (decision.permitted) {
      this.permitted += 1;
      if (!this.#grantsCalled.has(patient)) this.#fail(`${who} permits patient ${patient} without any grant`);
      for (const { consent } of decision.permits) {
        const known = this.#consents.get(consent);
        if (known?.revokeReturned === undefined) continue;
        const late = Math.round(now - known.revokeReturned);
        this.#fail(`${who} permits by a consent whose revocation returned ${late} ms ago`);
      }
      const used = new Set(decision.permits.map(({ consent }) => consent));
      for (const [id, { patient: whose, grantReturned, revokeCalled }] of this.#consents) {
        if (whose !== patient || grantReturned >= began || revokeCalled !== undefined || used.has(id))
          continue;
        const ago = Math.round(began - grantReturned);
        this.#fail(`${who} ignores a consent that had been given ${ago} ms before the read began`);
      }
      return;
    }
    this.denied += 1;
    for (const { patient: whose, grantReturned, revokeCalled } of this.#consents.values()) {
      if (whose === patient && grantReturned < began && revokeCalled === undefined) {
        this.#fail(`${who} denies patient ${patient}, who has given consent`);
      }
    }
  }

  #fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  check(): void {
    if (this.violation) throw this.violation;
  }
}
