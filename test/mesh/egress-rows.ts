/** Whom a service reaches outside the mesh: the servers that its descriptor needs, and nobody else. */
import { createServer } from "node:net";
import { usersOf } from "../../scripts/manifests/derived.ts";
import { hubIp, mongodb, mongodbHost, nats, natsHost, servicePods, valkey, valkeyHost } from "./addresses.ts";
import type { Server } from "./pod-caller.ts";
import type { Row } from "./rows.ts";

const elsewhere: Server = { host: hubIp, port: 18_080, speaks: "first" };

/** Opens a server that is nobody's business, in the hub. */
export function openElsewhere(): void {
  createServer((socket) => {
    socket.on("error", () => {});
    socket.end("you got out\n");
  }).listen(elsewhere.port, elsewhere.host);
}

export function egressRows(): readonly Row[] {
  const servers: readonly (readonly [string, Server, readonly string[]])[] = [
    [mongodb.name, { host: mongodbHost, port: mongodb.port, speaks: "tls" }, usersOf("store")],
    [nats.name, { host: natsHost, port: nats.port, speaks: "first" }, usersOf("events")],
    [valkey.name, { host: valkeyHost, port: valkey.port, speaks: "tls" }, usersOf("budgets")],
    ["an address of nobody's", elsewhere, []],
  ];
  return servicePods.flatMap((pod) =>
    servers.map(
      ([name, server, users]): Row => ({
        group: "ways out",
        name: `${pod.name} ⇒ ${name}`,
        expected: users.includes(pod.name) ? "reached" : "no connection",
        run: (round) => round.reach(pod, server),
      }),
    ),
  );
}
