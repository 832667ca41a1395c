import { createContextKey } from "@connectrpc/connect";
import type { DeprecatedUse } from "../checks/deprecation.ts";

/**
 * What is told of what is deprecated, by which header: since when (RFC 9745), until when it works (RFC 8594), where to read about it
 * and what takes its place (RFC 8288 and 5829,
 * below the gateway's address), and what it is: full names, with commas between.
 */
export const deprecationHeaders = {
  since: "deprecation",
  sunset: "sunset",
  link: "link",
  names: "wellapi-deprecated",
} as const;

/** Where the served documentation says what is promised of versions. */
const explained = "/docs/versions";

/** What a call uses that is deprecated, as its answer tells it. */
export interface DeprecationNotice {
  add(use: DeprecatedUse): void;
  /** Sets the headers; none where nothing was added. */
  tell(headers: Headers): void;
}

/** Set by the step `deprecation`, where something of the call's method is deprecated. */
export const deprecationNoticeKey = createContextKey<DeprecationNotice | undefined>(undefined, {
  description: "what is deprecated",
});

/** Of several uses the earliest dates are told: by then the caller must have changed something. */
export function createDeprecationNotice(): DeprecationNotice {
  const uses = new Map<string, DeprecatedUse>();
  return {
    add: (use) => void uses.set(use.name, use),
    tell(headers) {
      if (uses.size === 0) return;
      const terms = [...uses.values()].map((use) => use.terms);
      headers.set(deprecationHeaders.names, [...uses.keys()].join(", "));
      headers.set(deprecationHeaders.since, `@${earliest(terms.map(({ since }) => since)) / 1_000}`);
      const sunset = new Date(earliest(terms.map((one) => one.sunset)));
      headers.set(deprecationHeaders.sunset, sunset.toUTCString());
      const links = ["deprecation", "sunset"].map((rel) => `<${explained}>; rel="${rel}"; type="text/html"`);
      for (const { instead } of terms) {
        const path = rpcPathOf(instead);
        if (path !== undefined) links.push(`<${path}>; rel="successor-version"`);
      }
      headers.set(deprecationHeaders.link, links.join(", "));
    },
  };
}

/** Days as UTC milliseconds of their beginning; days of one form are ordered as their texts are. */
function earliest(days: readonly string[]): number {
  return Date.parse(days.toSorted()[0]!);
}

/** `/wellapi.x.v2.XService/GetX` of `wellapi.x.v2.XService.GetX`; undefined for the name of no RPC. */
function rpcPathOf(name: string): string | undefined {
  const [, service, method] = /^([\w.]+Service)\.([A-Z]\w*)$/.exec(name) ?? [];
  return service && `/${service}/${method}`;
}
