/** Reads a ZIP archive as another program would: by the directory at its end. */
import { crc32, inflateRawSync } from "node:zlib";

/** The files of an archive by their paths. Throws where it is no whole archive, or a file's bytes are not those that it names. */
export function filesOf(archive: Buffer): ReadonlyMap<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from("504b0506", "hex"));
  if (end < 0) throw new Error("the archive has no directory: it is not whole");
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error("the directory of the archive is broken");
    const [method, sum, packed] = [10, 16, 20].map((place) =>
      place === 10 ? archive.readUInt16LE(at + place) : archive.readUInt32LE(at + place),
    ) as [number, number, number];
    const [name, extra, comment] = [28, 30, 32].map((place) => archive.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ];
    const path = archive.toString("utf8", at + 46, at + 46 + name);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const stored = archive.subarray(start, start + packed);
    const bytes = method === 8 ? inflateRawSync(stored) : stored;
    if (crc32(bytes) !== sum) throw new Error(`${path} is damaged`);
    files.set(path, bytes);
    at += 46 + name + extra + comment;
  }
  return files;
}
