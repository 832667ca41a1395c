import { MerkleError, type NoteSigner, openNote, parseVerifierKey, signNote } from "@wellapi/merkle";

/**
 * A key of the log took the place of another, and says so under both: who trusts the one before can go on with this one.
 * `rotated`: the same log under a new key. `restored`: the log lost entries that had been published, and goes on under a
 * new name: a declared break, where two checkpoints of one name that do not fit would be a fork.
 */
export interface Succession {
  /** Verifier keys, `name+hash+key`. */
  readonly from: string;
  readonly to: string;
  readonly reason: "rotated" | "restored";
  /** The last tree that was published under `from`; undefined where it is not known any more. */
  readonly published: Tree | undefined;
  /** The tree from which `to` continues: its first checkpoint contains it. */
  readonly continues: Tree;
  /** UTC milliseconds. */
  readonly time: number;
}

export interface Tree {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Never a checkpoint's first line: an origin of ours has no such path. */
const HEAD = "wellapi.dev/log-succession/v1";
const FORM =
  /^wellapi\.dev\/log-succession\/v1\nfrom (?<from>\S+)\nto (?<to>\S+)\nreason (?<reason>rotated|restored)\npublished (?<published>unknown|\S+ \S+)\ncontinues (?<continues>\S+ \S+)\ntime (?<time>\S+)\n$/;

/** A signed note, by the key that goes and by the one that comes. */
export function signSuccession(
  succession: Omit<Succession, "from" | "to">,
  signers: { readonly from: NoteSigner; readonly to: NoteSigner },
): string {
  const { reason, published, continues, time } = succession;
  const { from, to } = signers;
  const text = [
    HEAD,
    `from ${from.verifierKey}`,
    `to ${to.verifierKey}`,
    `reason ${reason}`,
    `published ${published === undefined ? "unknown" : treeText(published)}`,
    `continues ${treeText(continues)}`,
    `time ${new Date(time).toISOString()}`,
    "",
  ].join("\n");
  return signNote(text, [from, to]);
}

/** The succession in a note that both keys signed. Throws MerkleError as `openNote`, or `note_malformed`. */
export function openSuccession(note: string, from: string): Succession {
  const named = FORM.exec(note.slice(0, note.lastIndexOf("\n\n") + 1))?.groups;
  if (named === undefined || named.from !== from) {
    throw new MerkleError("note_malformed", "it is no succession of this key");
  }
  const to = named.to!;
  for (const key of [from, to]) openNote(note, [parseVerifierKey(key)]);
  return {
    from,
    to,
    reason: named.reason as Succession["reason"],
    published: named.published === "unknown" ? undefined : treeOf(named.published!),
    continues: treeOf(named.continues!),
    time: timeOf(named.time!),
  };
}

/**
 * The notes in the log's file `successions`: a JSON array of strings, in UTF-8. Throws MerkleError `note_malformed` where it is none: for
 * who verifies that is the same as a note that does not hold.
 */
export function successionNotes(content: Uint8Array): readonly string[] {
  try {
    const notes: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    if (Array.isArray(notes) && notes.every((note) => typeof note === "string")) return notes;
  } catch {
    // Neither UTF-8 nor JSON.
  }
  throw new MerkleError("note_malformed", "what the log says of its keys cannot be read");
}

/**
 * Follows notes from a trusted key to the key that signs now. Neither the order nor the origin of the notes is
 * trusted. Throws MerkleError where a note that claims to succeed a trusted key does not verify.
 */
export function followSuccessions(
  notes: readonly string[],
  trusted: string,
): { readonly key: string; readonly steps: readonly Succession[] } {
  const steps: Succession[] = [];
  let key = trusted;
  // A key that has signed two is not to be trusted with either.
  for (let rest = [...notes]; ; ) {
    const next = rest.filter((note) => note.includes(`\nfrom ${key}\n`));
    if (next.length === 0) return { key, steps };
    if (next.length > 1) throw new MerkleError("note_malformed", "two keys claim to succeed one");
    const step = openSuccession(next[0]!, key);
    rest = rest.filter((note) => note !== next[0]);
    steps.push(step);
    key = step.to;
  }
}

/** The first declared break that lost entries of a log which had `size` of them; undefined where none did. */
export function breakSince(steps: readonly Succession[], size: number): Succession | undefined {
  return steps.find(({ reason, continues }) => reason === "restored" && size > continues.size);
}

function treeText({ size, root }: Tree): string {
  return `${size} ${Buffer.from(root).toString("base64")}`;
}

function treeOf(text: string): Tree {
  const [size = "", root = ""] = text.split(" ");
  const tree = { size: Number(size), root: new Uint8Array(Buffer.from(root, "base64")) };
  if (
    !Number.isSafeInteger(tree.size) ||
    tree.size < 0 ||
    tree.root.length !== 32 ||
    treeText(tree) !== text
  ) {
    throw new MerkleError("note_malformed", "a tree is a size and a root");
  }
  return tree;
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new MerkleError("note_malformed", "a time is one of ISO 8601");
  return time;
}
