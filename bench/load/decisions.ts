/** P7: an enforcer with a live session to a real consent service, both in this process. */
import { randomUUID } from "node:crypto";
import { openEnforcer, type Question } from "@wellapi/enforcer";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createMemoryTransport } from "@wellapi/rpc";
import { randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { interceptorsForRecords } from "../hosts/as-service.ts";
import { grantee, openConsentHost, partitionOf } from "../hosts/consent-host.ts";
import { heartRate } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { assertRun } from "../src/result.ts";
import { percentile } from "../src/statistics.ts";

function questionOf(patient: string, purpose: Purpose): Question {
  const common = { organization: grantee, direction: Direction.READ, code: heartRate, region: "local" };
  return { ...common, partition: partitionOf(patient), purpose };
}

const commands = {
  /** Asks each patient's question once (misses), then `hits` times over all of them. Times in microseconds. */
  async measure({ folder, patients, hits }: { folder: string; patients: number; hits: number }) {
    const host = await openConsentHost(folder);
    const transport = createMemoryTransport({
      routes: host.routes,
      interceptors: interceptorsForRecords(),
      workload: "records",
    });
    const ids = Array.from({ length: patients }, () => randomIds.next("pat"));
    const consents = await Promise.all(ids.map((id) => host.grant(id)));
    const enforcer = openEnforcer({
      transport,
      instance: randomUUID(),
      clock: systemClock,
      log: silentLogger,
    });
    await enforcer.ready();
    const time = async (question: Question, permitted: boolean): Promise<number> => {
      const started = process.hrtime.bigint();
      const decision = await enforcer.decide(question);
      const microseconds = Number(process.hrtime.bigint() - started) / 1000;
      assertRun(decision.permitted === permitted, `a decision is ${permitted}`);
      return microseconds;
    };
    const questions = ids.map((id) => questionOf(id, Purpose.TREATMENT));
    const misses: number[] = [];
    for (const question of questions) misses.push(await time(question, true));
    for (let i = 0; i < 20_000; i++) await time(questions[i % patients]!, true); // warms up
    const timed: number[] = [];
    for (let i = 0; i < hits; i++) {
      timed.push(await time(questions[i % patients]!, true));
      // Sessions are renewed by timers: let them run, as a server's loop does.
      if (i % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await time(questionOf(ids[0]!, Purpose.RESEARCH), false);
    await host.revoke(ids[0]!, consents[0]!);
    await time(questions[0]!, false);
    await enforcer.close();
    return {
      hitP50: percentile(timed, 0.5),
      hitP99: percentile(timed, 0.99),
      missP50: percentile(misses, 0.5),
      missP99: percentile(misses, 0.99),
    };
  },
};

export type DecisionsLoad = typeof commands;
serveProgram(commands);
