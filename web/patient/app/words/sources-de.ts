import type { sourcesEn } from "./sources-en.ts";

export const sourcesDe: typeof sourcesEn = {
  title: "Wessen Daten sie bekommt",
  lead: "Sie bekommt, was Sie ihr erlauben, von allen, die etwas senden. Was Sie hier weglassen, bekommt sie nicht, was auch immer Sie erlauben, bis Sie es wieder zulassen.",
  open: "Etwas weglassen",
  none: "Noch niemand hat etwas über Sie gesendet.",
  everything: (name) => `Alles von ${name}`,
  device: "Ein Gerät",
  someDevice: (name) => `einem Gerät von ${name}`,
  isOut: "weggelassen",
  leave: "Weglassen",
  leaveNamed: (name) => `Weglassen: ${name}`,
  return: "Zulassen",
  returnNamed: (name) => `Wieder zulassen: ${name}`,
  grant: "Sie etwas anderes sehen lassen",
  grantLead: "Sie müssen nicht warten, bis Sie gefragt werden. Was sie schon hat, bleibt, wie es ist.",
  choose: "Auswählen, was sie sehen darf",
  what: "Was sie sehen darf",
  permit: "Erlauben",
  granted: "Sie haben es erlaubt. Es steht oben bei allem, was sie sehen darf.",
  nothing: "Wählen Sie mindestens eine Art von Daten.",
};
