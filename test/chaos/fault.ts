import type { World } from "./world.ts";

/** Something that happens to a mesh, and how it ends. */
export interface Fault {
  /** For the table: `records killed`. */
  readonly name: string;
  readonly group: Group;
  /** How long it lasts, milliseconds. */
  readonly holdMs: number;
  /** Whether writes and reads have to go on while it lasts. */
  readonly serves?: boolean;
  inject(world: World): Promise<void> | void;
  /** Recovery counts from its start. */
  heal(world: World): Promise<void> | void;
}

export type Group = "services" | "servers" | "network" | "disk" | "clock" | "certificates";
