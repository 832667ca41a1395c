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
  },
  settings: {
    title: "Settings",
    language: "Language",
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
      "A fingerprint of the log, so that you can check it. Nothing about your health. Your browser's own settings delete it.",
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
