/** Nothing is left to the operator: the limits are part of the contract (limits.ts). */
export type IngestionConfig = Readonly<Record<string, never>>;
