import { createContextKey } from "@connectrpc/connect";
import type { DeprecatedUse } from "../checks/deprecation.ts";

/**
 * What is told of what is deprecated, by which header: since when (RFC 9745), until when it works (RFC 8594), where to read about it
 * (RFC 8288; below the gateway's address), and what it is, by full names, with what takes its place.
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
      headers.set(deprecationHeaders.names, [...uses.values()].map(item).join(", "));
      headers.set(deprecationHeaders.since, `@${earliest(terms.map(({ since }) => since)) / 1_000}`);
      const sunset = new Date(earliest(terms.map((one) => one.sunset)));
      headers.set(deprecationHeaders.sunset, sunset.toUTCString());
      const links = ["deprecation", "sunset"].map((rel) => `<${explained}>; rel="${rel}"; type="text/html"`);
      headers.set(deprecationHeaders.link, links.join(", "));
    },
  };
}

/** Days as UTC milliseconds of their beginning; days of one form are ordered as their texts are. */
function earliest(days: readonly string[]): number {
  return Date.parse(days.toSorted()[0]!);
}

/** As an item of a list with a parameter (RFC 9651): names of protobuf are tokens of structured fields. */
function item({ name, terms: { instead } }: DeprecatedUse): string {
  return instead === "" ? name : `${name};instead=${instead}`;
}
