import type { Transport } from "@connectrpc/connect";
import { WellApiError } from "./errors.ts";

/** Something that a call has used and that will go. */
export interface Deprecation {
  /** The full name of the RPC (`wellapi.x.v1.XService.GetX`), or of the field of a request. */
  readonly name: string;
  /** The full name of what to use in its place; undefined: nothing takes it. */
  readonly instead: string | undefined;
  /** The earliest of the days from which it may no longer work, of all that the call has used. */
  readonly sunset: Date;
}

/** The transport, but what the exchange tells of deprecations is told on, each name once. Errors are told of, too. */
export function withDeprecations(
  transport: Transport,
  tell: (deprecation: Deprecation) => void = warn,
): Transport {
  const told = new Set<string>();
  const look = (headers: Headers): void => {
    const names = headers.get("wellapi-deprecated");
    if (names === null) return;
    const sunset = new Date(headers.get("sunset") ?? Number.NaN);
    // A list of tokens with a parameter (RFC 9651).
    for (const item of names.split(",")) {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
      if (told.has(name)) continue;
      told.add(name);
      const instead = parameters.find((one) => one.startsWith("instead="))?.slice("instead=".length);
      tell({ name, instead, sunset });
    }
  };
  const lookAtError = (error: unknown): never => {
    look(WellApiError.from(error).metadata);
    throw error;
  };
  return {
    async unary(...call) {
      const answer = await transport.unary(...call).catch(lookAtError);
      look(answer.header);
      return answer;
    },
    async stream(...call) {
      const answer = await transport.stream(...call).catch(lookAtError);
      look(answer.header);
      return answer;
    },
  };
}

/** As Node warns of its own. */
function warn({ name, instead, sunset }: Deprecation): void {
  const until = Number.isNaN(sunset.getTime())
    ? ""
    : ` and may not work from ${sunset.toISOString().slice(0, 10)} on`;
  const use = instead === undefined ? "" : `: use ${instead}`;
  process.emitWarning(
    `${name} of WellAPI is deprecated${until}${use}`,
    "DeprecationWarning",
    "WELLAPI_DEPRECATED",
  );
}
