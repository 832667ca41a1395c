import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createAuthority } from "../../../packages/rpc/test/certificates.ts";
import { releasedServices } from "./released-contracts.ts";
import { differences, type Json, type Scenario } from "./scenario.ts";
import { type RawRequest, runScript, type ScriptedCall } from "./script.ts";

/** A server that follows scenarios, and misbehaves as they say. One scenario at a time. */
export interface ScriptedServer {
  /** gRPC with mutual TLS. */
  readonly door: string;
  /** Connect over HTTP/1.1. */
  readonly gateway: string;
  /** For the door, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string; readonly ca: string };
  begin(scenario: Scenario): void;
  /** What was not as the scenario expects, a line each: in what came here, and in what the client reports. */
  end(result: { readonly [key: string]: Json }): readonly string[];
  close(): Promise<void>;
}

/** As the last release has them: what a library sends, an exchange of that release understands. */
const services = releasedServices([
  "wellapi.consent.v1.ConsentService",
  "wellapi.ingestion.v1.IngestionService",
  "wellapi.records.v1.RecordsService",
]);
const rawKey = createContextKey<RawRequest | undefined>(undefined);

/** The scenario that runs, and what has come for it. */
interface Run {
  readonly scenario: Scenario;
  readonly calls: Json[][];
  readonly problems: string[];
}

export async function openScriptedServer(): Promise<ScriptedServer> {
  let run: Run | undefined;
  // By their ports: a request of HTTP/2 gives no socket that can be destroyed without a farewell.
  const sockets = new Map<number, Socket>();
  const cut = (raw: RawRequest) => void sockets.get(raw.socket.remotePort!)?.destroy();
  const adapter = connectNodeAdapter({
    routes(router) {
      for (const service of services) {
        routesOf(router, service, (...call) => {
          if (run === undefined) throw new ConnectError("no scenario runs");
          return answer(run, cut, ...call);
        });
      }
    },
    contextValues: (request) => createContextValues().set(rawKey, request as RawRequest),
  });
  const authority = await createAuthority("conformance");
  const own = await authority.issue({ name: "server" });
  const client = await authority.issue({ name: "client" });
  const tls = { cert: own.certificate, key: own.privateKey, ca: authority.certificate };
  const door = createSecureServer({ ...tls, requestCert: true, minVersion: "TLSv1.3" }, adapter);
  door.on("session", (session) => {
    session.on("error", () => {}); // It is what the script asked for.
  });
  const gateway = createServer(adapter as (request: IncomingMessage, response: ServerResponse) => void);
  return {
    door: `https://localhost:${await listen(door, sockets)}`,
    gateway: `http://127.0.0.1:${await listen(gateway, sockets)}`,
    certificate: { cert: client.certificate, key: client.privateKey, ca: authority.certificate },
    begin(scenario) {
      run = { scenario, calls: [], problems: [] };
    },
    end(result) {
      if (run === undefined) return ["no scenario runs"];
      const { scenario, calls, problems } = run;
      run = undefined;
      const { requests, result: expected } = scenario.expect;
      return [
        ...problems,
        ...differences(requests, calls, "requests"),
        ...differences({ error: null, ...expected }, { error: null, ...result }, "result"),
      ];
    },
    async close() {
      for (const socket of sockets.values()) socket.destroy();
      await Promise.all([door, gateway].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** Starts to listen; its port. */
async function listen(server: Server | Http2SecureServer, sockets: Map<number, Socket>): Promise<number> {
  server.on("connection", (socket: Socket) => {
    const port = socket.remotePort!;
    sockets.set(port, socket);
    socket.on("close", () => sockets.delete(port));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Answers a call by the script that is its turn. */
function answer(
  { scenario, calls, problems }: Run,
  cut: (raw: RawRequest) => void,
  method: DescMethod,
  requests: AsyncIterable<Message>,
  { raw, header }: AnswerOf,
): AsyncGenerator<Message> {
  const rpc = `${method.parent.typeName}/${method.name}`;
  const script = scenario.server[calls.length];
  const came: Json[] = [];
  calls.push(came);
  if (script?.rpc !== rpc) {
    problems.push(`call ${calls.length} is of ${rpc} instead of ${script?.rpc ?? "none"}`);
    throw new ConnectError("not in the script");
  }
  const call: ScriptedCall = {
    steps: script.steps,
    input: method.input,
    output: method.output,
    raw,
    header,
    cut: () => cut(raw),
    requests: came,
    wrong: (problem) => void problems.push(problem),
  };
  return runScript(call, requests);
}

/** What a call of the script needs of its answer. */
interface AnswerOf {
  readonly raw: RawRequest;
  readonly header: Headers;
}

type Answer = (
  method: DescMethod,
  requests: AsyncIterable<Message>,
  answer: AnswerOf,
) => AsyncGenerator<Message>;

/** Every method of the service, answered by the script. */
function routesOf(router: ConnectRouter, service: DescService, answer: Answer): void {
  for (const method of service.methods) {
    const respond = (requests: AsyncIterable<Message>, { values, responseHeader }: HandlerContext) =>
      answer(method, requests, { raw: values.get(rawKey)!, header: responseHeader });
    if (method.methodKind === "unary") {
      router.rpc(method as DescMethod & { methodKind: "unary" }, async (request, context) => {
        for await (const message of respond(only(request), context)) return message;
        throw new ConnectError("the script has no answer");
      });
    }
    if (method.methodKind === "server_streaming") {
      router.rpc(method as DescMethod & { methodKind: "server_streaming" }, (request, context) =>
        respond(only(request), context),
      );
    }
    if (method.methodKind === "bidi_streaming") {
      router.rpc(method as DescMethod & { methodKind: "bidi_streaming" }, (requests, context) =>
        respond(requests, context),
      );
    }
  }
}

async function* only(message: Message): AsyncGenerator<Message> {
  yield message;
}
