import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { openGrpcTransport } from "@wellapi/grpc-client";
import { ClientError } from "./errors.ts";
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
}

/** The gateway, which speaks HTTP. With neither key nor token: for what is open to anyone. */
export interface GatewayOptions {
  /** Like `http://127.0.0.1:7080`. */
  readonly url: string;
  /** Of an application, or an operator's. */
  readonly apiKey?: string;
  /** A patient's. It wins over an API key. */
  readonly token?: string;
  /** Run around each call, the first one outermost. */
  readonly interceptors?: readonly Interceptor[];
}

/** How a connection notices that nobody answers any more. */
export interface KeepAlive {
  /** A ping after this much silence, in milliseconds; 30,000 unless given. */
  readonly intervalMs: number;
  /** The connection is given up when a ping has no answer after this, in milliseconds; 15,000 unless given. */
  readonly timeoutMs: number;
}

/** A Connect transport: `createClient(RecordsService, connection)`. Its calls throw WellApiError. */
export interface Connection extends Transport {
  /**
   * Ends a connection to the door and the calls on it. The gateway's connections are the process's own
   * (`http.globalAgent`), and close when they are idle.
   */
  close(): void;
}

/** More than the door takes: it is the door that says what is too large. */
const largestMessageBytes = 16 * 1_048_576;

/** Opens nothing yet: the first call does. A connection that ends is followed by another at the next call. */
export function connect(options: DoorOptions | GatewayOptions): Connection {
  return "certificate" in options ? connectDoor(options) : connectGateway(options);
}

function connectDoor({ url, certificate, keepAlive, interceptors }: DoorOptions): Connection {
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
  return { ...withTypedErrors(transport), close };
}

function connectGateway({ url, apiKey, token, interceptors = [] }: GatewayOptions): Connection {
  const secret = token ?? apiKey;
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    useBinaryFormat: true,
    interceptors: [...interceptors, ...(secret === undefined ? [] : [bearer(secret)])],
  });
  return { ...withTypedErrors(transport), close: () => {} };
}

/** Throws ClientError `input` for a secret that no header can carry, without the secret: the header's own error shows it. */
function bearer(secret: string): Interceptor {
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new ClientError("input", "the API key or token is not one: it is empty, or has spaces or lines");
  }
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${secret}`);
    return next(request);
  };
}
