import { type Finding, operationOutcome } from "@wellapi/fhir-r4";

/** What became of a line. */
export interface LineOutcome {
  readonly number: number;
  /** The exchange's word: CREATED, DUPLICATE, or the reason of a refusal. */
  readonly reason: string;
  /** Where the record is: `Condition/…`. */
  readonly location?: string;
  /** Empty: it was stored, now or before. */
  readonly findings: readonly Finding[];
}

const system = "https://wellapi.dev/reasons";

/** As an OperationOutcome whose id names the line: `line-12`. */
export function outcomeLine({ number, reason, location, findings }: LineOutcome): string {
  const stored: Finding = {
    severity: "information",
    code: "informational",
    text: "It is stored",
    ...(location !== undefined && { expression: location }),
  };
  const { resourceType, ...outcome } = operationOutcome(findings.length > 0 ? findings : [stored], {
    system,
    code: reason,
  });
  return `${JSON.stringify({ resourceType, id: `line-${number}`, ...outcome })}\n`;
}

export function refused(number: number, reason: string, text: string): LineOutcome {
  return { number, reason, findings: [{ severity: "error", code: "invalid", text }] };
}
