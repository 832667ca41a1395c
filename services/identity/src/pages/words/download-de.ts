import type { Words } from "./en.ts";

export const downloadDe: Words["download"] = {
  title: "Herunterladen",
  hint: "Alle Gesundheitsdaten in einer Datei",
  lead: "Sie bekommen alles, was in dieser Akte steht, als eine ZIP-Datei. Was Sie damit machen, entscheiden Sie.",
  holds:
    "Sie enthält eine Seite zum Lesen, Tabellen für ein Tabellenprogramm und dieselben Daten für andere Gesundheits-Apps (FHIR) und für Auswertungen (Parquet).",
  keep: "Bewahren Sie die Datei sicher auf. Wer sie hat, kann sie lesen, und keine Erlaubnis, die Sie später zurücknehmen, holt sie zurück.",
  noted: "Der Download wird im Protokoll der Zugriffe festgehalten.",
  begin: "Alles herunterladen",
};
