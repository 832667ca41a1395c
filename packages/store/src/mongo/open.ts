import type { Store } from "../port.ts";
import type { MongoStoreOptions } from "./store.ts";

/**
 * As `openMongoStore` in `store.ts`, but loads it only when called: the driver would be a sixth of what a command of
 * the CLI loads, and an exchange in one process does not need it.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const engine = await import("./store.ts");
  return engine.openMongoStore(options);
}
