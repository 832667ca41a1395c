/** MongoDB's stand-in, NATS and Valkey, in pods without a proxy, with their own TLS, as in the deployment. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { usersOf } from "../../scripts/manifests/derived.ts";
import { mongodb, mongodbHost, nats, natsHost, valkey, valkeyHost } from "./addresses.ts";
import { createAuthority } from "./authority.ts";
import { openPodNetwork } from "./network.ts";
import { until } from "./patience.ts";
import { start } from "./programs.ts";
import { repository, seen, type World } from "./world.ts";

const publishers = usersOf("events");

export interface DataServers {
  /** The files of the Secrets that a service mounts, by their paths in its pod. */
  readonly mongodbSecret: ReadonlyMap<string, string>;
  /** By the service that has it: NATS knows each by its own certificate. */
  readonly natsSecrets: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly valkeySecret: ReadonlyMap<string, string>;
}

export async function startDataServers({ folder, installed }: World): Promise<DataServers> {
  const authority = await createAuthority("authority of the data servers");
  await Promise.all([startMongodb(), startNats(), startValkey()]);
  const uri = `mongodb://${mongodbHost}:${mongodb.port}/?directConnection=true&tls=true`;
  return {
    mongodbSecret: new Map([
      ["/var/run/wellapi/mongodb/uri", `${uri}&tlsCAFile=/var/run/wellapi/mongodb/ca.crt`],
      ["/var/run/wellapi/mongodb/ca.crt", authority.certificate],
    ]),
    natsSecrets: new Map(
      await Promise.all(publishers.map(async (name) => [name, await natsSecretOf(name)] as const)),
    ),
    valkeySecret: new Map([
      ["/var/run/wellapi/valkey/url", `valkeys://${valkeyHost}:${valkey.port}`],
      ["/var/run/wellapi/valkey/ca.crt", authority.certificate],
    ]),
  };

  async function natsSecretOf(name: string): Promise<ReadonlyMap<string, string>> {
    const client = await authority.issue({ name, hosts: [`${name}.wellapi`] });
    return new Map([
      ["/var/run/wellapi/nats/tls.crt", client.certificate],
      ["/var/run/wellapi/nats/tls.key", client.privateKey],
      ["/var/run/wellapi/nats/ca.crt", authority.certificate],
    ]);
  }

  async function startMongodb(): Promise<void> {
    const { home, certificate, key } = await prepare(mongodb.name, mongodbHost);
    const { command, args } = installed.mongodb;
    openPodNetwork(mongodb);
    start(mongodb.name, {
      pod: mongodb.name,
      command,
      args: [
        ...args,
        ...["--host", "0.0.0.0", "--port", String(mongodb.port), "--storage-path", `${home}/data`],
        ...["--tls-cert-file", certificate, "--tls-key-file", key],
      ],
      cwd: home,
      log: `${folder}/logs/mongodb.log`,
      env: { HOME: home },
    });
    await until("MongoDB listens", 30_000, () => listens(mongodb));
  }

  /** As deploy/nats/values.yaml has it: TLS 1.3, and a client is who its certificate says it is. */
  async function startNats(): Promise<void> {
    const { home, certificate, key } = await prepare(nats.name, natsHost);
    writeFileSync(
      `${home}/nats.conf`,
      [
        `listen: "0.0.0.0:${nats.port}"`,
        `jetstream { store_dir: "${home}/data", sync_interval: always }`,
        `tls { cert_file: "${certificate}", key_file: "${key}", ca_file: "${home}/ca.crt"`,
        '  verify_and_map: true, min_version: "1.3" }',
        "authorization { users: [",
        ...publishers.flatMap((name) => [
          `  { user: "${name}.wellapi", permissions: {`,
          `    publish: ["${name}.>", "$JS.API.>", "$JS.ACK.>"], subscribe: ["_INBOX.>"] } }`,
        ]),
        "] }",
        "",
      ].join("\n"),
    );
    openPodNetwork(nats);
    start(nats.name, {
      pod: nats.name,
      command: installed.nats.command,
      args: [...installed.nats.args, "-c", `${home}/nats.conf`],
      cwd: home,
      log: `${folder}/logs/nats.log`,
      env: { HOME: home },
    });
    await until("NATS listens", 30_000, () => listens(nats));
  }

  /** The wheel's server has no TLS: a program beside it ends the connections (tls-front.ts). */
  async function startValkey(): Promise<void> {
    const { home, certificate, key } = await prepare(valkey.name, valkeyHost);
    const { command, args } = installed.valkey;
    const inner = 6_380;
    openPodNetwork(valkey);
    start(valkey.name, {
      pod: valkey.name,
      command,
      args: [...args, "--port", String(inner), "--bind", "127.0.0.1", "--save", "", "--dir", `${home}/data`],
      cwd: home,
      log: `${folder}/logs/valkey.log`,
      env: { HOME: home },
    });
    start(`TLS of ${valkey.name}`, {
      pod: valkey.name,
      command: seen(process.execPath),
      args: [
        seen(`${repository}test/mesh/tls-front.ts`),
        certificate,
        key,
        String(valkey.port),
        String(inner),
      ],
      cwd: home,
      log: `${folder}/logs/valkey-tls.log`,
      env: { HOME: home },
    });
    await until("Valkey listens", 30_000, () => listens(valkey));
  }

  async function prepare(name: string, host: string) {
    const home = `${folder}/pods/${name}`;
    mkdirSync(`${home}/data`, { recursive: true });
    const { certificate, privateKey } = await authority.issue({ name, hosts: [host] });
    writeFileSync(`${home}/tls.crt`, certificate);
    writeFileSync(`${home}/tls.key`, privateKey, { mode: 0o600 });
    writeFileSync(`${home}/ca.crt`, authority.certificate);
    return { home, certificate: `${home}/tls.crt`, key: `${home}/tls.key` };
  }
}

function listens({ ip, port }: { readonly ip: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, ip);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
