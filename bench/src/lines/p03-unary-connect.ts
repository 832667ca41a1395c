import type { ConnectUnaryBound } from "../../bounds/connect-unary.ts";
import type { ConnectUnaryLoad } from "../../load/connect-unary.ts";
import { unaryAck } from "../acks.ts";
import { closing } from "../closing.ts";
import { startProgram } from "../program.ts";
import { assertReadBack } from "../read-back.ts";
import type { Line } from "../result.ts";
import { compare } from "../runner.ts";
import { measureCalls, unaryResult } from "../unary-result.ts";
import { openWorld } from "../world.ts";

const inFlight = 64;

export const unaryConnect: Line = {
  name: "P3",
  title: "unary Connect JSON, one observation, 64 in flight",
  run: (size) =>
    closing(async (push) => {
      const count = size.quick ? 300 : 3_000;
      const world = await openWorld({ patients: size.quick ? 8 : 64 }, push);
      const load = startProgram<ConnectUnaryLoad>("load/connect-unary.ts");
      push(load.stop);
      const bound = startProgram<ConnectUnaryBound>("bounds/connect-unary.ts");
      push(bound.stop);
      const port = await bound.call("open", { ack: unaryAck() });
      const patients = world.patients.map(({ atMaker }) => atMaker);
      await load.call("describe", { name: "p3", patients });
      const { apiKey } = world;
      const send = (pid: number, url: string) =>
        measureCalls(pid, count, () => load.call("send", { url, apiKey, inFlight }));
      const comparison = await compare(
        size,
        async () => {
          await load.call("prepare", count);
          return send(world.server.pid, world.server.http);
        },
        () => send(bound.pid, `http://127.0.0.1:${port}`),
        world.toggleProfile,
      );
      const expected = await load.call("expected", undefined as never);
      await world.restart();
      await assertReadBack(world.target, "observations", expected);
      return [unaryResult("P3", comparison, "the bare connect-node unary")];
    }),
};
