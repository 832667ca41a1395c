/** MongoDB and NATS: gone and back on the same data, or silent for a while. */
import { serviceNames } from "@wellapi/host";
import type { Fault } from "../fault.ts";

const names = { mongo: "MongoDB", nats: "NATS" } as const;
const both = ["mongo", "nats"] as const;

export const killedServers: readonly Fault[] = both.map((server) => ({
  name: `${names[server]} killed`,
  group: "servers",
  holdMs: 1_500,
  inject: (world) => world[server].kill(),
  heal: (world) => world[server].start(),
}));

export const pausedServers: readonly Fault[] = both.map((server) => ({
  name: `${names[server]} paused`,
  group: "servers",
  holdMs: 4_000,
  inject: (world) => world[server].pause(),
  heal: (world) => world[server].resume(),
}));

/** Services that are started while what they need is away, and have to wait for it instead of giving up. */
export const startsWithoutServers: readonly Fault[] = [
  {
    name: "records started while NATS is away",
    group: "servers",
    holdMs: 1_500,
    async inject({ nats, mesh }) {
      await Promise.all([nats.kill(), mesh.kill("records")]);
    },
    async heal({ nats, mesh }) {
      const started = mesh.start("records");
      await nats.start();
      await started;
    },
  },
  {
    name: "audit started while MongoDB is away",
    group: "servers",
    holdMs: 500,
    async inject({ mongo, mesh }) {
      await Promise.all([mongo.kill(), mesh.kill("audit")]);
    },
    async heal({ mongo, mesh }) {
      const started = mesh.start("audit");
      await mongo.start();
      await started;
    },
  },
  {
    name: "every service killed at once",
    group: "servers",
    holdMs: 500,
    async inject({ mesh }) {
      await Promise.all(serviceNames.map((service) => mesh.kill(service)));
    },
    async heal({ mesh }) {
      await Promise.all(serviceNames.map((service) => mesh.start(service)));
    },
  },
];
