import { base } from "../location.ts";

/** TypeScript's types of a browser have none of Trusted Types. */
interface ScriptPolicies {
  createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(input: ""): string };
}

let trusted: string | undefined;

/** The address that the browser may run as a service worker: this one, whatever it is asked (`trusted-types` of the gateway's policy). */
function address(): string {
  const policies = (globalThis as { readonly trustedTypes?: ScriptPolicies }).trustedTypes;
  const createScriptURL = () => `${base}service-worker.js`;
  trusted ??=
    policies?.createPolicy("service-worker", { createScriptURL }).createScriptURL("") ?? createScriptURL();
  return trusted;
}

/** It opens these pages without a network, and shows pushed messages. Rejects where the browser does not want it. */
export async function registerServiceWorker(): Promise<void> {
  await navigator.serviceWorker.register(address(), { scope: base });
}
