import { Code, ConnectError } from "@connectrpc/connect";
import { CliError } from "./failure.ts";

/** The exit code of a refusal over HTTP is that of an RPC's. */
const codes: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
};

/** Asks a surface of the exchange. Throws where it does not answer, or refuses. */
export async function askSurface(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, init).catch((cause: unknown) => {
    throw new CliError("cut", `${new URL(url).origin} does not answer: is the exchange running?`, { cause });
  });
  if (answer.ok) return answer;
  const said: unknown = await answer.json().catch(() => undefined);
  throw new ConnectError(textOf(said) ?? `HTTP ${answer.status}`, codes[answer.status] ?? Code.Unavailable);
}

interface Problem {
  readonly reason?: string;
  readonly message?: string;
  /** Of an OperationOutcome. */
  readonly issue?: readonly { readonly details?: { readonly text?: string } }[];
}

function textOf(said: unknown): string | undefined {
  const { reason, message, issue } = (said ?? {}) as Problem;
  return issue?.[0]?.details?.text ?? (reason === undefined ? undefined : `${reason}: ${message}`);
}
