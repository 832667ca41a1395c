import type { logEn } from "./log-en.ts";

export const logDe: typeof logEn = {
  title: "Protokoll",
  lead: "Jedes Mal, wenn jemand Ihre Daten ansah, welche sandte oder abgewiesen wurde. Niemand kann einen Eintrag ändern oder entfernen, und das können Sie prüfen.",
  filter: "Zeigen",
  filters: { others: "Was andere taten", refused: "Was abgewiesen wurde", all: "Alles, auch Eigenes" },
  organization: "Organisation",
  anyOrganization: "Alle",
  category: "Art der Daten",
  anyCategory: "Alle Arten",
  period: "Zeit",
  periods: { 0: "Immer", 7: "Letzte 7 Tage", 30: "Letzte 30 Tage", 365: "Letztes Jahr" },
  none: "In dem, was durchgesehen ist, gibt es keinen solchen Eintrag.",
  noneAtAll: "Es gibt noch keinen Eintrag.",
  read: (who, what) => `${who} hat gelesen: ${what}`,
  sent: (who, what) => `${who} hat gesendet: ${what}`,
  previewed: (who) => `Angesehen, was eine Organisation sieht: ${who}`,
  previewedOf: (who, organization) => `Angesehen, was ${organization} sieht: ${who}`,
  exported: (who) => `Daten als Datei verlangt: ${who}`,
  fetched: (who) => `Daten als Datei heruntergeladen: ${who}`,
  wantedRead: (who, what) => `${who} wollte lesen: ${what}`,
  wantedSent: (who, what) => `${who} wollte senden: ${what}`,
  permitted: (who) => `Eine Erlaubnis wurde gegeben: ${who}`,
  stopped: (who) => `Eine Erlaubnis wurde beendet: ${who}`,
  emergency: (who) => `Notfallzugriff benutzt oder geändert: ${who}`,
  settings: (who) => `Einstellungen geändert: ${who}`,
  erased: (who) => `Daten gelöscht: ${who}`,
  petition: (who, whom) => `Beantragt, für ${whom} zu handeln: ${who}`,
  petitionWithdrawn: (who, whom) => `Antrag zurückgezogen, für ${whom} zu handeln: ${who}`,
  petitionDecided: (who, whom) => `Entschieden, ob jemand für ${whom} handeln darf: ${who}`,
  accepted: (who, whom) => `Einladung angenommen, für ${whom} zu handeln: ${who}`,
  signIn: (who) => `Angemeldet: ${who}`,
  wantedSignIn: (whom) => `Jemand wollte sich anmelden als ${whom}`,
  other: (who) => `Erlaubnisse oder Einstellungen angesehen: ${who}`,
  refused: "Abgewiesen",
  refusedLead: "Nichts wurde gezeigt oder gespeichert.",
  undecided: "Nicht entschieden",
  undecidedLead: "Es konnte nicht geprüft werden. Deshalb wurde nichts gezeigt oder gespeichert.",
  opened: "Hier begann das Lesen. Sein Ende ist ein eigener Eintrag.",
  changed: "Während des Lesens hat sich eine Erlaubnis geändert.",
  damaged:
    "Dieser Eintrag ist beschädigt und kann nicht gezeigt werden. Dass es ihn gab, lässt sich weiter beweisen.",
  you: "Sie",
  whom: "Sie",
  person: "Eine angemeldete Person",
  delegate: (whom) => `Jemand, der für ${whom} handelt`,
  installation: "WellAPI selbst oder sein Personal",
  data: "einige Daten",
  details: "Einzelheiten",
  facts: {
    time: "Wann",
    purpose: "Wofür",
    values: "Wie viel",
    codes: "Welche Daten",
    interval: "Aus welcher Zeit",
    method: "Technischer Name",
    reason: "Grund der Abweisung",
    id: "Nummer des Eintrags",
  },
  always: "aus allen Zeiten",

  proof: "Hat jemand das Protokoll verändert?",
  proofLead:
    "Ihr Browser kann das selbst prüfen. Er behält auf diesem Gerät einen Fingerabdruck des Protokolls und vergleicht ihn mit dem Protokoll von heute. Wer auch nur einen Eintrag ändert oder entfernt, ändert den Fingerabdruck.",
  prove: "Jetzt prüfen",
  proving: "Wird geprüft …",
  firstTime: (entries) =>
    `Ihr Gerät behält von jetzt an einen Fingerabdruck des Protokolls. Er umfasst ${entries} Einträge. Kommen Sie wieder und prüfen Sie: Dann sehen Sie, dass davon nichts verändert wurde.`,
  proven: (since) => `Nichts wurde verändert, seit Ihr Gerät seinen letzten Fingerabdruck behielt: ${since}.`,
  provenEntries: (count) =>
    count === 1
      ? "Der eine Eintrag, der unten steht, steht genau so im Protokoll."
      : `Alle ${count} Einträge, die unten stehen, stehen genau so im Protokoll.`,
  notYet: (count) =>
    count === 1
      ? "Ein Eintrag ist so neu, dass er noch nicht im Protokoll steht: Prüfen Sie gleich noch einmal."
      : `${count} Einträge sind so neu, dass sie noch nicht im Protokoll stehen: Prüfen Sie gleich noch einmal.`,
  grown: (entries) => `Seitdem kamen ${entries} Einträge aller Patienten hinzu.`,
  failed: "Die Prüfung ist fehlgeschlagen",
  failedLead:
    "Was das Protokoll jetzt zeigt, passt nicht zu dem, was es vorher gezeigt oder unterschrieben hat. Das darf nicht geschehen. Laden Sie beides herunter, und zeigen Sie es jemandem, dem Sie vertrauen, zum Beispiel der Datenschutzbehörde.",
  failedEntry: "Der Eintrag, der nicht passte:",
  broken: (when) =>
    `Das Protokoll sagt selbst, mit Unterschrift, dass es aus einer Sicherung wiederhergestellt wurde: ${when}.`,
  brokenLead:
    "Einträge, die vorher dort standen, können verloren sein. Ihr Gerät behält von jetzt an einen Fingerabdruck des wiederhergestellten Protokolls.",
  unchecked: "Es konnte gerade nicht geprüft werden. Das sagt nichts über das Protokoll.",
  download: "Beweis herunterladen",
  downloadHint:
    "Eine Datei mit den Fingerabdrücken und jedem Eintrag mit seinem Beweis. Wer solche Protokolle kennt, kann sie ohne uns prüfen.",
  badge: "Bewiesen",
  badgeTitle: "Ihr Browser hat bewiesen, dass dieser Eintrag im Protokoll steht",
  how: "Wie das geht",
  howLead:
    "Das Protokoll ist ein Baum aus Prüfsummen (RFC 6962). Seine Wurzel ist unterschrieben. Für jeden Eintrag berechnet Ihr Browser den Weg zur Wurzel, und von der Wurzel, die Ihr Gerät behalten hat, den zu der von heute. Er vertraut dem Schlüssel, den er zuerst kennengelernt hat. In dem, was das Protokoll veröffentlicht, steht nichts über Sie.",
};
