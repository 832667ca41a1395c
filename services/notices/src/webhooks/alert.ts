import type { Language } from "../preferences.ts";
import type { DisableReason } from "./endpoint.ts";

/** What the organization's developers are told of an endpoint: that it is disabled, or that events were given up. */
export type AlertKind = DisableReason | "given_up";

export interface AlertLetter {
  readonly language: Language;
  readonly subject: string;
  readonly text: string;
}

/** Whoever keeps losing events hears of it no more often, until the endpoint is enabled again. */
export const TOLD_AGAIN_MS = 7 * 86_400_000;

const sentences: Readonly<Record<AlertKind, Readonly<Record<Language, string>>>> = {
  failing: {
    en: "The webhook endpoint {endpoint} took nothing for five days, and is disabled. Nothing is lost yet: once it is enabled it gets what it has missed, as far as that is kept (30 days).",
    de: "Der Webhook-Endpunkt {endpoint} hat fünf Tage lang nichts angenommen und ist angehalten. Noch ist nichts verloren: Sobald er eingeschaltet ist, bekommt er, was er verpasst hat, soweit es aufbewahrt wird (30 Tage).",
  },
  gone: {
    en: "The webhook endpoint {endpoint} answered that it is gone (410), and is disabled. Enable it if that was a mistake, or delete it.",
    de: "Der Webhook-Endpunkt {endpoint} hat geantwortet, dass es ihn nicht mehr gibt (410), und ist angehalten. Schalten Sie ihn ein, wenn das ein Irrtum war, oder löschen Sie ihn.",
  },
  events_missed: {
    en: "The webhook endpoint {endpoint} is disabled: events that it has not got are not kept any more. Read your consents, and enable it for those that are.",
    de: "Der Webhook-Endpunkt {endpoint} ist angehalten: Ereignisse, die er nicht bekommen hat, werden nicht mehr aufbewahrt. Lesen Sie Ihre Einwilligungen und schalten Sie ihn für die übrigen ein.",
  },
  given_up: {
    en: "The webhook endpoint {endpoint} refused an event for three days; its delivery is given up. Deliver it again once the receiver is mended. Of further ones you are told again in a week.",
    de: "Der Webhook-Endpunkt {endpoint} hat ein Ereignis drei Tage lang abgelehnt; die Zustellung ist aufgegeben. Stellen Sie es erneut zu, wenn der Empfänger repariert ist. Von weiteren erfahren Sie in einer Woche wieder.",
  },
};

const subjects: Readonly<Record<"disabled" | "given_up", Readonly<Record<Language, string>>>> = {
  disabled: { en: "A webhook endpoint is disabled", de: "Ein Webhook-Endpunkt ist angehalten" },
  given_up: { en: "A webhook could not be delivered", de: "Ein Webhook konnte nicht zugestellt werden" },
};

/** Neither the address nor what was to be delivered: others read mail, too. `{origin}` is where people reach the installation. */
export function alertLetters(
  kind: AlertKind,
  endpoint: string,
  organization: string,
): readonly AlertLetter[] {
  const page = `{origin}/developers/webhooks/${endpoint}?organization=${organization}`;
  return (["en", "de"] as const).map((language) => ({
    language,
    subject: subjects[kind === "given_up" ? kind : "disabled"][language],
    text: `${sentences[kind][language].replace("{endpoint}", endpoint)}\n\n${page}\n`,
  }));
}
