/** A push service on this machine, and the browsers that subscribe at it: both ends are as the real ones, the way between is not. */
import { createECDH, createPublicKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { jwtVerify } from "jose";
import { createAuthority } from "../../../packages/rpc/test/certificates.ts";

const ece = createRequire(import.meta.url)("http_ece") as {
  decrypt(body: Buffer, parameters: object): Buffer;
};

export interface Pushed {
  /** What the browser decrypts. */
  readonly message: Readonly<Record<string, string>>;
  readonly urgency: string | undefined;
  /** Of the verified token by which the sender shows its key (RFC 8292). */
  readonly audience: unknown;
  readonly contact: unknown;
  /** The sender's key, base64url. */
  readonly key: string;
}

export interface Browser {
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
}

export interface PushService {
  /** `localhost:<port>` */
  readonly host: string;
  /** Of its certificate, PEM; this process trusts it. */
  readonly authority: string;
  /** A browser subscribes: what its page gets. */
  subscribe(): Browser;
  /** What came to it, oldest first. */
  to(browser: Browser): readonly Pushed[];
  /** Answers with this status from now on. */
  answer(status: number): void;
  /** Keeps requests for these open, as a service that is very slow, until it is given none. */
  hold(browsers: readonly Browser[]): void;
  close(): Promise<void>;
}

export async function openPushService(): Promise<PushService> {
  const authority = await createAuthority("push services");
  const { certificate, privateKey } = await authority.issue({ name: "push" });
  const usual = getCACertificates("default");
  setDefaultCACertificates([...usual, authority.certificate]);
  const browsers = new Map<string, { readonly keys: ReturnType<typeof createECDH>; readonly auth: Buffer }>();
  const pushed = new Map<string, Pushed[]>();
  let status = 201;
  let held: readonly string[] = [];
  const waiting = new Set<() => void>();

  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const path = request.url ?? "";
      const browser = browsers.get(path);
      if (status === 201 && browser !== undefined) {
        const [, token = "", key = ""] =
          /^vapid t=([^,]+), ?k=(.+)$/.exec(request.headers.authorization ?? "") ?? [];
        const { payload } = await jwtVerify(token, publicKeyOf(key));
        const parameters = { version: "aes128gcm", privateKey: browser.keys, authSecret: browser.auth };
        const message = JSON.parse(ece.decrypt(Buffer.concat(chunks), parameters).toString());
        const urgency = request.headers.urgency as string | undefined;
        const one = { message, urgency, audience: payload.aud, contact: payload.sub, key };
        pushed.set(path, [...(pushed.get(path) ?? []), one]);
      }
      if (held.includes(path)) {
        // The connection does not fall silent: the sender has no reason to give up.
        const beat = setInterval(() => response.writeProcessing(), 500);
        await new Promise<void>((resolve) => waiting.add(resolve));
        clearInterval(beat);
      }
      response.writeHead(browser === undefined ? 404 : status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    host,
    authority: authority.certificate,
    subscribe() {
      const keys = createECDH("prime256v1");
      keys.generateKeys();
      const auth = randomBytes(16);
      const path = `/push/${randomBytes(16).toString("hex")}`;
      browsers.set(path, { keys, auth });
      return { endpoint: `https://${host}${path}`, p256dh: keys.getPublicKey(), auth };
    },
    to: ({ endpoint }) => pushed.get(new URL(endpoint).pathname) ?? [],
    answer(next) {
      status = next;
    },
    hold(next) {
      held = next.map(({ endpoint }) => new URL(endpoint).pathname);
      if (held.length > 0) return;
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    async close() {
      setDefaultCACertificates(usual);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An uncompressed point of P-256, base64url. */
function publicKeyOf(key: string) {
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((one) => one.toString("base64url"));
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x: x!, y: y! }, format: "jwk" });
}
