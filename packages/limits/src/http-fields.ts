import type { BudgetState } from "@wellapi/rpc";

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-11, as structured fields (RFC 9651), and `retry-after` (RFC 9110,
 * 10.2.3) where the budget is what the answer was refused for.
 */
export function budgetFields(
  state: BudgetState | undefined,
  status: number,
): readonly (readonly [name: string, value: string])[] {
  if (state === undefined) return [];
  const { name, quota, windowSeconds, remaining, resetMs } = state;
  const seconds = Math.ceil(resetMs / 1_000);
  return [
    ["ratelimit-policy", `"${name}";q=${quota};w=${windowSeconds}`],
    ["ratelimit", `"${name}";r=${remaining};t=${seconds}`],
    ...(status === 429 && remaining === 0 ? [["retry-after", String(Math.max(1, seconds))] as const] : []),
  ];
}
