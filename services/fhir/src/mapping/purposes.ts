/** HL7's codes of purposes, by the number of the contract's enum. */
const codes = [undefined, "TREAT", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT", "PUBHLTH", "ETREAT", "FAMRQT"];

const system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/** The number of the purpose of a coding; undefined where it is none of HL7's that are known here. */
export function purposeOfCoding(coding: {
  readonly system?: unknown;
  readonly code?: unknown;
}): number | undefined {
  const number = typeof coding.code === "string" ? codes.indexOf(coding.code) : -1;
  return number < 1 || coding.system !== system ? undefined : number;
}

/** The purpose as a coding; undefined where none is stated. */
export function purposeCoding(purpose: number) {
  const code = codes[purpose];
  return code === undefined ? undefined : { system, code };
}
