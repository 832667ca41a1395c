import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certified {
  readonly credential?: { readonly id: string } | undefined;
  readonly certificate: string;
  readonly authority: string;
}

const FILES = ["key.pem", "cert.pem", "ca.pem"] as const;

/**
 * Makes a key, has it certified, and puts key.pem, cert.pem and ca.pem into the folder; returns the credential's id. What is
 * under way lies in `next/` until it is whole: run again after an interruption, it asks for the same certificate, and
 * never leaves a key beside a certificate of another one.
 */
export async function certifyInto(
  folder: string,
  certify: (asked: { requestId: string; certificateRequest: string }) => Promise<Certified>,
): Promise<string> {
  const next = join(folder, "next");
  const at = (name: string) => join(next, name);
  if (!existsSync(at("credential"))) {
    if (!existsSync(at("request-id"))) await beginIn(next);
    const answer = await certify({
      requestId: readFileSync(at("request-id"), "utf8"),
      certificateRequest: readFileSync(at("request.pem"), "utf8"),
    });
    writeFileSync(at("cert.pem"), answer.certificate);
    writeFileSync(at("ca.pem"), answer.authority);
    writeFileSync(at("credential.new"), answer.credential?.id ?? "");
    renameSync(at("credential.new"), at("credential"));
  }
  const credential = readFileSync(at("credential"), "utf8");
  for (const name of FILES) if (existsSync(at(name))) renameSync(at(name), join(folder, name));
  rmSync(next, { recursive: true });
  return credential;
}

/** The request's id comes last: with it, all is there. */
async function beginIn(next: string): Promise<void> {
  mkdirSync(next, { recursive: true, mode: 0o700 });
  const { createCertificateRequest } = await import("@wellapi/client/enrolment");
  const { privateKey, certificateRequest } = await createCertificateRequest();
  writeFileSync(join(next, "key.pem"), privateKey, { mode: 0o600 });
  writeFileSync(join(next, "request.pem"), certificateRequest);
  writeFileSync(join(next, "request-id.new"), randomUUID());
  renameSync(join(next, "request-id.new"), join(next, "request-id"));
}
