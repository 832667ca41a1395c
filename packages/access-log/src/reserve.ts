import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { AccessLogError } from "./errors.ts";

/**
 * A file that reserved its space while the disk had some. It keeps records while the store cannot, never grows, and
 * is emptied as a whole.
 */
export interface Reserve {
  /** Durable when it resolves. Throws `unavailable` when the record does not fit any more or the disk fails. */
  append(record: Uint8Array): Promise<void>;
  /** Records that were not released, oldest first. */
  held(): readonly Uint8Array[];
  /** Releases the `count` oldest records, which are stored elsewhere by now. The file is emptied once it holds none. */
  release(count: number): Promise<void>;
  /** Waits for writes in progress. Unreleased records stay in the file for the next open. */
  close(): Promise<void>;
}

/** A frame is its record's length and CRC-32, big-endian uint32 each, then the record. Length 0 ends the file. */
const HEAD_BYTES = 8;

interface Waiting {
  readonly frame: Uint8Array;
  readonly record: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: AccessLogError) => void;
}

/** Opens or creates the file at `path` with at least `bytes` bytes, all written and synced before it resolves. */
export async function openReserve(options: {
  readonly path: string;
  readonly bytes: number;
}): Promise<Reserve> {
  const file = await openOrCreate(options.path);
  const { records, end, size } = await recover(file, options.bytes).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  const held = records;
  const waiting: Waiting[] = [];
  let used = end;
  let broken: AccessLogError | undefined;
  let closed = false;
  // All writes happen one after the other; no link of the chain rejects.
  let work: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const taken: Waiting[] = [];
    let next = used;
    for (const one of waiting.splice(0)) {
      if (broken !== undefined) one.reject(broken);
      else if (next + one.frame.length > size) one.reject(unavailable("the reserve is full"));
      else {
        taken.push(one);
        next += one.frame.length;
      }
    }
    if (taken.length === 0) return;
    try {
      await writeAt(file, Buffer.concat(taken.map(({ frame }) => frame)), used);
      await file.datasync();
    } catch (cause) {
      // After a failed sync the kernel may have dropped the pages, and a later sync would lie.
      broken = unavailable("the reserve cannot be written", { cause });
      for (const one of taken) one.reject(broken);
      return;
    }
    used = next;
    for (const one of taken) {
      held.push(one.record);
      one.resolve();
    }
  }

  async function empty(): Promise<void> {
    // The file is given up as a whole: records that it still holds have no other place.
    if (held.length > 0) return;
    if (used === 0 || broken !== undefined) return;
    try {
      await writeAt(file, new Uint8Array(used), 0);
      await file.datasync();
      used = 0;
    } catch (cause) {
      broken = unavailable("the reserve cannot be written", { cause });
    }
  }

  function enqueue(step: () => Promise<void>): Promise<void> {
    work = work.then(step);
    return work;
  }

  return {
    append(record) {
      if (closed) return Promise.reject(unavailable("the reserve is closed"));
      return new Promise((resolve, reject) => {
        waiting.push({ frame: frameOf(record), record, resolve, reject });
        // One sync serves all records that arrive during the previous one.
        if (waiting.length === 1) void enqueue(flush);
      });
    },
    held: () => [...held],
    release(count) {
      held.splice(0, count);
      return enqueue(empty);
    },
    async close() {
      if (closed) return work;
      closed = true;
      await enqueue(() => file.close());
    },
  };
}

/** Whether the reserve at a path is empty, by its file. Throws if it cannot be read. */
export async function reserveIsEmpty(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    return head.readUInt32BE(0) === 0;
  } finally {
    await file.close();
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const file = await open(path, "wx+", 0o600);
  const folder = await open(dirname(path), "r");
  await folder.sync();
  await folder.close();
  return file;
}

/** Reads the whole records, and overwrites everything behind them with zeros that are allocated on the disk. */
async function recover(file: FileHandle, bytes: number) {
  const { size: before } = await file.stat();
  const size = Math.max(bytes, before);
  const content = new Uint8Array(size);
  await file.read(content, 0, before, 0);
  const { records, end } = parseFrames(content.subarray(0, before));
  if (before < size || !isZero(content.subarray(end))) {
    // The rest is torn (it was never acknowledged) or was released before.
    await writeAt(file, new Uint8Array(size - end), end);
  }
  await file.sync();
  return { records, end, size };
}

/** Each byte is the same as the one before it: one by one they take a start 0.1 s for each 10 MB. */
function isZero(bytes: Uint8Array): boolean {
  return (
    bytes.length === 0 || (bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0)
  );
}

/** The whole records from the beginning, and where they end. */
export function parseFrames(content: Uint8Array): { records: Uint8Array[]; end: number } {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const records: Uint8Array[] = [];
  let end = 0;
  while (end + HEAD_BYTES <= content.length) {
    const length = view.getUint32(end);
    const record = content.slice(end + HEAD_BYTES, end + HEAD_BYTES + length);
    if (length === 0 || record.length !== length || crc32(record) !== view.getUint32(end + 4)) break;
    records.push(record);
    end += HEAD_BYTES + length;
  }
  return { records, end };
}

function frameOf(record: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + record.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, record.length);
  view.setUint32(4, crc32(record));
  frame.set(record, HEAD_BYTES);
  return frame;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function unavailable(message: string, options?: ErrorOptions): AccessLogError {
  return new AccessLogError("unavailable", message, options);
}
