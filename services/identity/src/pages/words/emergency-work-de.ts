import type { EmergencyWorkWords } from "./emergency-work-en.ts";

export const emergencyWorkDe: EmergencyWorkWords = {
  nav: "Notfallzugriff",
  navHint: "Daten einer Person eine Stunde lang ohne Erlaubnis lesen",
  title: (organization) => `Notfallzugriff von ${organization}`,
  lead: "Im Notfall können Sie die Daten einer Patientin oder eines Patienten eine Stunde lang ohne Erlaubnis lesen. Die Person erfährt es sofort, mit Ihrem Grund; auch der Datenschutz erfährt es, ohne den Grund.",
  off: "Der Notfallzugriff ist für Ihre Organisation nicht eingeschaltet. Wer die Organisation leitet, bittet den Datenschutz von WellAPI darum.",
  open: "Notfallzugriff öffnen",
  who: "Patientennummer oder Notfallcode",
  whoHint:
    "Die Nummer ist die, die Ihre Organisation für die Person hat; sie beginnt mit pat_. Der Code steht auf der Karte der Person: zwölf Buchstaben und Ziffern.",
  whoUnknown:
    "Ihre Organisation hat keine solche Nummer, und kein solcher Code gilt. Prüfen Sie die Eingabe: Ein Code kann ersetzt worden sein.",
  reason: "Warum",
  reasonHint: "Mindestens zehn Zeichen. Die betroffene Person liest es.",
  reasonShort: "Sagen Sie, warum, mit mindestens zehn Zeichen.",
  submit: "Für eine Stunde öffnen",
  opened: "Er ist offen. Lesen Sie mit dem Zweck „Notfall“ und der Patientennummer unten.",
  readsUntil: (until) =>
    `Jedes Lesen verlangt einen Passkey oder einen zweiten Faktor der letzten fünf Minuten. Ihrer gilt bis ${until}.`,
  readsNoMore:
    "Bevor Sie weiterlesen, bestätigen Sie, dass Sie es sind: Jedes Lesen verlangt einen Passkey oder einen zweiten Faktor der letzten fünf Minuten.",
  ended: "Er ist beendet. Es gilt sofort.",
  own: "Ihre Notfallzugriffe",
  none: "Es gab keinen.",
  patient: "Patientennummer",
  reasonGiven: "Grund",
  openUntil: (until) => `Offen bis ${until}`,
  endedAt: (at) => `Beendet ${at}`,
  over: (at) => `Vorbei seit ${at}`,
  end: "Jetzt beenden",
  endNamed: (patient) => `Jetzt beenden: Zugriff auf Patientennummer ${patient}`,
  more: "Mehr",
  refused:
    "Die Person hat gesagt: auch nicht im Notfall. Niemand bekommt einen Notfallzugriff auf diese Akte.",
  limited:
    "Der Notfallzugriff wurde in einer Stunde zu oft versucht, oder es sind zu viele für diese Person offen. Versuchen Sie es später noch einmal.",
  office: "Notfallzugriffe",
  officeHint: "Wer ohne Erlaubnis gelesen hat, und wie man es beendet",
  officeLead:
    "Wer einen Notfallzugriff geöffnet hat, auf wessen Daten und wann. Warum, sehen Sie nicht: Der Grund kann etwas über die Gesundheit der Person sagen.",
  person: "Person",
  switchTitle: "Notfallzugriff",
  switchLead:
    "Ist er eingeschaltet, lesen behandelnde Personen der Organisation eine Stunde lang ohne Erlaubnis die Daten von jemandem, den sie kennen oder der den Notfallcode zeigt. Jedes Mal erfahren es die betroffene Person und Sie.",
  isOn: (since) => `Eingeschaltet seit ${since}.`,
  isOff: "Ausgeschaltet.",
  afterCheck: "Er kann eingeschaltet werden, sobald die Organisation geprüft ist.",
  switchOn: "Einschalten",
  switchOff: "Ausschalten",
  switchOffLead:
    "Ist er aus, öffnet niemand einen neuen. Die offenen dauern, bis ihre Stunde vorbei ist, außer sie werden beendet.",
  endOpen: "Die offenen beenden",
  switchOffAndEnd: "Ausschalten und die offenen beenden",
  switched: "Es ist umgestellt und gilt ab jetzt.",
  endedCount: (count) =>
    count === 0
      ? "Keiner war offen."
      : count === 1
        ? "Einer, der offen war, ist beendet."
        : `${count}, die offen waren, sind beendet.`,
};
