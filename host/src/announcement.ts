import type { Exchange } from "./exchange.ts";

/** The text for the operator once calls are accepted. */
export function announce(exchange: Exchange): string {
  const { grpcUrl, httpUrl, dataDir, operatorKey } = exchange;
  const lines = [
    "",
    "WellAPI accepts calls.",
    `  gRPC door (mTLS)  ${grpcUrl}`,
    `  gateway (HTTP)    ${httpUrl}`,
    ...(exchange.mtlsUrl ? [`  gateway (mTLS)    ${exchange.mtlsUrl}`] : []),
    `  people sign in    ${exchange.origin}/sign-in`,
    `  patients see      ${exchange.origin}/me/`,
    `  developers        ${exchange.origin}/developers/`,
    `  explorer of RPCs  ${exchange.origin}/developers/explorer`,
    `  documentation     ${exchange.origin}/docs/`,
    `  data              ${dataDir}`,
    `  log's public key  ${exchange.verifierKey}`,
  ];
  if (operatorKey) {
    lines.push(
      "",
      "The operator's key, shown this once. Keep it:",
      `  ${operatorKey}`,
      "",
      "A first call, to paste into another terminal:",
      `  WELLAPI_API_KEY=${operatorKey} npx wellapi organization create "Hillside Clinic" --url ${httpUrl}`,
    );
  } else {
    lines.push(
      "",
      "A first call, to paste into another terminal:",
      `  npx wellapi audit checkpoint --url ${httpUrl}`,
    );
  }
  if (exchange.operatorLink) {
    lines.push(
      "",
      "There is no operator with an account yet. The first person who opens this link becomes one, within a day:",
      `  ${exchange.operatorLink}`,
    );
  }
  lines.push("", `Ctrl-C stops it. ${exchange.origin}/docs/guide goes on from here (docs/guide.md).`, "");
  return lines.join("\n");
}

/** The same for programs: one JSON document on one line. */
export function announceJson(exchange: Exchange): string {
  return JSON.stringify({
    grpc: exchange.grpcUrl,
    http: exchange.httpUrl,
    ...(exchange.mtlsUrl ? { mtls: exchange.mtlsUrl } : {}),
    signIn: `${exchange.origin}/sign-in`,
    developers: `${exchange.origin}/developers/`,
    explorer: `${exchange.origin}/developers/explorer`,
    documentation: `${exchange.origin}/docs/`,
    dataDir: exchange.dataDir,
    authority: exchange.authority,
    verifierKey: exchange.verifierKey,
    ...(exchange.operatorKey ? { operatorKey: exchange.operatorKey } : {}),
    ...(exchange.operatorLink ? { operatorLink: exchange.operatorLink } : {}),
  });
}
