import type { Finding } from "./finding.ts";
import type { FhirResource } from "./resource.ts";

/**
 * The OperationOutcome that says what is wrong where: an issue for each finding, in order. Lines and columns stand in `diagnostics`.
 * Without findings it says that all is well, since an OperationOutcome has at least one issue.
 *
 * @param reason the server's own code of all issues, in their `details.coding`
 */
export function operationOutcome(
  findings: readonly Finding[],
  reason?: { readonly system: string; readonly code: string },
): FhirResource {
  const issue = findings.length > 0 ? findings.map((one) => issueOf(one, reason)) : [allOk];
  return { resourceType: "OperationOutcome", issue };
}

const allOk = { severity: "information", code: "informational", details: { text: "All is well" } };

function issueOf(
  { severity, code, text, expression, line, column }: Finding,
  reason: { readonly system: string; readonly code: string } | undefined,
) {
  return {
    severity,
    code,
    details: { ...(reason === undefined ? {} : { coding: [{ ...reason }] }), text },
    ...(line === undefined ? {} : { diagnostics: `Line ${line}, column ${column}` }),
    ...(expression === undefined ? {} : { expression: [expression] }),
  };
}
