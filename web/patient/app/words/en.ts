import { dataEn } from "./data-en.ts";
import { disclosuresEn } from "./disclosures-en.ts";
import { homeEn } from "./home-en.ts";
import { logEn } from "./log-en.ts";
import { noticesEn } from "./notices-en.ts";
import { placesEn } from "./places-en.ts";
import { previewEn } from "./preview-en.ts";
import { requestsEn } from "./requests-en.ts";
import { rightsEn } from "./rights-en.ts";
import { sourcesEn } from "./sources-en.ts";

export const en = {
  home: homeEn,
  log: logEn,
  data: dataEn,
  places: placesEn,
  notices: noticesEn,
  requests: requestsEn,
  preview: previewEn,
  disclosures: disclosuresEn,
  rights: rightsEn,
  sources: sourcesEn,
  common: {
    title: "Your health data",
    skip: "Skip to the content",
    menu: "Your data",
    home: "Overview",
    data: "My data",
    log: "Log",
    notices: "Notices",
    downloads: "Download",
    settings: "Settings",
    account: "Account",
    signOut: "Sign out",
    language: "Language",
    back: "Back to the overview",
    loading: "Loading …",
    again: "Try again",
    more: "Show older ones",
    close: "Close",
    actingFor: (name: string, role: string) => `You act for ${name}, ${role}.`,
    roles: {
      carer: "as a carer",
      guardian: "as a guardian",
      representative: "as the representative of somebody who died",
    },
    change: "Change",
    whoseRecord: "Whose record this is",
    noRecord: "There is no health record in this account",
    noRecordLead:
      "That is right if you work with WellAPI. If you care for several people, choose whose record you want to see.",
    toAccount: "Go to your account",
    missing: "There is no such page",
    missingLead: "The address may be old, or mistyped.",
    oldPage: "This page is from before an update. Load it again.",
    load: "Load again",
    unknownOrganization: "An organization that is not known any more",
    connection: "Connection",
    offline: (asOf: string, until: string) =>
      `No connection. You see what was loaded by ${asOf}. Only this open page has it, until ${until} at most.`,
    offlineNothing: "Without a connection there is nothing to show: no health data is kept on this device.",
    zone: (zone: string) => `Times are of the zone ${zone}.`,
  },
  problems: {
    unreachable: "WellAPI cannot be reached at the moment. Look at your connection, and try again.",
    confirm: "For this you have to confirm first that it is you.",
    changed: "It has changed since this page was shown. Look again before you decide.",
    refused: "That is not there, or you may not see it.",
    busy: "That was a lot in a short time. Wait a moment, and try again.",
    failed: "That did not work. Nothing was changed.",
    toConfirm: "Confirm that it is you",
  },
};

export type Words = typeof en;
