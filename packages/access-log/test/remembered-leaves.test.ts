import { expect, test } from "vitest";
import type { LeafSealer } from "../src/leaf-sealer.ts";
import { rememberSealed } from "../src/remembered-leaves.ts";

/** Counts what is opened; a box is the place and the text. */
function createScene() {
  const opened: string[] = [];
  const sealer: LeafSealer = {
    seal: (partition, id, plaintext) => Buffer.from(`${partition} ${id} ${Buffer.from(plaintext)}`),
    open(partition, id, sealed) {
      opened.push(`${partition} ${id} ${Buffer.from(sealed)}`);
      return Buffer.from("opened");
    },
  };
  return { opened, sealer: rememberSealed(sealer) };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("what was sealed of late need not be opened, once", () => {
  const { opened, sealer } = createScene();
  const sealed = sealer.seal("local/pat_1", "acc_1", Buffer.from("entry"));
  expect(text(sealer.open("local/pat_1", "acc_1", new Uint8Array(sealed)))).toBe("entry");
  expect(opened).toEqual([]);
  expect(text(sealer.open("local/pat_1", "acc_1", sealed))).toBe("opened");
});

test("other bytes, and the same at another place, are opened: the store is believed, not the memory", () => {
  const { opened, sealer } = createScene();
  const sealed = sealer.seal("local/pat_1", "acc_1", Buffer.from("entry"));
  sealer.open("local/pat_2", "acc_1", sealed);
  sealer.open("local/pat_1", "acc_2", sealed);
  sealer.open("local/pat_1", "acc_1", Buffer.from("changed"));
  expect(opened).toEqual([
    "local/pat_2 acc_1 local/pat_1 acc_1 entry",
    "local/pat_1 acc_2 local/pat_1 acc_1 entry",
    "local/pat_1 acc_1 changed",
  ]);
});

test("no more than a thousand are remembered, and no large ones", () => {
  const { opened, sealer } = createScene();
  const large = sealer.seal("p", "large", Buffer.alloc(2_049, "x"));
  sealer.open("p", "large", large);
  const first = sealer.seal("p", "first", Buffer.from("entry"));
  for (let i = 0; i < 1_000; i++) sealer.seal("p", String(i), Buffer.from("entry"));
  sealer.open("p", "first", first);
  sealer.open("p", "0", Buffer.from("p 0 entry"));
  expect(opened.map((one) => one.split(" ")[1])).toEqual(["large", "first"]);
});
