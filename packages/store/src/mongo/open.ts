import type { Store } from "../port.ts";
import type { MongoStoreOptions } from "./store.ts";

/**
 * As `openMongoStore` in `store.ts`, which it loads: the driver is a sixth of what a command of the CLI would load
 * otherwise, and an exchange in one process does without it, too.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const engine = await import("./store.ts");
  return engine.openMongoStore(options);
}
