import { fromBinary } from "@bufbuild/protobuf";
import { ReadSeriesResponseSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { ServerStreamBound } from "../../bounds/server-stream.ts";
import type { ReadStreamLoad } from "../../load/read-stream.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { usageOf } from "../process-usage.ts";
import { startProgram } from "../program.ts";
import type { Target } from "../raw-client.ts";
import { assertReadBack, readSeriesPath, readSeriesRequest } from "../read-back.ts";
import { assertRun, type Line } from "../result.ts";
import { compare, type Measurement } from "../runner.ts";
import { compactSoon, settled } from "../settled.ts";
import { fill } from "../stream-line.ts";
import { openWorld } from "../world.ts";

/** Minutes of a year, in messages of 1,000. */
const yearMessages = 526;

export const readSeries: Line = {
  name: "P5",
  title: "ReadSeries, a patient-year of minutes",
  run: (size) =>
    closing(async (push) => {
      const world = await openWorld({ patients: 1, env: compactSoon }, push);
      const patient = world.patients[0]!.atMaker;
      const samples = yearMessages * 1_000;
      const common = { name: "p5", shape: "minutes" as const, patients: [patient] };
      const expected = await fill(world, { ...common, samplesPerMessage: 1_000, messages: yearMessages });
      await settled(world);
      await assertReadBack(world.target, "minutes", expected);

      const load = startProgram<ReadStreamLoad>("load/read-stream.ts");
      push(load.stop);
      const order = (target: Target) => ({
        target,
        path: readSeriesPath,
        request: readSeriesRequest(patient),
      });
      const messages = await load.call("collect", order(world.target));
      const tls = await createTls();
      const bound = startProgram<ServerStreamBound>("bounds/server-stream.ts");
      push(bound.stop);
      const port = await bound.call("open", { tls, path: readSeriesPath, messages });

      const times = size.quick ? 1 : 10;
      const read = async (target: Target): Promise<Measurement> => {
        let [seconds, bytes] = [0, 0];
        for (let time = 0; time < times; time++) {
          const year = await load.call("read", order(target));
          const { payload } = fromBinary(ReadSeriesResponseSchema, year.last);
          const ended = payload.case === "end" && Number(payload.value.samples) === samples;
          assertRun(ended, `a year of ${samples} samples is read to its end`);
          seconds += year.seconds;
          bytes += year.bytes;
        }
        const all = samples * times;
        return { value: all / seconds, details: { "wire bytes/sample": bytes / all } };
      };
      const rss: number[] = [];
      const {
        value,
        bound: bare,
        ratio,
        spread,
        details,
      } = await compare(
        size,
        async () => {
          const measured = await read(world.target);
          rss.push(usageOf(world.server.pid).rssBytes / 2 ** 20);
          return measured;
        },
        () => read({ address: `localhost:${port}`, tls }),
        world.toggleProfile,
      );
      return [
        {
          id: "P5",
          value,
          unit: "samples/s",
          bound: bare,
          ratio,
          spread,
          goal: "at least 0.5 of the bare server stream and over 5,000,000 samples/s; memory flat",
          met: ratio >= 0.5 && value > 5_000_000 && rss.at(-1)! < rss[0]! * 1.25,
          details: { ...details, "RSS MiB after the first read": rss[0]!, "after the last": rss.at(-1)! },
        },
      ];
    }),
};
