import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { closing } from "../closing.ts";
import { makeStart } from "../make-start.ts";
import { assertRun, type Line, type Result } from "../result.ts";
import { repeat } from "../runner.ts";

export const start: Line = {
  name: "P12",
  title: "what `make start` executes, to the first answered call",
  async run(size) {
    const results: Result[] = [];
    for (const kind of ["first start", "later start"] as const) {
      const { value, spread, details } = await repeat(size.quick ? { ...size, repetitions: 1 } : size, () =>
        closing(async (push) => {
          const folder = temporaryFolder();
          push(folder.remove);
          const options = { dataDir: folder.path, env: { WELLAPI_LOG_LEVEL: "error", ...makeStart } };
          if (kind === "later start") await (await startServer(options)).stop();
          const started = performance.now();
          const server = await startServer(options);
          push(server.stop);
          const announced = (performance.now() - started) / 1000;
          const gateway = connect({ url: server.http });
          const { checkpoint } = await createClient(AuditService, gateway).getCheckpoint({});
          assertRun(checkpoint !== "", "the first call is answered");
          return { value: (performance.now() - started) / 1000, details: { "announced s": announced } };
        }),
      );
      results.push({
        id: `P12 ${kind}`,
        value,
        unit: "s",
        bound: null,
        ratio: null,
        spread,
        goal: "under 3 s",
        met: value < 3,
        details,
      });
    }
    return results;
  },
};
