import type { Finding } from "./finding.ts";
import type { FhirResource } from "./resource.ts";

/**
 * The OperationOutcome that says what is wrong where: an issue for each finding, in order. Lines and columns stand in `diagnostics`.
 * Without findings it says that all is well, since an OperationOutcome has at least one issue.
 */
export function operationOutcome(findings: readonly Finding[]): FhirResource {
  const issue = findings.length > 0 ? findings.map(issueOf) : [allOk];
  return { resourceType: "OperationOutcome", issue };
}

const allOk = { severity: "information", code: "informational", details: { text: "All is well" } };

function issueOf({ severity, code, text, expression, line, column }: Finding) {
  return {
    severity,
    code,
    details: { text },
    ...(line === undefined ? {} : { diagnostics: `Line ${line}, column ${column}` }),
    ...(expression === undefined ? {} : { expression: [expression] }),
  };
}
