/** A process that commits pairs until it is killed, and prints each number once its commit was acked. */
import { openSqliteStore } from "../src/index.ts";
import { contractCollections, event, note } from "./notes.ts";

const [path = "", round = ""] = process.argv.slice(2);
const store = await openSqliteStore({ path, collections: contractCollections });

async function storm(lane: number): Promise<never> {
  for (let n = lane; ; n += 16) {
    const id = `${round}-${n}`;
    const changes = ["left", "right"].map((side) => {
      const document = note(`${id}-${side}`, { filler: new Uint8Array(2000) });
      return { kind: "insert" as const, collection: "note", document };
    });
    await store.commit({ partition: "eu/p1", changes, events: [event(id)] });
    process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, lane) => storm(lane)));
