import { Resolver } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock } from "@wellapi/runtime";
import { version } from "@wellapi/runtime/version";
import { Webhook } from "standardwebhooks";
import { mayReach, type Reach } from "./address.ts";
import type { Attempt, AttemptOutcome } from "./attempt.ts";
import type { Message } from "./message-convert.ts";

export interface WebhookSender {
  /**
   * One try. What the endpoint does comes as the attempt, never as an error. Throws where the signal aborts: then nobody knows whether the
   * endpoint has it.
   */
  send(
    to: { readonly url: string; readonly secrets: readonly string[] },
    message: Message,
    signal: AbortSignal,
  ): Promise<Attempt>;
}

/** Names, connection, request and answer together. */
export const TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 65_536;
/** As RFC 6838 bounds media types; what is no such is not shown. */
const mediaType = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;

/** The addresses of a name. Throws where there is none. */
export type AddressesOf = (host: string) => Promise<ReadonlyArray<{ address: string; family: 4 | 6 }>>;

class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

/**
 * Sends webhooks (Standard Webhooks 1.0, symmetric signatures). The name of the host is resolved once for a try, each of its addresses is
 * checked, and the connection goes to one of those: between check and connection nobody asks again. Redirects are not followed.
 */
export function createWebhookSender({
  reach,
  clock,
  timeoutMs = TIMEOUT_MS,
  addressesOf = createAddressesOf(),
}: {
  readonly reach: Reach;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  /** Those that the name servers of this machine say, unless given. */
  readonly addressesOf?: AddressesOf;
}): WebhookSender {
  const lookup = checkedLookup(addressesOf, reach);
  return {
    async send({ url, secrets }, message, signal) {
      const time = clock.now();
      const began = clock.monotonic();
      const deadline = AbortSignal.timeout(timeoutMs);
      const target = new URL(url);
      const answer = await post(target, headersOf(message, secrets, time), message.body, {
        lookup,
        reach,
        signal: AbortSignal.any([signal, deadline]),
      }).catch((error: unknown) => {
        signal.throwIfAborted();
        return failed(error, deadline);
      });
      return { time, latency: Math.round(clock.monotonic() - began), ...answer };
    },
  };
}

type Answer = Omit<Attempt, "time" | "latency">;

function headersOf({ id, body }: Message, secrets: readonly string[], time: number) {
  const sentAt = new Date(time);
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": `WellAPI-Webhooks/${version}`,
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(time / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(" "),
  };
}

/** Throws where there is no answer, or it does not end in time. */
function post(
  target: URL,
  headers: ReturnType<typeof headersOf>,
  body: string,
  { lookup, reach, signal }: { lookup: LookupFunction; reach: Reach; signal: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    // Node resolves no address: the lookup would not see it.
    if (isIP(host) !== 0 && !mayReach(host, reach)) throw new AddressRefused();
    // A connection of its own: none of another organization's, and none that fell asleep.
    const sent = request(target, { method: "POST", headers, lookup, signal, agent: false });
    let answered = false;
    sent.on("error", (error) => {
      // Once there is a status, that the rest does not come changes nothing.
      if (!answered) reject(error);
    });
    sent.on("response", (response) => {
      answered = true;
      read(response).then((answer) => {
        // Whatever else would come of it is not wanted.
        sent.destroy();
        resolve(answer);
      }, reject);
    });
    sent.end(body);
  });
}

/** The form of the answer. Reads so much of it that an honest endpoint can end it, and drops the rest. */
async function read(response: IncomingMessage): Promise<Answer> {
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes = Math.min(MOST_ANSWER_BYTES, bytes + chunk.length);
      if (bytes === MOST_ANSWER_BYTES) break;
    }
  } catch {
    // What it has said counts, although it did not end: the status came first.
  }
  const status = response.statusCode ?? 0;
  const said = (response.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return { outcome: outcomeOf(status), status, type: mediaType.test(said) ? said : "", bytes };
}

function outcomeOf(status: number): AttemptOutcome {
  if (status >= 200 && status < 300) return "taken";
  return status >= 300 && status < 400 ? "redirected" : "refused";
}

function failed(error: unknown, deadline: AbortSignal): Answer {
  const refused = error instanceof AddressRefused;
  const late = deadline.aborted ? "timed_out" : "not_connected";
  return { outcome: refused ? "address_refused" : late, status: 0, type: "", bytes: 0 };
}

/** Gives only addresses that may be reached; one that may not spoils them all, because whoever mixes them wants in. */
function checkedLookup(addressesOf: AddressesOf, reach: Reach): LookupFunction {
  return (host, options, done) => {
    addressesOf(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined || !found.every(({ address }) => mayReach(address, reach))) {
          done(new AddressRefused(), "");
        } else if (options.all) done(null, [...found]);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ""),
    );
  };
}

const NAMES_TIMEOUT_MS = 2_000;

/** Not the system's resolver: it has four threads, and a name server that is slow on purpose would hold up files with them. */
function createAddressesOf(): AddressesOf {
  const resolver = new Resolver({ timeout: NAMES_TIMEOUT_MS, tries: 2 });
  return async (host) => {
    // Name servers do not say it; where it may not be reached, it is refused as what it is.
    if (host === "localhost") return [{ address: "127.0.0.1", family: 4 }];
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [
      ...(four.status === "fulfilled" ? four.value.map((address) => ({ address, family: 4 as const })) : []),
      ...(six.status === "fulfilled" ? six.value.map((address) => ({ address, family: 6 as const })) : []),
    ];
    if (found.length === 0) throw new Error("the name has no address");
    return found;
  };
}
