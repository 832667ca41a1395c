import type { Announcement } from "@wellapi/demo/server";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Of the project "one exchange". */
    readonly exchange: Announcement;
  }
}

/**
 * The exchange that all files of the project "one exchange" share: a sandbox in one process, with its ordinary settings. Each file
 * enrols its own companies and people, and asserts nothing about those of others.
 */
export function sharedExchange(): Announcement {
  const exchange = inject("exchange");
  if (!exchange)
    throw new Error('a file that shares an exchange is listed in vitest.config.ts, in "one exchange"');
  return exchange;
}
