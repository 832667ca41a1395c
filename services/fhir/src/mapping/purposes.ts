/** HL7's codes of purposes, by the number of the contract's enum. */
const codes = [undefined, "TREAT", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT", "PUBHLTH", "ETREAT", "FAMRQT"];

const system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/** The purpose as a coding; undefined where none is stated. */
export function purposeCoding(purpose: number) {
  const code = codes[purpose];
  return code === undefined ? undefined : { system, code };
}
