import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createNoteSigner, signNote } from "@wellapi/merkle";
import { describe, expect, test } from "vitest";
import {
  breakSince,
  followSuccessions,
  openSuccession,
  signSuccession,
  successionNotes,
} from "../src/index.ts";

const signerOf = (name: string) => createNoteSigner(name, generateKeyPairSync("ed25519").privateKey);
const [first, second, third, stranger] = [
  signerOf("exchange.test/log"),
  signerOf("exchange.test/log"),
  signerOf("exchange.test/log/2"),
  signerOf("exchange.test/log"),
];
const tree = (size: number) => ({ size, root: new Uint8Array(randomBytes(32)) });
const time = Date.UTC(2026, 10, 26, 12, 30, 0, 250);
const rotation = { reason: "rotated", published: tree(10), continues: tree(10), time } as const;
const restoration = { reason: "restored", published: undefined, continues: tree(6), time } as const;
const rotated = () => signSuccession(rotation, { from: first, to: second });
const restored = () => signSuccession(restoration, { from: second, to: third });

const textOf = (note: string) => note.slice(0, note.lastIndexOf("\n\n") + 1);
const failsWith = (code: string) => expect.objectContaining({ name: "MerkleError", code });
/** The note's text with one line changed, signed by the keys that it names. */
const signedAs = (change: (text: string) => string) => signNote(change(textOf(rotated())), [first, second]);

describe("a succession", () => {
  test("says again what both keys signed", () => {
    expect(openSuccession(rotated(), first.verifierKey)).toEqual({
      ...rotation,
      from: first.verifierKey,
      to: second.verifierKey,
    });
    expect(openSuccession(restored(), second.verifierKey)).toEqual({
      ...restoration,
      from: second.verifierKey,
      to: third.verifierKey,
    });
  });

  test("of a log that has nothing yet is one", () => {
    const note = signSuccession(
      { ...rotation, published: tree(0), continues: tree(0) },
      { from: first, to: second },
    );
    expect(openSuccession(note, first.verifierKey)).toMatchObject({ continues: { size: 0 } });
  });

  test("is read as it was written in the first version, line by line", () => {
    const root = Buffer.alloc(32, 7);
    const note = signSuccession(
      { reason: "rotated", published: { size: 12, root }, continues: { size: 12, root }, time },
      { from: first, to: second },
    );
    const base64 = root.toString("base64");
    expect(note.split("\n\n")[0]!.split("\n")).toEqual([
      "wellapi.dev/log-succession/v1",
      `from ${first.verifierKey}`,
      `to ${second.verifierKey}`,
      "reason rotated",
      `published 12 ${base64}`,
      `continues 12 ${base64}`,
      "time 2026-11-26T12:30:00.250Z",
    ]);
  });

  test("that only one of the two keys signed is none: a stolen key could not be followed, nor forced on anybody", () => {
    const text = textOf(rotated());
    for (const signer of [first, second, stranger]) {
      expect(() => openSuccession(signNote(text, [signer]), first.verifierKey)).toThrow(
        failsWith("note_unverified"),
      );
    }
  });

  test("of another key, or changed after it was signed, is refused", () => {
    expect(() => openSuccession(rotated(), second.verifierKey)).toThrow(failsWith("note_malformed"));
    expect(() => openSuccession("", first.verifierKey)).toThrow(failsWith("note_malformed"));
    const moved = rotated().replace("published 10 ", "published 11 ");
    expect(() => openSuccession(moved, first.verifierKey)).toThrow(failsWith("signature_invalid"));
  });

  test("that is signed, but not in the one form, is refused", () => {
    for (const change of [
      (text: string) => text.replace("log-succession/v1", "log-succession/v2"),
      (text: string) => text.replace("reason rotated", "reason forgotten"),
      (text: string) => text.replace(/published 10 /, "published 010 "),
      (text: string) => text.replace(/published 10 /, "published -1 "),
      (text: string) => text.replace(/published 10 /, "published 1.5 "),
      (text: string) => text.replace(/published 10 /, "published ten "),
      (text: string) => text.replace(/published 10 /, "published 9007199254740992 "),
      (text: string) => text.replace(/published \S+ \S+/, "published 10 AAAA"),
      (text: string) =>
        text.replace(/continues \S+ \S+/, `continues 10 ${Buffer.alloc(33).toString("base64")}`),
      (text: string) => text.replace(/continues \S+ \S+/, "continues unknown"),
      (text: string) => text.replace(/=\n/, "\n"),
      (text: string) => text.replace(/time \S+/, "time yesterday"),
      (text: string) => `${text}and more\n`,
      (text: string) => `before\n${text}`,
    ]) {
      expect(() => openSuccession(signedAs(change), first.verifierKey), change.toString()).toThrow(
        failsWith("note_malformed"),
      );
    }
  });
});

describe("following successions", () => {
  test("leads from a key that is trusted to the one that signs now, in whatever order the notes come", () => {
    for (const notes of [
      [rotated(), restored()],
      [restored(), rotated()],
    ]) {
      const { key, steps } = followSuccessions(notes, first.verifierKey);
      expect(key).toBe(third.verifierKey);
      expect(steps.map(({ reason }) => reason)).toEqual(["rotated", "restored"]);
    }
    expect(followSuccessions([rotated(), restored()], second.verifierKey).steps).toHaveLength(1);
  });

  test("stays with a trusted key that nothing succeeds, whatever others say about theirs", () => {
    const others = signSuccession(rotation, { from: stranger, to: third });
    expect(followSuccessions([], first.verifierKey)).toEqual({ key: first.verifierKey, steps: [] });
    expect(followSuccessions([others], first.verifierKey)).toEqual({ key: first.verifierKey, steps: [] });
    expect(followSuccessions([others, rotated()], first.verifierKey).key).toBe(second.verifierKey);
  });

  test("stops where a key has signed two successors: whoever holds it may be a thief", () => {
    const forked = signSuccession(rotation, { from: first, to: third });
    expect(() => followSuccessions([rotated(), forked], first.verifierKey)).toThrow(
      failsWith("note_malformed"),
    );
  });

  test("fails where a note claims to succeed a trusted key and is not signed by it", () => {
    const forged = signNote(textOf(rotated()), [second]);
    expect(() => followSuccessions([forged], first.verifierKey)).toThrow(failsWith("note_unverified"));
  });

  test("ends where two keys succeed each other in a circle", () => {
    const back = signSuccession(rotation, { from: second, to: first });
    const { key, steps } = followSuccessions([rotated(), back], first.verifierKey);
    expect(key).toBe(first.verifierKey);
    expect(steps).toHaveLength(2);
  });
});

describe("the file of successions", () => {
  test("gives its notes", () => {
    const content = new TextEncoder().encode(JSON.stringify([rotated(), restored()]));
    expect(successionNotes(content)).toEqual([rotated(), restored()]);
  });

  test.each([
    ["no JSON", "rotated"],
    ["no array", '{"0":"note"}'],
    ["something else than notes", '["note",1]'],
    ["no UTF-8", Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d)],
  ])("fails as a note that does not hold where it is %s", (_what, content) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    expect(() => successionNotes(bytes)).toThrow(failsWith("note_malformed"));
  });
});

test("a declared break is one for who had seen more of the log than goes on", () => {
  const { steps } = followSuccessions([rotated(), restored()], first.verifierKey);
  const { size } = steps[1]!.continues;
  expect(breakSince(steps, size + 1)).toBe(steps[1]);
  expect(breakSince(steps, size)).toBeUndefined();
  expect(breakSince(steps.slice(0, 1), size + 1)).toBeUndefined();
});
