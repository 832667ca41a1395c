/** Applications that the reader has connected. */
export const appsEn = {
  title: "Connected apps",
  titleOf: (name: string) => `Apps connected to the record of ${name}`,
  hint: "Applications that were connected, and how to stop them",
  lead: "When you stop an app, its permissions end at once: it gets nothing more from WellAPI. What it has already is not deleted by this; ask those who make it.",
  none: "No app is connected.",
  ownTitle: "Where you sign in with this account",
  ownLead:
    "These learn who you are, or work in your name. They have no permission for health data of their own.",
  by: (organization: string) => `by ${organization}`,
  since: (when: string) => `Connected ${when}`,
  until: (when: string) => `ends by itself ${when}`,
  ownApp: "Chosen by you: what it reads leaves WellAPI.",
  stop: "Stop",
  stopNamed: (name: string) => `Stop ${name}`,
  stopped: "It is stopped. It gets nothing more.",
};
