/** The two ways in which a row calls a service: through its own sidecar, or past it with its own certificate. */
import type { ClientHttp2Session } from "node:http2";
import { hostOf, type MeshPod, stranger } from "./addresses.ts";
import { connectPod } from "./connection.ts";
import { callGrpc, type GrpcCall, type GrpcReply } from "./grpc-probe.ts";
import type { Answer, Question, Server } from "./pod-caller.ts";
import { certificateOf } from "./pods.ts";
import { start } from "./programs.ts";
import { repository, seen, type World } from "./world.ts";

/** Of services, for each other. */
export const grpcPort = 9443;
/** Neither root nor the proxy's. */
const callerUid = 1001;

/** A pass over the rows. Its connections are its own: one that is open is still judged by a former policy. */
export interface Round {
  /** From the pod of this account, as its service would call. */
  throughSidecar(from: MeshPod, to: string, call: GrpcCall): Promise<GrpcReply>;
  /** `reached`, or how not: from the pod of this account, to a server that is not of the mesh. */
  reach(from: MeshPod, server: Server): Promise<string>;
  /** With the certificate that istiod gave to the account, straight to the pod: as somebody who stole it. */
  withCertificate(account: MeshPod, to: string, call: GrpcCall): Promise<GrpcReply>;
  close(): void;
}

/** Starts a caller in each of the pods. */
export function startCallers(world: World, pods: readonly MeshPod[]): () => Round {
  const ask = new Map(pods.map((pod) => [pod.name, startCaller(world, pod)]));
  let rounds = 0;
  return () => {
    rounds += 1;
    const round = rounds;
    const connections = new Map<string, ClientHttp2Session>();
    return {
      throughSidecar: (from, to, call) =>
        ask.get(from.name)!({
          kind: "grpc",
          authority: `${hostOf(to)}:${grpcPort}`,
          round,
          call,
        }),
      reach: async (from, server) => (await ask.get(from.name)!({ kind: "reach", round, ...server })).outcome,
      withCertificate(account, to, call) {
        const key = `${account.name} ${to}`;
        const known = connections.get(key);
        const session =
          known && !known.destroyed && !known.closed
            ? known
            : connectPod({ to, port: grpcPort, ...certificateOf(world, account) });
        connections.set(key, session);
        return callGrpc(session, call);
      },
      close() {
        for (const session of connections.values()) session.destroy();
      },
    };
  };
}

type Unnumbered<Q> = Q extends unknown ? Omit<Q, "id"> : never;

function startCaller(world: World, pod: MeshPod) {
  const waiting = new Map<number, (reply: GrpcReply) => void>();
  const child = start(`caller of ${pod.name}`, {
    pod: pod.name,
    uid: callerUid,
    command: seen(process.execPath),
    args: [seen(`${repository}test/mesh/pod-caller.ts`), ...(pod === stranger ? [String(grpcPort)] : [])],
    cwd: "/",
    log: `${world.folder}/logs/${pod.name}.caller.log`,
    env: {},
    ipc: true,
  });
  child.on("message", ({ id, reply }: Answer) => {
    waiting.get(id)?.(reply);
    waiting.delete(id);
  });
  let asked = 0;
  return (question: Unnumbered<Question>) =>
    new Promise<GrpcReply>((resolve) => {
      asked += 1;
      waiting.set(asked, resolve);
      child.send({ ...question, id: asked } as Question);
    });
}
