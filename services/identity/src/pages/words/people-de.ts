import type { peopleEn } from "./people-en.ts";

export const peopleDe: typeof peopleEn = {
  title: "Wer für Sie handelt",
  titleOf: (name) => `Wer für ${name} handelt`,
  lead: "Diese Personen melden sich mit einem eigenen Konto an. Alles, was sie tun, wird unter ihrem Namen vermerkt.",
  carers: "Vertrauenspersonen",
  carersNone: "Noch niemand.",
  carersMay:
    "Eine Vertrauensperson darf alles sehen, und Erlaubnisse geben und zurücknehmen. Sie kann niemanden einladen und Ihre Daten nicht löschen.",
  guardians: "Gesetzliche Vertretung",
  guardiansLead:
    "Jemand hat ihr Recht zu handeln geprüft: eine Organisation, die Sie behandelt, oder der Datenschutz von WellAPI. Stimmt etwas nicht? Widersprechen Sie: Der Zugang ist angehalten, bis der Datenschutz von WellAPI entschieden hat.",
  representatives: "Vertretung nach dem Tod",
  representativesLead:
    "Jemand hat geprüft, dass sie für diese verstorbene Person handeln dürfen. Sie sehen die Akte und nehmen Erlaubnisse zurück, sonst ändern sie nichts.",
  checkedBy: (who) => `Geprüft von: ${who}`,
  officer: "Datenschutz von WellAPI",
  earlier: "Früher",
  invite: "Vertrauensperson benennen",
  inviteTitle: "Vertrauensperson benennen",
  inviteLead:
    "Wir senden einen Link an diese Adresse. Wer die E-Mail hat, kann einmal zusagen, innerhalb von sieben Tagen: Prüfen Sie die Adresse. Sie können es jederzeit zurücknehmen.",
  name: "Wie nennen Sie die Person?",
  nameHint: "Zum Beispiel: meine Tochter Ida. Das sehen nur Sie.",
  email: "E-Mail-Adresse der Person",
  mailLanguage: "Sprache der E-Mail",
  send: "Einladung senden",
  sent: "Die Einladung ist unterwegs.",
  ended: "Es ist zurückgenommen. Das gilt sofort.",
  end: "Zurücknehmen",
  endNamed: (name) => `Zugang von ${name} zurücknehmen`,
  withdrawNamed: (name) => `Einladung von ${name} zurückziehen`,
  withdraw: "Zurückziehen",
  you: "Sie",
  giveUp: "Diesen Zugang aufgeben",
  giveUpLead:
    "Sie können aufhören, für diese Person zu handeln. Um wieder für sie zu handeln, brauchen Sie eine neue Einladung.",
  gaveUp: "Sie handeln nicht mehr für diese Person.",
  states: {
    offered: "Eingeladen",
    lapsed: "Einladung abgelaufen",
    active: "Darf handeln",
    unconfirmed: "Wartet auf den Datenschutz",
    disputed: "Angehalten, bis neu geprüft ist",
    blocked: "Gesperrt",
    ended: "Beendet",
  },
  since: (when) => `seit ${when}`,
  invitedAt: (when) => `eingeladen: ${when}`,
  until: (when) => `bis ${when}`,
  offerTitle: {
    carer: (name) => `${name} bittet Sie, Vertrauensperson zu sein`,
    guardian: (name) => `Sie sollen ${name} gesetzlich vertreten`,
    representative: (name) => `Sie sollen ${name} vertreten, nach dem Tod dieser Person`,
  },
  offerCarer:
    "Als Vertrauensperson sehen Sie hier die Gesundheitsakte dieser Person, und dürfen in ihrem Namen Erlaubnisse geben und zurücknehmen. Was Sie tun, wird unter Ihrem Namen vermerkt. Sie können es jederzeit aufgeben.",
  offerGuardian:
    "Ihr Recht, für diese Person zu handeln, ist geprüft. Sie sehen hier ihre Gesundheitsakte, und geben in ihrem Namen Erlaubnisse und nehmen sie zurück. Was Sie tun, wird unter Ihrem Namen vermerkt.",
  offerRepresentative:
    "Ihr Recht, für diese verstorbene Person zu handeln, ist geprüft. Sie sehen hier ihre Gesundheitsakte und nehmen in ihrem Namen Erlaubnisse zurück: Hinzugefügt wird nichts mehr. Was Sie tun, wird unter Ihrem Namen vermerkt. Wenn eine Organisation Sie eingetragen hat, bestätigt es erst der Datenschutz von WellAPI.",
  offerOwn: "Sie brauchen ein eigenes Konto. Ihre eigenen Daten bleiben davon getrennt.",
  decline: "Nicht annehmen",
  declined: "Sie haben nicht angenommen",
  declinedLead: "Es geschieht nichts. Die Einladung endet von selbst, und niemand erfährt davon.",
  accepted: (name) => `Sie handeln jetzt für ${name}`,
  acceptedLead:
    "Ihre Übersicht zeigt, wessen Akte offen ist. Dort können Sie jederzeit zwischen Akten wechseln.",
  claimTitle: "Ihre Akte übernehmen",
  claimLead:
    "Eine Praxis oder ein Anbieter hat eine Akte für Sie begonnen und Ihnen einen Code gegeben. Mit ihm gehört die Akte zu Ihrem Konto: Dann entscheiden Sie allein, wer sie sieht.",
  claimLabel: "Der Code, den Sie bekommen haben",
  claimHint: "Er beginnt mit wellapi_cc_ und gilt einmal. Große und kleine Buchstaben sind verschieden.",
  claim: "Akte übernehmen",
  claimWrong:
    "Dieser Code gilt nicht: Er ist falsch geschrieben, wurde benutzt oder ist zu alt. Bitten Sie dort, wo Sie ihn bekommen haben, um einen neuen.",
  claimHas: "Dieses Konto hat schon eine Akte",
  claimHasLead:
    "Ein Konto hat eine Akte. Um einen Code zu benutzen, melden Sie sich ab, legen Sie mit einer anderen E-Mail-Adresse ein anderes Konto an, und beginnen Sie auf der ersten Seite mit „Code einer Praxis oder eines Anbieters benutzen“.",
  claimed: "Die Akte gehört jetzt Ihnen",
  claimedLead:
    "Sie sehen sie in Ihrer Übersicht. Sehen Sie sich zuerst die Erlaubnisse an: Manche sind vielleicht schon gegeben.",
  claimRegister:
    "Danach benutzen Sie den Code: Die Akte, die eine Praxis oder ein Anbieter begonnen hat, gehört dann Ihnen.",
};
