/** Downloads and settings. */
export const placesEn = {
  download: {
    title: "Download your data",
    lead: "You get everything that is in this record as one ZIP file. What happens with it then is up to you.",
    holds:
      "It holds a page to read, tables for a spreadsheet, and the same data for other health apps (FHIR) and for analysis (Parquet).",
    keep: "Keep the file safe. Whoever has it can read it, and no permission that you take back later takes it back.",
    noted: "The download is noted in the log.",
    begin: "Download everything",
    confirmFirst: "Everything in one file is a lot. So confirm first that it is you.",
    confirm: "Confirm that it is you",
    minutes: "A large record takes some minutes. You can go on meanwhile.",
    part: "Only a part of it",
    kinds: "Kinds of data",
    kindsHint: "Tick those that you want. If you tick none, you get all of them.",
    first: "From (first day)",
    last: "Until (last day)",
    daysHint: "Without days you get all times. With days, clinical records that have no date are left out.",
    wrongOrder: "The last day is before the first one.",
    files: "Files",
    filesHint: "A page to read is always with them.",
    formats: {
      2: "Tables for a spreadsheet (CSV)",
      3: "For other health apps (FHIR)",
      4: "For analysis (Parquet)",
    } as Readonly<Record<number, string>>,
    shortFormats: { 2: "CSV", 3: "FHIR", 4: "Parquet" } as Readonly<Record<number, string>>,
    page: "a page to read",
    prepare: "Prepare the file",
    ready: "Ready",
    allKinds: "All kinds of data",
    time: (first: string, last: string) =>
      first === "" && last === ""
        ? "of all times"
        : first === ""
          ? `until ${last}`
          : last === ""
            ? `from ${first} on`
            : `from ${first} to ${last}`,
    holdsPart: (what: string, time: string, files: string) => `${what}, ${time}: ${files}.`,
    until: (time: string) => `Can be downloaded until ${time}.`,
    ended: "This file can't be downloaded any more. Prepare it again.",
    fetch: "Download",
    coming: "The file is being made, and comes",
    came: (size: string) => `${size} so far. Stay on this page until it is there.`,
    stop: "Stop",
    saved: (size: string) => `Saved: ${size}.`,
    busy: "Others are downloading at the moment. Try again in a minute.",
    cut: "The download broke off, and nothing was saved. Try again.",
  },
  settings: {
    title: "Settings",
    language: "Language",
    notices: "Notices",
    noticesHint: "What you are told of, by which way, and when not",
    signIn: "Sign-in and security",
    signInHint: "Passkeys, e-mail address, recovery codes, and where you are signed in",
    people: "People who act for you",
    peopleHint: "Carers and guardians",
    emergency: "Emergency",
    emergencyHint: "Whether a hospital may look in an emergency, and your emergency code",
    apps: "Connected apps",
    appsHint: "Apps that you have connected yourself",
    devices: "Which device counts first",
    devicesLead:
      "Where two of your devices have measured the same minute, readers who want one line get that of the first device here.",
    devicesNone: "No device has sent anything yet.",
    devicesOne: "Only one device sends data, so there is nothing to choose.",
    up: (name: string) => `Move ${name} up`,
    save: "Save the order",
    saved: "Saved. It holds from now on.",
    devicesMost: (most: number) => `Only the first ${most} have a place in the order.`,
    withoutDevice: "Without a device",
    from: (device: string, organization: string) => `${device}, from ${organization}`,
    zone: "Time zone",
    zoneLead: (zone: string) => `Days of your data are days in ${zone}.`,
    here: "What this device keeps",
    hereLead:
      "A fingerprint of the log, so that you can check it, and these pages without anything in them, so that they open without a connection. Nothing about your health. Your browser's own settings delete it.",
    erase: "Erase everything",
    eraseLead:
      "All permissions end, the keys of your data are destroyed, and the data is deleted. Nobody can bring it back, also not you. What organizations got before they still have. The log keeps that something happened, without what.",
    eraseOpen: "I want to erase everything",
    eraseType: (word: string) => `Type ${word} to go on.`,
    eraseWord: "ERASE",
    eraseNow: "Erase everything for ever",
    erasing: "Erasing … This can take a minute.",
    erased: "Everything is erased",
    erasedAt: (time: string) =>
      `The keys were destroyed on ${time}. From then on nothing of it can be opened.`,
    erasedBackups: (day: string) => `Backups may hold a destroyed key until ${day} at the latest.`,
    erasedRunning:
      "The erasure has begun, and goes on by itself. Nothing of your data can be read any more. Look again in a few minutes for the receipt.",
    receipt: "Download the receipt",
  },
};
