/** The page on which a person downloads their record. */
export const downloadEn = {
  title: "Download",
  hint: "All of your health data in one file",
  lead: "You get everything that is in this record as one ZIP file. What happens with it then is up to you.",
  holds:
    "It holds a page to read, tables for a spreadsheet, and the same data for other health apps (FHIR) and for analysis (Parquet).",
  keep: "Keep the file safe. Whoever has it can read it, and no permission that you take back later takes it back.",
  noted: "The download is noted in the log of accesses.",
  begin: "Download everything",
};
