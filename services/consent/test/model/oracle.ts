import type { Decision } from "@wellapi/enforcer";

/** What the sequential model says against what was seen. */
export class Violation extends Error {}

interface Known {
  readonly patient: number;
  readonly grantReturned: number;
  revokeCalled?: number;
  revokeReturned?: number;
}

interface KnownDispute {
  readonly patient: number;
  returned?: number;
  settling?: true;
  settled?: number;
}

/**
 * The trivial sequential model: a consent permits from when its grant was called at the earliest and returned
 * at the latest, until its revocation was called at the earliest and returned at the latest. It looks on with
 * true time and knows nothing of sessions.
 */
export class Oracle {
  readonly #consents = new Map<string, Known>();
  readonly #grantsCalled = new Set<number>();
  readonly #disputes = new Map<string, KnownDispute>();
  disputes = 0;
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

  disputeCalled(request: string, patient: number): void {
    this.#disputes.set(request, { patient });
  }

  disputeReturned(request: string, now: number): void {
    this.disputes += 1;
    this.#disputes.get(request)!.returned ??= now;
  }

  settleCalled(request: string): void {
    this.#disputes.get(request)!.settling = true;
  }

  settleReturned(request: string, now: number): void {
    this.#disputes.get(request)!.settled ??= now;
  }

  /** What the patient disputes for sure, and nobody has begun to decide. */
  disputed(patient: number): string | undefined {
    for (const [request, known] of this.#disputes) {
      if (known.patient === patient && known.returned !== undefined && !known.settling) return request;
    }
    return undefined;
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
      this.#checkMarks(
        patient,
        new Set(decision.disputes?.map(({ organization }) => organization)),
        began,
        who,
      );
      return;
    }
    this.denied += 1;
    for (const { patient: whose, grantReturned, revokeCalled } of this.#consents.values()) {
      if (whose === patient && grantReturned < began && revokeCalled === undefined) {
        this.#fail(`${who} denies patient ${patient}, who has given consent`);
      }
    }
  }

  /** What was disputed before the read began is marked, and what was decided before is not. @param marked the requests */
  #checkMarks(patient: number, marked: ReadonlySet<string>, began: number, who: string): void {
    for (const [request, { patient: whose, returned, settling, settled }] of this.#disputes) {
      if (whose !== patient) continue;
      if (settled !== undefined && settled < began && marked.has(request)) {
        this.#fail(`${who} marks what was decided ${Math.round(began - settled)} ms before the read began`);
      }
      if (returned !== undefined && returned < began && !settling && !marked.has(request)) {
        this.#fail(
          `${who} does not mark what was disputed ${Math.round(began - returned)} ms before the read began`,
        );
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
