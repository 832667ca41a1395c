/**
 * Shares a process between its tenants. Work of one tenant runs only so many pieces at once, the rest waits in order; so a
 * tenant that asks for much delays itself, and the next tenant's work runs beside a piece or two and not behind a queue. Beside
 * others, a tenant with more work waiting rests between two pieces.
 */
export interface FairShare {
  /** The tenant is here, with work that needs no place. */
  saw(tenant: string): void;
  /** Pieces of the tenant's work that wait for a place. */
  waiting(tenant: string): number;
  /** Runs the work when the tenant has a free place. Passes its result, or its error. */
  run<T>(tenant: string, work: () => Promise<T>): Promise<T>;
}

interface Tenant {
  running: number;
  readonly waiting: (() => void)[];
}

/** How much longer than it worked a tenant rests that is alone in having more work; of several each rests a part of it. */
const restsToWork = 3;
const longestRestMs = 100;
/** A tenant counts as present for so long after it last asked for something. */
const presentMs = 1_000;

/** `alone`: pieces at once of a tenant who is the only one present; `beside`: of a tenant beside others. */
export function createFairShare(places: { readonly alone: number; readonly beside: number }): FairShare {
  const tenants = new Map<string, Tenant>();
  const presence = createPresence();

  const hasPlace = (name: string, { running }: Tenant): boolean =>
    running < (presence.alone(name) ? places.alone : places.beside);

  function startNext(name: string, tenant: Tenant): void {
    while (tenant.waiting.length > 0 && hasPlace(name, tenant)) {
      tenant.running += 1;
      tenant.waiting.shift()!();
    }
    if (tenant.running === 0 && tenants.get(name) === tenant) tenants.delete(name);
  }

  const busyTenants = (): number =>
    [...tenants.values()].reduce((sum, { waiting }) => sum + (waiting.length > 0 ? 1 : 0), 0);

  function leave(name: string, tenant: Tenant, workedMs: number): void {
    const next = (): void => {
      tenant.running -= 1;
      startNext(name, tenant);
    };
    // Not at once: what came in from others meanwhile goes first. Who has more waiting rests beside others, so that most of
    // the time nothing of it is in their way; the more tenants have work waiting, the shorter, so that the thread is used.
    if (tenant.waiting.length === 0 || presence.alone(name)) setImmediate(next);
    else setTimeout(next, Math.min((workedMs * restsToWork) / busyTenants(), longestRestMs));
  }

  return {
    saw: presence.saw,
    waiting: (name) => tenants.get(name)?.waiting.length ?? 0,
    async run(name, work) {
      presence.saw(name);
      const tenant = tenants.get(name) ?? { running: 0, waiting: [] };
      tenants.set(name, tenant);
      if (tenant.waiting.length === 0 && hasPlace(name, tenant)) tenant.running += 1;
      else {
        const turn = new Promise<void>((go) => tenant.waiting.push(go));
        startNext(name, tenant); // it may have more places than before
        await turn;
      }
      const started = performance.now();
      try {
        return await work();
      } finally {
        leave(name, tenant, performance.now() - started);
      }
    },
  };
}

/** Who asked lately: the latest tenant, and when the latest of all others did. */
function createPresence() {
  let latest = "";
  let latestAt = Number.NEGATIVE_INFINITY;
  let othersAt = Number.NEGATIVE_INFINITY;
  return {
    saw(name: string): void {
      if (name !== latest) othersAt = latestAt;
      latest = name;
      latestAt = performance.now();
    },
    alone(name: string): boolean {
      return performance.now() - (name === latest ? othersAt : latestAt) > presentMs;
    },
  };
}
