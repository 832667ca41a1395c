import type { appsEn } from "./apps-en.ts";

export const appsDe: typeof appsEn = {
  title: "Verbundene Apps",
  titleOf: (name) => `Mit der Akte von ${name} verbundene Apps`,
  hint: "Welche Anwendungen verbunden sind, und wie Sie sie beenden",
  lead: "Wenn Sie eine App beenden, enden ihre Erlaubnisse sofort: Sie bekommt nichts mehr von WellAPI. Was sie schon hat, wird damit nicht gelöscht; fragen Sie dazu ihre Hersteller.",
  none: "Keine App ist verbunden.",
  ownTitle: "Wo Sie sich mit diesem Konto anmelden",
  ownLead:
    "Diese erfahren, wer Sie sind, oder arbeiten in Ihrem Namen. Eine eigene Erlaubnis für Gesundheitsdaten haben sie nicht.",
  by: (organization) => `von ${organization}`,
  since: (when) => `Verbunden: ${when}`,
  until: (when) => `endet von selbst: ${when}`,
  ownApp: "Von Ihnen gewählt: Was sie liest, verlässt WellAPI.",
  stop: "Beenden",
  stopNamed: (name) => `${name} beenden`,
  stopped: "Sie ist beendet und bekommt nichts mehr.",
};
