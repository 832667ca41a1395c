/** One process's clock is two minutes off, for its whole life: calls have to go on all the same. */
import { type ServiceName, serviceNames } from "@wellapi/host";
import type { Fault } from "../fault.ts";
import type { World } from "../world.ts";

async function startWith(
  { mesh, extra }: World,
  member: ServiceName,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  await mesh.kill(member);
  extra.set(member, more);
  await mesh.start(member);
}

/** `library`: libfaketime's, for LD_PRELOAD. Only the wall clock moves: a monotonic clock has no time of day. */
export function movedClocks(library: string): readonly Fault[] {
  return serviceNames.flatMap((member) =>
    (["+120s", "-120s"] as const).map(
      (offset): Fault => ({
        name: `clock of ${member} ${offset.startsWith("+") ? "ahead" : "behind"} by two minutes`,
        group: "clock",
        holdMs: 0,
        serves: true,
        inject: (world) =>
          startWith(world, member, { LD_PRELOAD: library, FAKETIME: offset, DONT_FAKE_MONOTONIC: "1" }),
        heal: (world) => startWith(world, member, {}),
      }),
    ),
  );
}
