/**
 * Bound of P6: a unary read that opens one AES-256-GCM box from a file, appends an entry of 512 bytes with its
 * fsync, as a read that must be logged does, and answers with the opened bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { openRawServer } from "./raw-server.ts";

const entry = randomBytes(512);

const commands = {
  async open(options: { tls: Tls; path: string; answer: Uint8Array; folder: string }): Promise<number> {
    const key = randomBytes(32);
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const sealed = Buffer.concat([cipher.update(options.answer), cipher.final(), cipher.getAuthTag()]);
    const box = await open(join(options.folder, "box"), "w+");
    await box.write(sealed);
    const log = await open(join(options.folder, "log"), "a");
    return openRawServer(options.tls, {
      [options.path]: {
        kind: "unary",
        async handle(_call, callback) {
          const { buffer } = await box.read(Buffer.allocUnsafe(sealed.length), 0, sealed.length, 0);
          const decipher = createDecipheriv("aes-256-gcm", key, nonce);
          decipher.setAuthTag(buffer.subarray(-16));
          const opened = Buffer.concat([decipher.update(buffer.subarray(0, -16)), decipher.final()]);
          await log.write(entry);
          await log.datasync();
          callback(null, opened);
        },
      },
    });
  },
};

export type SealedReadBound = typeof commands;
serveProgram(commands);
