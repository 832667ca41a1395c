import { dataDe } from "./data-de.ts";
import { disclosuresDe } from "./disclosures-de.ts";
import type { Words } from "./en.ts";
import { homeDe } from "./home-de.ts";
import { logDe } from "./log-de.ts";
import { noticesDe } from "./notices-de.ts";
import { placesDe } from "./places-de.ts";
import { previewDe } from "./preview-de.ts";
import { requestsDe } from "./requests-de.ts";
import { rightsDe } from "./rights-de.ts";
import { sourcesDe } from "./sources-de.ts";

export const de: Words = {
  home: homeDe,
  log: logDe,
  data: dataDe,
  places: placesDe,
  notices: noticesDe,
  requests: requestsDe,
  preview: previewDe,
  disclosures: disclosuresDe,
  rights: rightsDe,
  sources: sourcesDe,
  common: {
    title: "Ihre Gesundheitsdaten",
    skip: "Zum Inhalt springen",
    menu: "Ihre Daten",
    home: "Überblick",
    data: "Meine Daten",
    log: "Protokoll",
    notices: "Mitteilungen",
    downloads: "Herunterladen",
    settings: "Einstellungen",
    account: "Konto",
    signOut: "Abmelden",
    language: "Sprache",
    back: "Zurück zum Überblick",
    loading: "Wird geladen …",
    again: "Noch einmal versuchen",
    more: "Ältere zeigen",
    close: "Schließen",
    actingFor: (name, role) => `Sie handeln für ${name}, ${role}.`,
    roles: {
      carer: "als betreuende Person",
      guardian: "als gesetzliche Vertretung",
      representative: "als Vertretung einer verstorbenen Person",
    },
    change: "Ändern",
    whoseRecord: "Um wessen Akte es geht",
    noRecord: "In diesem Konto gibt es keine Gesundheitsakte",
    noRecordLead:
      "Das ist richtig, wenn Sie mit WellAPI arbeiten. Wenn Sie mehrere Menschen betreuen, wählen Sie, wessen Akte Sie sehen möchten.",
    toAccount: "Zu Ihrem Konto",
    missing: "Diese Seite gibt es nicht",
    missingLead: "Vielleicht ist die Adresse alt oder falsch geschrieben.",
    oldPage: "Diese Seite ist von vor einer Aktualisierung. Laden Sie sie neu.",
    load: "Neu laden",
    unknownOrganization: "Eine Organisation, die nicht mehr bekannt ist",
    connection: "Verbindung",
    offline: (asOf, until) =>
      `Keine Verbindung. Sie sehen, was bis ${asOf} Uhr geladen war. Nur diese offene Seite hat es, höchstens bis ${until} Uhr.`,
    offlineNothing:
      "Ohne Verbindung gibt es nichts zu zeigen: Auf diesem Gerät werden keine Gesundheitsdaten aufbewahrt.",
    zone: (zone) => `Zeiten gelten für die Zone ${zone}.`,
  },
  problems: {
    unreachable:
      "WellAPI ist gerade nicht zu erreichen. Prüfen Sie Ihre Verbindung, und versuchen Sie es noch einmal.",
    confirm: "Dafür müssen Sie zuerst bestätigen, dass Sie es sind.",
    changed:
      "Seit diese Seite gezeigt wurde, hat sich etwas geändert. Sehen Sie noch einmal nach, bevor Sie entscheiden.",
    refused: "Das gibt es nicht, oder Sie dürfen es nicht sehen.",
    busy: "Das war viel in kurzer Zeit. Warten Sie einen Moment, und versuchen Sie es noch einmal.",
    failed: "Das hat nicht geklappt. Nichts wurde geändert.",
    toConfirm: "Bestätigen, dass Sie es sind",
  },
};
