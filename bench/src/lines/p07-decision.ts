import { temporaryFolder } from "@wellapi/demo/server";
import type { DecisionsLoad } from "../../load/decisions.ts";
import { closing } from "../closing.ts";
import { startProgram } from "../program.ts";
import type { Line } from "../result.ts";
import { repeat } from "../runner.ts";

export const decision: Line = {
  name: "P7",
  title: "a consent decision inside the enforcer, session live",
  async run(size) {
    const { value, spread, details } = await repeat(size, () =>
      closing(async (push) => {
        const folder = temporaryFolder();
        push(folder.remove);
        const load = startProgram<DecisionsLoad>("load/decisions.ts");
        push(load.stop);
        const order = {
          folder: folder.path,
          patients: size.quick ? 200 : 1_000,
          hits: size.quick ? 50_000 : 300_000,
        };
        const { hitP50, hitP99, missP50, missP99 } = await load.call("measure", order);
        const named = { "p99 us": hitP99, "miss p50 ms": missP50 / 1000, "miss p99 ms": missP99 / 1000 };
        return { value: hitP50, details: named };
      }),
    );
    return [
      {
        id: "P7",
        value,
        unit: "us (p50)",
        bound: null,
        ratio: null,
        spread,
        goal: "p50 under 5 us, p99 under 50 us; a miss under 5 ms",
        met: value < 5 && details["p99 us"]! < 50 && details["miss p99 ms"]! < 5,
        details,
      },
    ];
  },
};
