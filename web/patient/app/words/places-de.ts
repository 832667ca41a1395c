import type { placesEn } from "./places-en.ts";

export const placesDe: typeof placesEn = {
  download: {
    title: "Daten herunterladen",
    lead: "Sie bekommen alles, was in dieser Akte steht, als eine ZIP-Datei. Was Sie damit machen, entscheiden Sie.",
    holds:
      "Sie enthält eine Seite zum Lesen, Tabellen für ein Tabellenprogramm und dieselben Daten für andere Gesundheits-Apps (FHIR) und für Auswertungen (Parquet).",
    keep: "Bewahren Sie die Datei sicher auf. Wer sie hat, kann sie lesen, und keine Erlaubnis, die Sie später zurücknehmen, holt sie zurück.",
    noted: "Das Herunterladen wird im Protokoll festgehalten.",
    begin: "Alles herunterladen",
    confirmFirst: "Alles in einer Datei ist viel. Bestätigen Sie deshalb zuerst, dass Sie es sind.",
    confirm: "Bestätigen, dass Sie es sind",
    minutes: "Eine große Akte dauert einige Minuten. Sie können inzwischen weitermachen.",
    part: "Nur ein Teil davon",
    kinds: "Arten von Daten",
    kindsHint: "Kreuzen Sie an, was Sie wollen. Ohne Kreuz bekommen Sie alle.",
    first: "Von (erster Tag)",
    last: "Bis (letzter Tag)",
    daysHint: "Ohne Tage bekommen Sie alle Zeiten. Mit Tagen fehlt aus der Krankenakte, was kein Datum hat.",
    wrongOrder: "Der letzte Tag liegt vor dem ersten.",
    files: "Dateien",
    filesHint: "Eine Seite zum Lesen ist immer dabei.",
    formats: {
      2: "Tabellen für ein Tabellenprogramm (CSV)",
      3: "Für andere Gesundheits-Apps (FHIR)",
      4: "Für Auswertungen (Parquet)",
    },
    shortFormats: { 2: "CSV", 3: "FHIR", 4: "Parquet" },
    page: "eine Seite zum Lesen",
    prepare: "Datei vorbereiten",
    ready: "Bereit",
    allKinds: "Alle Arten von Daten",
    time: (first, last) =>
      first === "" && last === ""
        ? "aus allen Zeiten"
        : first === ""
          ? `bis ${last}`
          : last === ""
            ? `ab ${first}`
            : `vom ${first} bis ${last}`,
    holdsPart: (what, time, files) => `${what}, ${time}: ${files}.`,
    until: (time) => `Herunterladen können Sie sie bis ${time} Uhr.`,
    ended: "Diese Datei lässt sich nicht mehr herunterladen. Bereiten Sie sie noch einmal vor.",
    fetch: "Herunterladen",
    coming: "Die Datei wird erstellt und kommt an",
    came: (size) => `Bisher ${size}. Bleiben Sie auf dieser Seite, bis sie da ist.`,
    stop: "Abbrechen",
    saved: (size) => `Gespeichert: ${size}.`,
    busy: "Gerade laden andere herunter. Versuchen Sie es in einer Minute wieder.",
    cut: "Das Herunterladen ist abgebrochen, und nichts wurde gespeichert. Versuchen Sie es noch einmal.",
  },
  settings: {
    title: "Einstellungen",
    language: "Sprache",
    notices: "Mitteilungen",
    noticesHint: "Wovon Sie erfahren, auf welchem Weg und wann nicht",
    signIn: "Anmeldung und Sicherheit",
    signInHint: "Passkeys, E-Mail-Adresse, Ersatzcodes, und wo Sie angemeldet sind",
    people: "Menschen, die für Sie handeln",
    peopleHint: "Betreuende und gesetzliche Vertretungen",
    emergency: "Notfall",
    emergencyHint: "Ob ein Krankenhaus im Notfall nachsehen darf, und Ihr Notfallcode",
    apps: "Verbundene Apps",
    appsHint: "Apps, die Sie selbst verbunden haben",
    devices: "Welches Gerät zuerst zählt",
    devicesLead:
      "Wo zwei Ihrer Geräte dieselbe Minute gemessen haben, bekommt, wer eine einzige Linie will, die des ersten Geräts in dieser Liste.",
    devicesNone: "Noch hat kein Gerät etwas gesendet.",
    devicesOne: "Nur ein Gerät sendet Daten, also gibt es nichts zu wählen.",
    up: (name) => `${name} nach oben`,
    save: "Reihenfolge speichern",
    saved: "Gespeichert. Das gilt von jetzt an.",
    devicesMost: (most) => `Nur die ersten ${most} haben einen Platz in der Reihenfolge.`,
    withoutDevice: "Ohne Gerät",
    from: (device, organization) => `${device}, von ${organization}`,
    zone: "Zeitzone",
    zoneLead: (zone) => `Tage Ihrer Daten sind Tage in ${zone}.`,
    here: "Was dieses Gerät behält",
    hereLead:
      "Einen Fingerabdruck des Protokolls, damit Sie es prüfen können, und diese Seiten ohne Inhalt, damit sie sich auch ohne Verbindung öffnen. Nichts über Ihre Gesundheit. In den Einstellungen Ihres Browsers löschen Sie beides.",
    erase: "Alles löschen",
    eraseLead:
      "Alle Erlaubnisse enden, die Schlüssel Ihrer Daten werden vernichtet, und die Daten werden gelöscht. Niemand kann sie zurückholen, auch Sie nicht. Was Organisationen schon bekommen haben, behalten sie. Das Protokoll behält, dass etwas geschah, ohne was.",
    eraseOpen: "Ich möchte alles löschen",
    eraseType: (word) => `Schreiben Sie ${word}, um fortzufahren.`,
    eraseWord: "LÖSCHEN",
    eraseNow: "Alles für immer löschen",
    erasing: "Wird gelöscht … Das kann eine Minute dauern.",
    erased: "Alles ist gelöscht",
    erasedAt: (time) => `Die Schlüssel wurden vernichtet: ${time}. Seitdem lässt sich nichts davon öffnen.`,
    erasedBackups: (day) => `In Sicherungen kann ein vernichteter Schlüssel längstens bis zum ${day} stehen.`,
    erasedRunning:
      "Das Löschen hat begonnen und geht von selbst weiter. Von Ihren Daten kann nichts mehr gelesen werden. Sehen Sie in einigen Minuten wieder nach der Quittung.",
    receipt: "Quittung herunterladen",
  },
};
