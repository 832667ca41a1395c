import { createBoundedCache } from "@wellapi/runtime";
import { allows, type OriginStanding } from "./cors.ts";

/** Origins of pages that applications have registered. */
export interface RegisteredOrigins {
  /** Whether an application that may call has registered it. Rejects where that cannot be said. */
  isRegistered(origin: string): Promise<boolean>;
}

/** Whose pages may read answers. */
export interface PageOrigins {
  standingOf(origin: string): Promise<OriginStanding>;
}

const rememberMs = 30_000;
const mostOrigins = 1_000;
/** Lookups under way. A flood of invented origins is refused, and costs identity no more than this. */
const mostLookups = 8;

/** Of an origin that is asked for again, the answer is up to 30 s old. */
export function createPageOrigins(
  named: readonly string[],
  registered: RegisteredOrigins | undefined,
): PageOrigins {
  const known = createBoundedCache<{ readonly registered: boolean; readonly until: number }>({
    name: "page origins",
    capacity: mostOrigins,
  });
  let lookups = 0;

  async function isRegistered(origin: string): Promise<boolean> {
    const entry = known.get(origin);
    if (entry !== undefined && performance.now() < entry.until) return entry.registered;
    if (registered === undefined || lookups >= mostLookups || !canBeRegistered(origin)) return false;
    lookups++;
    try {
      const found = await registered.isRegistered(origin);
      known.set(origin, { registered: found, until: performance.now() + rememberMs });
      return found;
    } catch {
      return false; // Unsure: nobody's page reads anything.
    } finally {
      lookups--;
    }
  }

  return {
    async standingOf(origin) {
      if (allows(named, origin)) return "setting";
      return (await isRegistered(origin)) ? "client" : undefined;
    },
  };
}

/** https, or this machine; `null` is the origin of sandboxed frames and of files. */
function canBeRegistered(origin: string): boolean {
  const url = URL.parse(origin);
  return origin.length <= 255 && url?.origin === origin && /^https?:$/.test(url.protocol);
}
