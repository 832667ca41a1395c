/** Of every answer of a surface. */
export interface SecurityHeaders {
  /** Directives (Content Security Policy 3), in camel case. No others are sent. */
  readonly contentSecurityPolicy: Readonly<Record<string, readonly string[]>>;
}

/** For answers that are data: nothing is loaded for them, and no page frames them. */
export const dataHeaders: SecurityHeaders = {
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
};

/** As helmet takes them. The headers that are not named here are helmet's own. */
export function helmetOptions({ contentSecurityPolicy }: SecurityHeaders = dataHeaders) {
  const directives = Object.fromEntries(
    Object.entries(contentSecurityPolicy).map(([name, sources]) => [name, [...sources]]),
  );
  return {
    contentSecurityPolicy: { useDefaults: false, directives },
    referrerPolicy: { policy: "no-referrer" as const },
  };
}
