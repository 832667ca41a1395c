import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { openGrpcTransport } from "@wellapi/grpc-client";
import { type Deprecation, withDeprecations } from "./deprecations.ts";
import { ClientError } from "./errors.ts";
import { type Retries, withRetries } from "./retries.ts";
import { withTypedErrors } from "./typed-errors.ts";

/** PEM texts: the application's certificate, its private key, and the authority that signed the server's certificate. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** The door, which speaks gRPC with mutual TLS. */
export interface DoorOptions {
  /** Like `https://localhost:7443`. */
  readonly url: string;
  readonly certificate: ClientCertificate;
  readonly keepAlive?: KeepAlive;
  /** Run around each call, the first one outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Absent: a call is made once, and `error.transient` says when a repetition may help. */
  readonly retries?: Retries;
  /** Is told what its calls use that will go, each name once. Absent: the process warns (`DeprecationWarning`). */
  readonly onDeprecation?: (deprecation: Deprecation) => void;
}

/** The gateway, which speaks HTTP. Without a key and a token: only for public RPCs. */
export interface GatewayOptions {
  /** Like `http://127.0.0.1:7080`. */
  readonly url: string;
  /** Of an application, or an operator's. */
  readonly apiKey?: string;
  /** A patient's. It wins over an API key. */
  readonly token?: string;
  /** Run around each call, the first one outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Absent: a call is made once, and `error.transient` says when a repetition may help. */
  readonly retries?: Retries;
  /** Is told what its calls use that will go, each name once. Absent: the process warns (`DeprecationWarning`). */
  readonly onDeprecation?: (deprecation: Deprecation) => void;
}

/** How a connection detects that the server no longer answers. */
export interface KeepAlive {
  /** A ping after this much silence, in milliseconds; 30,000 unless given. */
  readonly intervalMs: number;
  /** A ping without an answer for so long ends the connection, in milliseconds; 15,000 unless given. */
  readonly timeoutMs: number;
}

/** A Connect transport: `createClient(RecordsService, connection)`. Its calls throw WellApiError. */
export interface Connection extends Transport {
  /**
   * Ends a connection to the door and the calls on it. The gateway's connections belong to the process
   * (`http.globalAgent`), and close when they are idle.
   */
  close(): void;
}

/** More than the door accepts, so that the door reports a message that is too large. */
const largestMessageBytes = 16 * 1_048_576;

/** Opens no connection: the first call does. After a connection has ended, the next call opens another. */
export function connect(options: DoorOptions | GatewayOptions): Connection {
  return "certificate" in options ? connectDoor(options) : connectGateway(options);
}

function connectDoor(options: DoorOptions): Connection {
  const { url, certificate, keepAlive, interceptors } = options;
  const { transport, close } = openGrpcTransport({
    address: new URL(url).host,
    tls: {
      serverAuthority: certificate.ca,
      certificate: certificate.cert,
      privateKey: certificate.key,
    },
    messageBytes: largestMessageBytes,
    ...(keepAlive === undefined ? {} : { keepAlive }),
    ...(interceptors === undefined ? {} : { interceptors }),
  });
  return { ...typed(transport, options), close };
}

function connectGateway(options: GatewayOptions): Connection {
  const { url, apiKey, token, interceptors = [] } = options;
  const secret = token ?? apiKey;
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    useBinaryFormat: true,
    interceptors: [...interceptors, ...(secret === undefined ? [] : [bearer(secret)])],
  });
  return { ...typed(transport, options), close: () => {} };
}

function typed(transport: Transport, { retries, onDeprecation }: DoorOptions | GatewayOptions): Transport {
  const calls = withDeprecations(withTypedErrors(transport), onDeprecation);
  return retries === undefined ? calls : withRetries(calls, retries);
}

/** Throws ClientError `input` for a secret that no header can carry; unlike the header's error it hides the secret. */
function bearer(secret: string): Interceptor {
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new ClientError("input", "the API key or token is not one: it is empty, or has spaces or lines");
  }
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${secret}`);
    return next(request);
  };
}
