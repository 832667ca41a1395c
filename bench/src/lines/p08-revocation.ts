import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "@wellapi/demo/server";
import type { FanOutBound } from "../../bounds/fan-out.ts";
import type { ConsentProcess } from "../../hosts/consent.ts";
import type { EnforcerProcess } from "../../hosts/enforcer.ts";
import type { StreamLoad } from "../../load/stream.ts";
import type { TrickleLoad } from "../../load/trickle.ts";
import type { WatchLoad } from "../../load/watch.ts";
import { emptyStart, streamAck } from "../acks.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { startProgram } from "../program.ts";
import type { Target } from "../raw-client.ts";
import { watchPath } from "../read-back.ts";
import { assertRun, type Line, type Result, type Size } from "../result.ts";
import { compare, type Measurement } from "../runner.ts";
import { percentile, spread } from "../statistics.ts";
import { streamPaths } from "../stream-line.ts";
import { openWorld } from "../world.ts";

const watchers = 100;

/** Rounds of: open 100 watches, let batches arrive beside a backfill of other patients, revoke. */
function underLoad(size: Size): Promise<Result> {
  return closing(async (push) => {
    const world = await openWorld({ patients: 9 }, push);
    const [watched, ...others] = world.patients;
    const backfill = startProgram<StreamLoad>("load/stream.ts");
    push(backfill.stop);
    const patients = others.map(({ atMaker }) => atMaker);
    await backfill.call("describe", { shape: "series", samplesPerMessage: 1_000, name: "p8", patients });
    let loading = true;
    const load = (async () => {
      while (loading) {
        await backfill.call("prepare", 200);
        await backfill.call("send", { target: world.target, path: streamPaths.series, streams: 1 });
      }
    })();

    const delays: number[] = [];
    const returned: number[] = [];
    let deliveries = 0;
    let consent = watched!.reading;
    for (let round = 0; round < (size.quick ? 2 : 12); round++) {
      const watch = startProgram<WatchLoad>("load/watch.ts");
      push(watch.stop);
      const trickle = startProgram<TrickleLoad>("load/trickle.ts");
      push(trickle.stop);
      const { target } = world;
      const patient = watched!.atMaker;
      await watch.call("open", { target, patients: [patient], streams: watchers, connections: 4 });
      const name = `p8-${round}`;
      await trickle.call("start", { target, path: streamPaths.series, patient, name, perSecond: 20 });
      await watch.call("delivered", 5);
      const revoke = await world.revoker(watched!.id);
      const revoked = process.hrtime.bigint();
      await revoke(consent);
      returned.push(Number(process.hrtime.bigint() - revoked) / 1e6);
      const ended = await watch.call("ended", undefined as never);
      deliveries += ended.deliveries;
      // Without a message after the call there is no delay to speak of.
      delays.push(...ended.last.map((last) => Math.max(0, Number(last - revoked) / 1e6)));
      await trickle.call("stop", undefined as never);
      await Promise.all([trickle.stop(), watch.stop()]);
      consent = await world.grantReading(watched!.id, `read-${round}`);
    }
    loading = false;
    await load;
    const p99 = percentile(delays, 0.99);
    const most = Math.max(...delays);
    return {
      id: "P8 under load",
      value: p99,
      unit: "ms (p99)",
      bound: null,
      ratio: null,
      spread: spread(returned),
      goal: "p99 under 250 ms, never over 2 s",
      met: p99 < 250 && most < 2_000,
      details: {
        "p50 ms": percentile(delays, 0.5),
        "longest ms": most,
        "RevokeConsent returned, longest ms": Math.max(...returned),
        "deliveries before": deliveries,
      },
    };
  });
}

