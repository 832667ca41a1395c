/** What an organization sees or would see, exactly. */
export const previewEn = {
  wouldSee: "Exactly what it would see",
  sees: "Exactly what it sees",
  show: "Look at it as the organization does",
  lead: "Your record is read as it would be for the organization, and shown to you alone. The organization does not learn that you looked; the log says that you did.",
  which: "Of which permission",
  all: "All together, as it is now",
  ofDay: (day: string) => `The permission of ${day}`,
  purpose: "What for",
  nothingThere: "There is nothing in your record yet, so there is nothing to see.",
  nothingSeen: "Nothing of what is in your record now.",
  notYet: "Averages come once the hour or the day is over and has enough values.",
  nothingLeft: "Nothing: you have taken out everything.",
  notRead: "It may read nothing: it only sends.",
  /** `from`, `to`: days. */
  span: (from: string, to: string) => (from === to ? `of ${from}` : `from ${from} to ${to}`),
  every: "every single value",
  sums: {
    2: (count: string, one: boolean) => (one ? "1 average of an hour" : `${count} averages by the hour`),
    3: (count: string, one: boolean) => (one ? "1 average of a day" : `${count} averages by the day`),
  } as Readonly<Record<number, (count: string, one: boolean) => string>>,
  first: (values: string) => `The first: ${values}`,
  stays: "What stays with you",
  staysAll: "Nothing: it would see all that is in your record.",
  staysOf: (count: string, all: string, one: boolean, why: string) =>
    one ? `the one value: ${why}` : `${count} of ${all} values: ${why}`,
  recordsStay: (count: string, all: string, one: boolean, why: string) =>
    one ? `the one record: ${why}` : `${count} of ${all} records: ${why}`,
  why: {
    1: "not part of it",
    2: "permitted for another purpose",
    3: "you have forbidden it",
    4: "from another time",
    5: "it gets averages only",
    6: "from a source that it does not get",
  } as Readonly<Record<number, string>>,
  records: (count: string, one: boolean) => (one ? "1 record" : `${count} records`),
  types: {
    AllergyIntolerance: "Allergies",
    Condition: "Conditions",
    DiagnosticReport: "Reports",
    DocumentReference: "Documents",
    Encounter: "Visits",
    Immunization: "Vaccinations",
    MedicationRequest: "Medicines",
    MedicationStatement: "Medicines that you take",
    Observation: "Findings",
    Procedure: "Procedures",
  } as Readonly<Record<string, string>>,
  later: (when: string) =>
    `As of ${when}, when it begins. What arrives until then is not in your record yet.`,
  more: "There is more than is counted here.",
};
