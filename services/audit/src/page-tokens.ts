/** Opaque page tokens (AIP-158), bound to a caller and a query. Given by the composition root. */
export interface PageTokens {
  /** `binding` says for whom and for which query the token is good. */
  seal(binding: string, cursor: string): string;
  /** The cursor. Throws for a token that was not sealed with this binding. */
  open(binding: string, token: string): string;
}
