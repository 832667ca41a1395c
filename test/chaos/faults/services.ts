import type { Fault } from "../fault.ts";

const services = ["keys", "audit", "identity", "consent", "records", "ingestion", "gateway"] as const;

/** Longer than a session of consent, which has to run out. */
const pausedMs = 3_000;

export const killedServices: readonly Fault[] = services.map((service) => ({
  name: `${service} killed`,
  group: "services",
  holdMs: 500,
  inject: ({ mesh }) => mesh.kill(service),
  heal: ({ mesh }) => mesh.start(service),
}));

export const pausedServices: readonly Fault[] = services.map((service) => ({
  name: `${service} paused`,
  group: "services",
  holdMs: pausedMs,
  inject: ({ mesh }) => mesh.pause(service),
  heal: ({ mesh }) => mesh.resume(service),
}));
