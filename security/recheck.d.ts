/** What is used of recheck, which only this folder installs, so that the project's types are checked without it. */
declare module "recheck" {
  export function check(
    pattern: string,
    flags: string,
    parameters: { readonly timeout: number },
  ): Promise<
    | { readonly status: "safe" }
    | { readonly status: "vulnerable"; readonly complexity: { readonly summary: string } }
    | { readonly status: "unknown"; readonly error: { readonly kind: string } }
  >;
}
