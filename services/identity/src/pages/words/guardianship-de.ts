import type { guardianshipEn, guardianshipProblemsEn } from "./guardianship-en.ts";

export const guardianshipDe: typeof guardianshipEn = {
  title: "Gesetzliche Vertretung",
  hint: "Für wen Sie nach dem Gesetz handeln, und wie Sie es beantragen",
  lead: "Wer nach dem Gesetz für jemanden handeln darf, etwa die Eltern eines Kindes, kann es hier beantragen. Jemand prüft zuerst die Unterlagen.",
  own: "Wen Sie gesetzlich vertreten",
  ownNone: "Niemanden.",
  unnamed: "Eine Person",
  heldLead:
    "Sie können nicht handeln, bis darüber entschieden ist. Sie müssen nichts tun; vielleicht werden Sie nach Unterlagen gefragt.",
  asked: "Was Sie beantragt haben",
  askedNone: "Nichts.",
  ask: "Gesetzliche Vertretung beantragen",
  askLead:
    "Sie brauchen einen Code. Sie bekommen ihn von der Person selbst, von einer anderen Vertretung, von einer Klinik, die die Person behandelt, oder vom Datenschutz von WellAPI.",
  code: "Der Code, den Sie bekommen haben",
  codeHint:
    "Er beginnt mit wellapi_gc_ oder wellapi_cc_ und gilt einmal. Große und kleine Buchstaben sind verschieden.",
  checks: (who) => `Das wird geprüft von: ${who}.`,
  officer: "Datenschutz von WellAPI",
  told: "Die Person und ihre anderen Vertretungen erfahren, dass Sie es beantragen, mit Ihrem Namen und Ihrer E-Mail-Adresse.",
  yourName: "Ihr Name, wie in den Unterlagen",
  patientName: "Name der Person, für die Sie handeln möchten",
  grounds: "Was Ihr Recht zu handeln zeigt",
  groundsHint:
    "Zum Beispiel: Geburtsurkunde 17/2019, oder der Beschluss des Gerichts mit Aktenzeichen. Vielleicht sollen Sie es vorzeigen.",
  birthDate: "Bei einem Kind: Geburtsdatum",
  birthDateHint: "Ihr Zugang endet, wenn das Kind volljährig wird. Bei Erwachsenen bleibt das Feld leer.",
  groundsEnd: "Bei Erwachsenen: letzter Tag des Beschlusses",
  groundsEndHint: "Leer, wenn er kein Ende hat.",
  send: "Absenden",
  sent: "Es ist abgesandt. Sie bekommen eine E-Mail, wenn es entschieden ist.",
  withdraw: "Zurücknehmen",
  withdrawNamed: (name) => `Den Antrag für ${name} zurücknehmen`,
  withdrawn: "Es ist zurückgenommen.",
  states: {
    waiting: "Wartet",
    confirmed: "Bestätigt",
    refused: "Abgelehnt",
    withdrawn: "Zurückgenommen",
    lapsed: "Nicht rechtzeitig entschieden",
  },
  askedAt: (when) => `beantragt ${when}`,
  lapses: (when) => `wartet bis ${when}`,
  decidedAt: (when) => `entschieden ${when}`,
  checkedBy: (who) => `geprüft von ${who}`,
  why: (reason) => `Warum: ${reason}`,

  aboutYou: "Wer gesetzliche Vertretung werden möchte",
  aboutYouLead:
    "Noch hat sich nichts geändert: Erst wird das Recht geprüft. Stimmt etwas nicht? Sagen Sie es denen, die es prüfen; und wenn es bestätigt ist, können Sie hier widersprechen.",
  bringIn: "Jemandem den Antrag ermöglichen",
  bringInLead:
    "Sie machen einen Code und geben ihn der Person. Damit stellt sie den Antrag, und der Datenschutz von WellAPI prüft ihre Unterlagen. Der Code gilt einmal, sieben Tage lang, und gibt für sich allein niemandem Zugang.",
  bringInByWork:
    "Machen Sie einen Code und geben Sie ihn der Person. Damit stellt sie den Antrag, und Sie prüfen ihre Unterlagen. Er gilt einmal, sieben Tage lang, und gibt für sich allein niemandem Zugang.",
  makeCode: "Code machen",
  codeShown: "Der Code",
  codeShownLead: "Er wird nur einmal gezeigt. Geben Sie ihn persönlich weiter, oder in einem Brief.",
  dispute: "Widersprechen",
  disputeNamed: (name) => `Der Vertretung durch ${name} widersprechen`,
  disputeLead:
    "Von da an kann diese Person nicht mehr handeln, bis der Datenschutz von WellAPI entschieden hat. Sie erfährt, dass widersprochen wurde, nicht von wem und nicht warum.",
  disputeReason: "Warum diese Person nicht handeln darf",
  disputeReasonHint: "Das lesen der Datenschutz und wer die Unterlagen geprüft hat.",
  disputeSend: "Zugang anhalten und entscheiden lassen",
  disputed: "Der Zugang ist angehalten. Nun entscheidet der Datenschutz.",

  petitions: "Zu entscheiden",
  petitionsNone: "Niemand wartet.",
  whom: (name) => `möchte für ${name} handeln`,
  bornAt: (date) => `geboren ${date}, nach eigenen Angaben`,
  groundsUntil: (date) => `bis ${date}, nach eigenen Angaben`,
  lookNamed: (name) => `Akte zeigen, für die ${name} den Antrag stellt`,
  look: "Akte zeigen",
  decideNamed: (name) => `Entscheiden über ${name}`,
  decide: "Entscheiden",
  seen: "Was Sie gesehen haben",
  seenHint:
    "Zum Beispiel: Geburtsurkunde 17/2019 und Ausweis. Ihre Entscheidung wird unter Ihrem Namen vermerkt.",
  seenBirthDate: "Bei einem Kind: Geburtsdatum, wie in den Unterlagen",
  confirm: "Bestätigen: Diese Person darf handeln",
  refuseReason: "Warum nicht",
  refuseReasonHint: "Das liest die Person.",
  refuse: "Ablehnen",
  confirmed: "Es ist bestätigt, und die Person erfährt es.",
  refused: "Es ist abgelehnt, und die Person erfährt es.",
  disputes: "Vertretungen, denen widersprochen wird",
  disputesNone: "Keine.",
  disputeSince: (when) => `widersprochen ${when}`,
  byOfficer: "Über diesen Widerspruch entscheidet der Datenschutz von WellAPI.",
};

