/** Ends TLS before a server that has none: node tls-front.ts CERTIFICATE KEY PORT INNER_PORT. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:tls";

const [certificate, key, port, inner] = process.argv.slice(2);

createServer(
  { cert: readFileSync(certificate!), key: readFileSync(key!), minVersion: "TLSv1.3" },
  (outside) => {
    const inside = connect(Number(inner), "127.0.0.1");
    outside.on("error", () => inside.destroy()).pipe(inside);
    inside.on("error", () => outside.destroy()).pipe(outside);
  },
).listen(Number(port), "0.0.0.0");
