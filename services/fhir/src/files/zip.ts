import { Readable } from "node:stream";
import { ZipFile } from "yazl";

/** A file of an archive. */
export interface ZipEntry {
  readonly path: string;
  /** Called when its turn comes, once. */
  readonly content: () => AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;
}

/**
 * The entries as one ZIP, in their order, made while it is read: of no file more than some pieces lie in memory. What fails destroys
 * the stream, so that the archive has no directory at its end and opens nowhere.
 */
export function zipStream(entries: AsyncIterable<ZipEntry>, modified: Date): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  zip.on("error", (error: Error) => output.destroy(error));
  fill(zip, output, entries, modified).catch((error: Error) => output.destroy(error));
  return output;
}

async function fill(
  zip: ZipFile,
  output: Readable,
  entries: AsyncIterable<ZipEntry>,
  mtime: Date,
): Promise<void> {
  for await (const { path, content } of entries) {
    if (output.destroyed) return;
    const stream = Readable.from(bytesOf(content()), { objectMode: false });
    const stop = () => stream.destroy();
    output.once("close", stop);
    const ended = new Promise<void>((resolve, reject) => {
      stream.once("end", resolve).once("error", reject).once("close", resolve);
    });
    zip.addReadStream(stream, path, { mtime, compress: !path.endsWith(".parquet") });
    await ended;
    output.off("close", stop);
  }
  zip.end();
}

/** Pieces that are not too small for the compression. */
async function* bytesOf(
  content: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content) {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    waiting.push(bytes);
    length += bytes.length;
    if (length < 65_536) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}