/** What went wrong with it, and what the reader can do. */
export const guardianshipProblemsDe: typeof guardianshipProblemsEn = {
  guardianCodeInvalid:
    "Dieser Code gilt nicht: Er ist vertippt, wurde benutzt oder ist zu alt. Bitten Sie um einen neuen, wo Sie ihn bekommen haben.",
  petitionWaits:
    "Sie haben es für diese Person schon beantragt. Warten Sie auf die Entscheidung, oder nehmen Sie den Antrag erst zurück.",
  alreadyGuardian: "Diese Person vertritt die Patientin oder den Patienten schon.",
  petitionClosed:
    "Inzwischen wurde es entschieden, zurückgenommen oder ist zu alt. Sehen Sie noch einmal nach.",
  petitionLimit: "Mehr sind an einem Tag nicht möglich. Machen Sie morgen weiter.",
  guardianHeld:
    "Diese Person ist schon eingetragen, und ihr wird widersprochen oder sie ist gesperrt. Entscheiden Sie erst darüber.",
  guardianNotActive: "Diese Person handelt zurzeit nicht; es gibt nichts, dem Sie widersprechen könnten.",
  disputeDecided:
    "Über Ihren letzten Widerspruch hat der Datenschutz vor weniger als 30 Tagen entschieden. Schreiben Sie ihm, wenn es etwas Neues gibt.",
};
