import { type Command, Option } from "commander";
import type { Io } from "../io.ts";

export function addServe(program: Command, io: Io): void {
  program
    .command("serve")
    .description("run one service of a mesh in this process, over MongoDB and NATS")
    .argument("<service>", "which one; a name that is none lists them")
    .addOption(new Option("--attached", "stop when standard input ends").default(false).hideHelp())
    .addHelpText(
      "after",
      `
Example: WELLAPI_MONGODB_URI=mongodb://localhost WELLAPI_MASTER_KEY_FILE=./keys/master.key wellapi serve records

Settings are in host/README.md.`,
    )
    .action(async (service: string, options: { attached: boolean }) => {
      const { runService } = await import("@wellapi/host/mesh");
      io.exitCode = await runService({ service, env: io.env, attached: options.attached });
    });
}

export function addStartMesh(program: Command, io: Io): void {
  program
    .command("start-mesh")
    .description("run each service as a process of its own on this machine, over MongoDB and NATS")
    .option("--json", "print one JSON document once calls are accepted", false)
    .addHelpText(
      "after",
      `
Example: WELLAPI_DATA_DIR=./data-mesh WELLAPI_HTTP_PORT=8080 wellapi start-mesh

Takes the settings of \`wellapi start\` (WELLAPI_DATA_DIR is ./data-mesh here), and WELLAPI_MONGODB_URI and
WELLAPI_NATS_URL (else servers of its own, installed into .tools with Python), WELLAPI_WORKLOAD_CERT_MS (3600000).`,
    )
    .action(async (options: { json: boolean }) => {
      const { runMesh } = await import("@wellapi/host/mesh-launcher");
      io.exitCode = await runMesh({ env: io.env, json: options.json });
    });
}
