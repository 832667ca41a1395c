import { ConnectError } from "@connectrpc/connect";
import { personNames } from "@wellapi/sandbox-people";
import { type Filling, FillingError, type Progress } from "@wellapi/sandbox-people/filling";
import { tellChange } from "@wellapi/ui/browser/changes";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Sandbox } from "./api/sandbox.ts";

/** Which people, and how much of their past. */
export interface Asked {
  readonly seed: number;
  readonly days: number;
}

/** What is done with the sandbox, one thing at a time. */
export type Work =
  | { readonly kind: "idle" }
  | { readonly kind: "filling"; readonly progress?: Progress }
  | { readonly kind: "streaming"; readonly samples: number; readonly sentToMs?: number };

export interface Ended {
  /** Samples that are stored now, and those that were there before. */
  readonly accepted: number;
  readonly duplicate: number;
}

export interface SandboxWork {
  readonly work: Work;
  readonly ended: Ended | undefined;
  readonly problem: { readonly problem: Problem; readonly said?: string } | undefined;
  fill(asked: Asked): void;
  /** Erases everybody first. */
  reset(asked: Asked): void;
  /** Lets the devices go on. */
  stream(): void;
  /** What is under way ends between two batches; what was sent stays. */
  stop(): void;
}

const everyMs = 15_000;

/** It ends where the page is left. */
export function useSandboxWork(sandbox: Sandbox): SandboxWork {
  const [work, setWork] = useState<Work>({ kind: "idle" });
  const [ended, setEnded] = useState<Ended>();
  const [problem, setProblem] = useState<SandboxWork["problem"]>();
  const running = useRef<AbortController>(undefined);
  // Up to here the people have their data, where it was this page that sent it.
  const sentTo = useRef<number>(undefined);
  useEffect(() => () => running.current?.abort(), [sandbox]);

  async function run(first: Work, doIt: (filling: Filling, signal: AbortSignal) => Promise<void>) {
    // A second press while the first one is at work asks for nothing.
    if (running.current !== undefined) return;
    const controller = new AbortController();
    running.current = controller;
    setWork(first);
    setEnded(undefined);
    setProblem(undefined);
    try {
      await sandbox.withDevices((filling) => doIt(filling, controller.signal));
    } catch (error) {
      if (!controller.signal.aborted) setProblem(problemIn(error));
    } finally {
      running.current = undefined;
      setWork({ kind: "idle" });
      tellChange();
    }
  }

  const filled = (how: "fill" | "reset", asked: Asked) =>
    run({ kind: "filling" }, async (filling, signal) => {
      const onProgress = (progress: Progress) => setWork({ kind: "filling", progress });
      const filled = await filling[how](
        { ...asked, names: personNames },
        { onProgress, signal, onErased: tellChange },
      );
      sentTo.current = filled.sentToMs;
      setEnded(filled);
    });

  return {
    work,
    ended,
    problem,
    fill: (asked) => void filled("fill", asked),
    reset: (asked) => void filled("reset", asked),
    stream: () => {
      let samples = 0;
      void run({ kind: "streaming", samples }, (filling, signal) =>
        filling.goOn({
          ...(sentTo.current !== undefined && { sinceMs: sentTo.current }),
          everyMs,
          signal,
          onSent({ accepted, sentToMs }) {
            sentTo.current = sentToMs;
            samples += accepted;
            setWork({ kind: "streaming", samples, sentToMs });
          },
        }),
      );
    },
    stop: () => running.current?.abort(),
  };
}

/** The exchange's own words where they say more than that it did not work: which limit, what is wrong. */
function problemIn(error: unknown): SandboxWork["problem"] {
  if (error instanceof FillingError) return { problem: "failed", said: error.message };
  const problem = problemOf(error);
  const said = problem === "failed" || problem === "busy" ? ConnectError.from(error).rawMessage : undefined;
  return { problem, ...(said !== undefined && { said }) };
}
