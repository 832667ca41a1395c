// Generated from proto/ by scripts/openapi (make generate). Do not edit.
/** By `<message>.<field in JSON>`: `wellapi.consent.v1.Consent.grantee`. */
export declare const fieldComments: Readonly<Record<string, string>>;
