/** Whose data an organization gets, and what the patient lets it see unasked. */
export const sourcesEn = {
  title: "Whose data it gets",
  lead: "It gets what you permit it, of everyone who sends something. What you leave out here it does not get, whatever you permit, until you let it see it again.",
  open: "Leave something out",
  none: "Nobody has sent anything about you yet.",
  everything: (name: string) => `Everything from ${name}`,
  /** Of which nobody has said what it is. */
  device: "A device",
  someDevice: (name: string) => `a device of ${name}`,
  isOut: "left out",
  leave: "Leave out",
  leaveNamed: (name: string) => `Leave out: ${name}`,
  return: "Let it see",
  returnNamed: (name: string) => `Let it see again: ${name}`,
  grant: "Let it see something else",
  grantLead: "You need not wait to be asked. What it has already stays as it is.",
  choose: "Choose what it may see",
  what: "What it may see",
  permit: "Permit it",
  granted: "You have permitted it. It stands above, with all that it may see.",
  nothing: "Choose at least one kind of data.",
};
