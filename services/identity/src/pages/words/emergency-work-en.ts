/** Emergency access, for the clinicians who open it and the privacy officer who watches over it. */
export const emergencyWorkEn = {
  nav: "Emergency access",
  navHint: "Read a patient's data for an hour without a permission",
  title: (organization: string) => `Emergency access of ${organization}`,
  lead: "In an emergency you can read a patient's data for an hour without a permission. The patient is told at once, with your reason, and so is the privacy officer, without it.",
  off: "Emergency access is not switched on for your organization. Its owner asks the privacy officer of WellAPI for it.",
  open: "Open emergency access",
  who: "Number of the patient, or the emergency code",
  whoHint:
    "The number is the one that your organization has for the patient; it starts with pat_. The code is on the patient's card: twelve letters and digits.",
  whoUnknown:
    "Your organization has no such number, and no such code holds. Check what you typed: a code can have been replaced.",
  reason: "Why",
  reasonHint: "At least ten characters. The patient reads it.",
  reasonShort: "Say why, in at least ten characters.",
  submit: "Open for an hour",
  opened: "It is open. Read with the purpose “emergency”, by the patient's number below.",
  readsUntil: (until: string) =>
    `Each read asks for a passkey or a second factor of the last five minutes. Yours holds until ${until}.`,
  readsNoMore:
    "Before you read on, confirm that it is you: each read asks for a passkey or a second factor of the last five minutes.",
  ended: "It is ended, and counts at once.",
  own: "Your emergency accesses",
  none: "There was none.",
  patient: "Patient",
  reasonGiven: "Reason",
  openUntil: (until: string) => `Open until ${until}`,
  endedAt: (at: string) => `Ended ${at}`,
  over: (at: string) => `Over since ${at}`,
  end: "End it now",
  endNamed: (patient: string) => `End it now: the access to patient ${patient}`,
  more: "More",
  refused: "The patient has said: not even in an emergency. Nobody gets emergency access to this record.",
  limited:
    "Emergency access was tried too often within an hour, or too many are open for this patient. Try again later.",
  office: "Emergency accesses",
  officeHint: "Who has read without a permission, and how to end it",
  officeLead:
    "Who opened emergency access, to whose data, and when. You don't see why: the reason can tell something of the patient's health.",
  person: "Person",
  switchTitle: "Emergency access",
  switchLead:
    "Where it is switched on, clinicians of the organization read the data of a patient whom they know, or who shows the emergency code, for an hour without a permission. Each time the patient and you are told.",
  isOn: (since: string) => `Switched on since ${since}.`,
  isOff: "Switched off.",
  afterCheck: "It can be switched on once the organization is checked.",
  switchOn: "Switch on",
  switchOff: "Switch off",
  switchOffLead:
    "Once it is off, nobody opens a new one. Those that are open last until their hour is over, unless they are ended.",
  endOpen: "End those that are open",
  switchOffAndEnd: "Switch off, and end those that are open",
  switched: "It is switched, and counts from now on.",
  endedCount: (count: number) =>
    count === 0
      ? "None was open."
      : count === 1
        ? "One that was open is ended."
        : `${count} that were open are ended.`,
};

export type EmergencyWorkWords = typeof emergencyWorkEn;
