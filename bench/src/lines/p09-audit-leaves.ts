import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "@wellapi/demo/server";
import type { AuditProcess } from "../../hosts/audit.ts";
import type { LeavesLoad } from "../../load/leaves.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { type Program, startProgram } from "../program.ts";
import { assertRun, type Line } from "../result.ts";
import { repeat } from "../runner.ts";

/** Milliseconds from now until so many leaves stand under the published checkpoint. */
async function integrated(host: Program<AuditProcess>, leaves: number): Promise<number> {
  const started = performance.now();
  while ((await host.call("published", undefined as never)) < leaves) await pause(5);
  return performance.now() - started;
}

export const auditLeaves: Line = {
  name: "P9",
  title: "audit leaves accepted and integrated",
  run: (size) =>
    closing(async (push) => {
      const folder = temporaryFolder();
      push(folder.remove);
      const tls = await createTls();
      const host = startProgram<AuditProcess>("hosts/audit.ts");
      push(host.stop);
      const load = startProgram<LeavesLoad>("load/leaves.ts");
      push(load.stop);
      const port = await host.call("open", { folder: folder.path, tls });
      const target = { address: `localhost:${port}`, tls };

      let sent = 0;
      const { value, spread, details } = await repeat(size, async () => {
        const count = await load.call("prepare", size.quick ? 5_000 : 50_000);
        sent += count;
        const [seconds, all] = await Promise.all([
          load.call("send", target),
          (async () => {
            const started = performance.now();
            await integrated(host, sent);
            return (performance.now() - started) / 1000;
          })(),
        ]);
        // All of it counts: what is taken faster than it is integrated is a debt.
        return {
          value: count / all,
          details: { "accepted/s": count / seconds, "lag ms": (all - seconds) * 1000 },
        };
      });
      await host.call("close", undefined as never);
      await host.stop();
      const again = startProgram<AuditProcess>("hosts/audit.ts");
      push(again.stop);
      await again.call("open", { folder: folder.path, tls });
      const found = await again.call("published", undefined as never);
      assertRun(found === sent, `after a restart ${found} leaves of ${sent} stand under the checkpoint`);
      return [
        {
          id: "P9",
          value,
          unit: "leaves/s",
          bound: null,
          ratio: null,
          spread,
          goal: "at least 10,000/s, integrated within 1 s",
          met: value >= 10_000 && details["lag ms"]! < 1_000,
          details,
        },
      ];
    }),
};
