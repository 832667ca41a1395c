import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConsentSchema, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { ConnectTerms } from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Form } from "../forms.ts";

/** From fine to coarse. */
const resolutions = [Resolution.RAW, Resolution.HOURLY, Resolution.DAILY] as const;
export type ShownResolution = (typeof resolutions)[number];

const dayMs = 86_400_000;
/** Days that a person can choose; 0 stands for "until revoked". */
const usualDays: readonly number[] = [1, 7, 30, 90, 365];

/** What the person may choose from: never more than the application proposed. */
export interface Choices {
  readonly contribute: boolean;
  readonly read: boolean;
  readonly categories: readonly string[];
  /** From the proposed one to the coarsest; empty where nothing is read. */
  readonly resolutions: readonly ShownResolution[];
  /** Shortest first; the last one is what was proposed. */
  readonly days: readonly number[];
}

export function choicesOf(terms: ConnectTerms): Choices {
  const read = terms.directions.includes(Direction.READ);
  const finest = resolutions.indexOf(terms.resolution as ShownResolution);
  const proposed = Math.floor(Number(terms.duration?.seconds ?? 0n) / 86_400);
  const shorter = usualDays.filter((days) => proposed === 0 || days < proposed);
  return {
    contribute: terms.directions.includes(Direction.CONTRIBUTE),
    read,
    categories: terms.categories.map(({ name }) => name),
    resolutions: read && finest >= 0 ? resolutions.slice(finest) : [],
    days: [...shorter, proposed],
  };
}

/** What a person agreed to. */
export interface Choice {
  readonly contribute: boolean;
  readonly read: boolean;
  readonly categories: readonly string[];
  readonly resolution: ShownResolution | undefined;
  readonly days: number;
}

/** What the form says, within the choices; undefined where nothing is left of it, or it asks for more than there is. */
export function choiceIn(form: Form, choices: Choices): Choice | undefined {
  const contribute = choices.contribute && form.has("contribute");
  const read = choices.read && form.has("read");
  const ticked = new Set(form.all("category"));
  const categories = choices.categories.filter((name) => ticked.has(name));
  const resolution = choices.resolutions.find((one) => String(one) === form.text("resolution"));
  const days = choices.days.find((one) => String(one) === form.text("days"));
  if (categories.length === 0 || days === undefined) return undefined;
  if (!(contribute || read) || (read && resolution === undefined)) return undefined;
  return { contribute, read, categories, resolution: read ? resolution : undefined, days };
}

/** The consent that the choice makes of the terms. Categories keep the version that was proposed. */
export function consentOf(
  terms: ConnectTerms,
  choice: Choice,
  given: { readonly grantee: string; readonly language: string; readonly nowMs: number },
): MessageInitShape<typeof ConsentSchema> {
  const { contribute, read, categories, resolution, days } = choice;
  const end = Math.floor((given.nowMs + days * dayMs) / 1_000);
  return {
    grantee: given.grantee,
    provisions: [
      {
        effect: Provision_Effect.PERMIT,
        directions: [...(contribute ? [Direction.CONTRIBUTE] : []), ...(read ? [Direction.READ] : [])],
        categories: terms.categories.filter(({ name }) => categories.includes(name)),
        ...(read && { purposes: terms.purposes, resolution }),
      },
    ],
    ...(days > 0 && { validity: { endTime: { seconds: BigInt(end), nanos: 0 } } }),
    ...(terms.noticeUri !== "" && { notice: { uri: terms.noticeUri, language: given.language } }),
  };
}

/** The same for the same choice in the same interaction, so that a form sent twice makes one consent. */
export function requestIdOf(interaction: string, choice: Choice): string {
  return createHash("sha256")
    .update(JSON.stringify([interaction, choice]))
    .digest("hex");
}
