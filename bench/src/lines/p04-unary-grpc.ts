import type { GrpcUnaryBound } from "../../bounds/grpc-unary.ts";
import type { GrpcUnaryLoad } from "../../load/grpc-unary.ts";
import { unaryAck } from "../acks.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { startProgram } from "../program.ts";
import type { Target } from "../raw-client.ts";
import { assertReadBack } from "../read-back.ts";
import type { Line } from "../result.ts";
import { compare } from "../runner.ts";
import { measureCalls, unaryResult } from "../unary-result.ts";
import { openWorld } from "../world.ts";

const path = "/wellapi.ingestion.v1.IngestionService/CreateObservations";

export const unaryGrpc: Line = {
  name: "P4",
  title: "unary gRPC, one observation, 64 in flight",
  run: (size) =>
    closing(async (push) => {
      const count = size.quick ? 300 : 3_000;
      const world = await openWorld({ patients: size.quick ? 8 : 64 }, push);
      const load = startProgram<GrpcUnaryLoad>("load/grpc-unary.ts");
      push(load.stop);
      const bound = startProgram<GrpcUnaryBound>("bounds/grpc-unary.ts");
      push(bound.stop);
      const tls = await createTls();
      const port = await bound.call("open", { tls, path, ack: unaryAck() });
      const patients = world.patients.map(({ atMaker }) => atMaker);
      await load.call("describe", { name: "p4", patients });
      const send = (pid: number, target: Target) => {
        const order = { target, path, inFlight: 64, check: { kind: "receipt" } as const };
        return measureCalls(pid, count, () => load.call("send", order));
      };
      const comparison = await compare(
        size,
        async () => {
          await load.call("prepare", count);
          return send(world.server.pid, world.target);
        },
        () => send(bound.pid, { address: `localhost:${port}`, tls }),
        world.toggleProfile,
      );
      const expected = await load.call("expected", undefined as never);
      await world.restart();
      await assertReadBack(world.target, "observations", expected);
      return [unaryResult("P4", comparison, "the bare grpc-js unary")];
    }),
};
