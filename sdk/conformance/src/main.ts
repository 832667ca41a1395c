/**
 * The scripted server for runners in other languages: `node sdk/conformance/src/main.ts` prints a line of JSON with its addresses, the
 * client's certificate and all scenarios, and then answers each line on its input with one on its output, until the input ends:
 *
 *     {"begin": "upload-window"}   ->  {}
 *     {"end": {"answers": [...]}}  ->  {"problems": []}
 */
import { createInterface } from "node:readline";
import { type Json, readScenarios } from "./scenario.ts";
import { openScriptedServer } from "./scripted-server.ts";

type Line = { readonly begin: string } | { readonly end: { readonly [key: string]: Json } };

const scenarios = readScenarios();
const server = await openScriptedServer();
const print = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const { door, gateway, certificate } = server;
print({
  door,
  gateway,
  certificate,
  scenarios: scenarios.map(({ name, over, client }) => ({ name, over, client })),
});
for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text) as Line;
  if ("begin" in line) {
    server.begin(scenarios.find(({ name }) => name === line.begin)!);
    print({});
  } else {
    print({ problems: server.end(line.end) });
  }
}
await server.close();
