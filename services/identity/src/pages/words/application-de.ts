import type { applicationEn } from "./application-en.ts";

export const applicationDe: typeof applicationEn = {
  title: "Die Anfrage der Anwendung kann nicht beantwortet werden",
  nothing: "Niemand hat etwas bekommen, und es wurde nichts geändert.",
  unknownClient: "WellAPI kennt diese Anwendung nicht, oder sie darf nicht mehr benutzt werden.",
  redirect:
    "Die Anwendung möchte, dass Sie an eine Adresse weitergeleitet werden, die sie bei WellAPI nicht angemeldet hat. Darum werden Sie nicht dorthin geleitet.",
  ended:
    "Die Anfrage hat zu lange gedauert, wurde schon beantwortet, oder wurde in einem anderen Browser begonnen.",
  malformed: "An der Art, wie die Anwendung fragt, stimmt etwas nicht.",
  noSession: "WellAPI kann nicht erkennen, welche Anmeldung beendet werden soll.",
  away: "Ein Teil von WellAPI antwortet gerade nicht. Versuchen Sie es in einer Minute noch einmal.",
  what: "Gehen Sie zur Anwendung zurück und beginnen Sie von vorn. Wenn es so bleibt, sagen Sie es denen, die sie herstellen; die Einzelheiten unten helfen ihnen.",
  details: "Einzelheiten für die Hersteller der Anwendung",
};
