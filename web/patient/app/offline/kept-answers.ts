import { type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ConnectError, type Interceptor, type UnaryResponse } from "@connectrpc/connect";

/**
 * Whether the exchange answers. `offline`: it does not, and what was answered before is shown. `over`: for so long that the session may
 * have ended, so that nothing is shown any more.
 */
export type Standing =
  | { readonly kind: "online" }
  /** `asOf`: of the last answer; `until`: how long what was answered is shown. UTC milliseconds. */
  | { readonly kind: "offline"; readonly asOf: number; readonly until: number }
  | { readonly kind: "over" };

/** What the exchange has answered, in the memory of this page alone (docs/decisions/0081-what-a-browser-keeps.md). */
export interface KeptAnswers {
  readonly standing: Standing;
  /** Calls when the standing has changed. Returns how to stop. */
  onStanding(call: () => void): () => void;
  /** Nobody can be reached: the browser says so. */
  lost(): void;
  /** Keeps what is read for `actingAs`, and answers with it where nobody else does. */
  keeping(actingAs: string): Interceptor;
}

/** A session of somebody who reads their own record ends so long after its last use. */
const sessionIdleMs = 30 * 60_000;
const mostKept = 200;

export function createKeptAnswers(now: () => number = Date.now): KeptAnswers {
  const answers = new Map<string, UnaryResponse>();
  const changes = new EventTarget();
  let standing: Standing = { kind: "online" };
  let lastAnswer = now();
  let ending: ReturnType<typeof setTimeout> | undefined;

  function become(next: Standing): void {
    const changed = next.kind !== standing.kind;
    standing = next;
    if (changed) changes.dispatchEvent(new Event("change"));
  }

  function end(): void {
    answers.clear();
    become({ kind: "over" });
  }

  function lost(): void {
    if (standing.kind !== "online") return;
    const until = lastAnswer + sessionIdleMs;
    ending = setTimeout(end, Math.max(0, until - now()));
    become({ kind: "offline", asOf: lastAnswer, until });
  }

  function answered(): void {
    lastAnswer = now();
    clearTimeout(ending);
    become({ kind: "online" });
  }

  function keep(key: string, response: UnaryResponse): void {
    answers.delete(key);
    answers.set(key, response);
    const [oldest] = answers.keys();
    if (answers.size > mostKept) answers.delete(oldest!);
  }

  const keeping =
    (actingAs: string): Interceptor =>
    (next) =>
    async (request) => {
      if (request.stream) return next(request);
      const { method, message } = request;
      const key = isRead(method) ? keyOf(actingAs, method, message) : undefined;
      try {
        const response = await next(request);
        answered();
        // After a change of anything, what was answered before may not be so any more.
        if (key === undefined) answers.clear();
        else if (!response.stream) keep(key, response);
        return response;
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        lost();
        // A timer of a page that slept is late.
        if (standing.kind === "offline" && now() >= standing.until) end();
        const before = key === undefined ? undefined : answers.get(key);
        if (before === undefined) throw error;
        return before;
      }
    };

  return {
    get standing() {
      return standing;
    },
    onStanding(call) {
      changes.addEventListener("change", call);
      return () => changes.removeEventListener("change", call);
    },
    lost,
    keeping,
  };
}

/** Those of this page. */
export const keptAnswers = createKeptAnswers();

/** By its name, as the house names RPCs: an answer to a change must never be one of before. */
function isRead({ name }: DescMethod): boolean {
  return /^(Get|BatchGet|List|Aggregate|Merge)[A-Z]/.test(name);
}

function keyOf(actingAs: string, { parent, name, input }: DescMethod, message: Message): string {
  return `${actingAs} ${parent.typeName}/${name} ${base64Encode(toBinary(input, message))}`;
}

/** The browser's own failure of a request, not an answer that says no. */
function isUnanswered(error: unknown): boolean {
  return ConnectError.from(error).cause instanceof TypeError;
}
