import { serviceNames } from "@wellapi/host";
import type { Fault } from "../fault.ts";

/** Longer than a session of consent, which has to run out. */
const pausedMs = 3_000;

export const killedServices: readonly Fault[] = serviceNames.map((service) => ({
  name: `${service} killed`,
  group: "services",
  holdMs: 500,
  inject: ({ mesh }) => mesh.kill(service),
  heal: ({ mesh }) => mesh.start(service),
}));

export const pausedServices: readonly Fault[] = serviceNames.map((service) => ({
  name: `${service} paused`,
  group: "services",
  holdMs: pausedMs,
  inject: ({ mesh }) => mesh.pause(service),
  heal: ({ mesh }) => mesh.resume(service),
}));