/** What 100 watchers get of one patient's batches, beside a bare fan-out. */
function fanOut(size: Size): Promise<Result> {
  return closing(async (push) => {
    const world = await openWorld({ patients: 1 }, push);
    const patient = world.patients[0]!.atMaker;
    const tls = await createTls();
    const bound = startProgram<FanOutBound>("bounds/fan-out.ts");
    push(bound.stop);
    const load = startProgram<StreamLoad>("load/stream.ts");
    push(load.stop);
    await load.call("describe", {
      shape: "minutes",
      samplesPerMessage: 10,
      name: "p8-f",
      patients: [patient],
    });
    const order = { patients: [patient], streams: watchers, connections: 4 };

    const path = streamPaths.minutes;
    const delivery = new Uint8Array(200); // about what a run of ten samples with its source takes
    const port = await bound.call("open", {
      tls,
      inPath: path,
      outPath: watchPath,
      ack: streamAck(1),
      first: emptyStart(),
      delivery,
    });
    const messages = size.quick ? 40 : 300;
    const watchersOf = async (target: Target) => {
      const watch = startProgram<WatchLoad>("load/watch.ts");
      push(watch.stop);
      await watch.call("open", { target, ...order });
      let sent = 0;
      return async (): Promise<Measurement> => {
        await load.call("prepare", messages);
        sent += messages;
        const started = performance.now();
        await Promise.all([load.call("send", { target, path, streams: 1 }), watch.call("delivered", sent)]);
        const seconds = (performance.now() - started) / 1000;
        return { value: (messages * watchers) / seconds };
      };
    };
    const product = await watchersOf(world.target);
    const bare = await watchersOf({ address: `localhost:${port}`, tls });
    const comparison = await compare(size, product, bare, world.toggleProfile);
    const { value, bound: boundValue, ratio, spread: ratioSpread } = comparison;
    return {
      id: "P8 fan-out to 100",
      value,
      unit: "deliveries/s",
      bound: boundValue,
      ratio,
      spread: ratioSpread,
      goal: "none: to be read beside the bare fan-out",
      met: null,
      details: {},
    };
  });
}

/** Two enforcers that permit; one is stopped, as a machine is that was suspended, when the patient revokes. */
function withOnePaused(size: Size): Promise<Result> {
  return closing(async (push) => {
    const folder = temporaryFolder();
    push(folder.remove);
    const tls = await createTls();
    const service = startProgram<ConsentProcess>("hosts/consent.ts");
    push(service.stop);
    const port = await service.call("open", { folder: folder.path, tls });
    const durations: number[] = [];
    for (let round = 0; round < (size.quick ? 1 : 8); round++) {
      const enforcers = [1, 2].map(() => startProgram<EnforcerProcess>("hosts/enforcer.ts"));
      const [paused, running] = enforcers as [(typeof enforcers)[0], (typeof enforcers)[0]];
      for (const enforcer of enforcers) push(enforcer.stop);
      const target = { address: `localhost:${port}`, tls };
      await Promise.all(enforcers.map((enforcer) => enforcer.call("open", target)));
      const granted = await service.call("grant", undefined as never);
      for (const enforcer of enforcers)
        assertRun(await enforcer.call("permits", granted.patient), "both enforcers permit before");
      await pause(Math.random() * 500); // at any moment of the session
      paused.signal("SIGSTOP");
      durations.push(await service.call("revoke", granted));
      assertRun(!(await running.call("permits", granted.patient)), "the running enforcer refuses");
      paused.signal("SIGCONT");
      assertRun(
        !(await paused.call("permits", granted.patient)),
        "the paused enforcer refuses when it wakes",
      );
      for (const enforcer of enforcers) await enforcer.stop();
    }
    const most = Math.max(...durations);
    return {
      id: "P8 one enforcer paused",
      value: most,
      unit: "ms (longest)",
      bound: null,
      ratio: null,
      spread: spread(durations),
      goal: "never over 2.5 s",
      met: most <= 2_500,
      details: { "p50 ms": percentile(durations, 0.5) },
    };
  });
}

export const revocation: Line = {
  name: "P8",
  title: "RevokeConsent to the last message on 100 open WatchSeries",
  run: async (size) => [await underLoad(size), await withOnePaused(size), await fanOut(size)],
};
