/** What runs as a process of its own. The gateway is both edges: the HTTP gateway and the providers' gRPC door. */
export const serviceNames = [
  "keys",
  "audit",
  "identity",
  "consent",
  "records",
  "ingestion",
  "gateway",
] as const;

export type ServiceName = (typeof serviceNames)[number];

export function isServiceName(name: string): name is ServiceName {
  return (serviceNames as readonly string[]).includes(name);
}

/**
 * The service that serves the contract: `wellapi.<service>.v1.<Name>`, or `wellapi.internal.<service>.v1.<Name>`. What can
 * be stored (`wellapi.terminology`) ingestion tells, which judges by it.
 */
export function serviceOf(typeName: string): ServiceName | undefined {
  const area = /^wellapi\.(?:internal\.)?([a-z]+)\.v\d+\./.exec(typeName)?.[1];
  const name = area === "terminology" ? "ingestion" : area;
  return name !== undefined && isServiceName(name) ? name : undefined;
}
