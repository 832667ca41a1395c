/** The log and its proof. */
export const logEn = {
  title: "Log",
  lead: "Every time somebody looked at your data, sent some, or was refused. Nobody can change or remove an entry, and you can check that.",
  filter: "Show",
  filters: { others: "What others did", refused: "What was refused", all: "Everything, also my own" },
  organization: "Organization",
  anyOrganization: "All of them",
  category: "Kind of data",
  anyCategory: "All kinds",
  period: "Time",
  /** By days. */
  periods: { 0: "All times", 7: "Last 7 days", 30: "Last 30 days", 365: "Last year" } as Readonly<
    Record<number, string>
  >,
  none: "There is no such entry in what was looked through.",
  noneAtAll: "There is no entry yet.",
  /** Sentences: who, what data, how much. */
  read: (who: string, what: string) => `${who} read ${what}`,
  sent: (who: string, what: string) => `${who} sent ${what}`,
  previewed: (who: string) => `${who} looked at what an organization sees`,
  previewedOf: (who: string, organization: string) => `${who} looked at what ${organization} sees`,
  exported: (who: string) => `${who} asked for data as a file`,
  fetched: (who: string) => `${who} downloaded data as a file`,
  wantedRead: (who: string, what: string) => `${who} wanted to read ${what}`,
  wantedSent: (who: string, what: string) => `${who} wanted to send ${what}`,
  permitted: (who: string) => `${who} gave a permission`,
  stopped: (who: string) => `${who} stopped a permission`,
  emergency: (who: string) => `${who} used or changed emergency access`,
  settings: (who: string) => `${who} changed settings`,
  erased: (who: string) => `${who} erased data`,
  petition: (who: string, whom: string) => `${who} asked to act for ${whom}`,
  petitionWithdrawn: (who: string, whom: string) => `${who} no longer asks to act for ${whom}`,
  petitionDecided: (who: string, whom: string) => `${who} decided whether somebody may act for ${whom}`,
  accepted: (who: string, whom: string) => `${who} accepted an invitation to act for ${whom}`,
  signIn: (who: string) => `${who} signed in`,
  wantedSignIn: (whom: string) => `Somebody tried to sign in as ${whom}`,
  other: (who: string) => `${who} looked at permissions or settings`,
  refused: "Refused",
  refusedLead: "Nothing was shown or stored.",
  undecided: "Not decided",
  undecidedLead: "It could not be checked, so nothing was shown or stored.",
  opened: "The reading began here; its end is an entry of its own.",
  changed: "A permission changed while it was reading.",
  damaged: "This entry is damaged, and cannot be shown. That it was there can still be proven.",
  you: "You",
  /** The reader, where somebody else does something. */
  whom: "you",
  person: "A signed-in person",
  delegate: (whom: string) => `Somebody who acts for ${whom}`,
  installation: "WellAPI itself, or its staff",
  data: "some data",
  details: "Details",
  facts: {
    time: "When",
    purpose: "What for",
    values: "How much",
    codes: "Which data",
    interval: "From which time",
    method: "Technical name",
    reason: "Reason of the refusal",
    id: "Number of the entry",
  },
  always: "all times",

  proof: "Has anybody changed the log?",
  proofLead:
    "Your browser can check this by itself. It keeps a fingerprint of the log on this device, and compares it with the log of today. Whoever changes or removes a single entry changes the fingerprint.",
  prove: "Check now",
  proving: "Checking …",
  firstTime: (entries: string) =>
    `Your device keeps a fingerprint of the log from now on. It covers ${entries} entries. Come back and check: then you can see that nothing of it was changed.`,
  proven: (since: string) =>
    `Nothing was changed since ${since}, when your device kept its last fingerprint.`,
  provenEntries: (count: number) =>
    count === 1
      ? "The one entry that is shown below is in the log exactly as it is shown."
      : `All ${count} entries that are shown below are in the log exactly as they are shown.`,
  notYet: (count: number) =>
    count === 1
      ? "One entry is so new that it is not in the log yet: check again in a moment."
      : `${count} entries are so new that they are not in the log yet: check again in a moment.`,
  grown: (entries: string) => `Since then ${entries} entries of all patients were added.`,
  failed: "The check has failed",
  failedLead:
    "What the log shows now does not fit what it has shown before, or what it has signed. That must not happen. Download both, and show them to somebody whom you trust, for example the data protection authority.",
  failedEntry: "The entry that did not fit:",
  broken: (when: string) => `The log says itself, signed, that it was restored from a backup on ${when}.`,
  brokenLead:
    "Entries that stood there before may be lost. Your device keeps a fingerprint of the restored log from now on.",
  unchecked: "It could not be checked just now. That says nothing about the log.",
  download: "Download the proof",
  downloadHint:
    "A file with the fingerprints and each entry with its proof. Whoever knows such logs can check it without us.",
  badge: "Proven",
  badgeTitle: "Your browser has proven that this entry is in the log",
  how: "How this works",
  howLead:
    "The log is a tree of checksums (RFC 6962). Its root is signed. For each entry your browser computes its way to the root, and from the root that your device kept to the root of today. It trusts the key that it met first. Nothing about you is in what the log publishes.",
};
