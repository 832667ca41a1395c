import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import * as oauth from "openid-client";
import { CliError } from "./failure.ts";

/** The public client that every installation has for its command line (RFC 6749, section 2.1). */
const clientId = "wellapi-cli";
/** A token that ends sooner than this is renewed before it is used, milliseconds. */
const renewBeforeMs = 30_000;

/** Somebody's sign-in at one exchange, as it lies in a file of their own. */
interface Login {
  readonly url: string;
  readonly accessToken: string;
  /** UTC milliseconds. */
  readonly expireTime: number;
  readonly refreshToken?: string;
}

/** What a person does in a browser, on any device (RFC 8628, section 3.2). */
export interface DeviceCode {
  readonly userCode: string;
  readonly verificationUri: string;
  /** With the code in it. */
  readonly completeUri: string | undefined;
  readonly expiresInSeconds: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Signs in by the device flow, and keeps the tokens in a file that only this user can read. */
export async function logIn(options: {
  readonly url: string;
  readonly scope: string;
  readonly env: Env;
  readonly show: (code: DeviceCode) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { url, scope, env, show, signal } = options;
  const config = await discover(url);
  const device = await said(() => oauth.initiateDeviceAuthorization(config, { scope }));
  show({
    userCode: device.user_code,
    verificationUri: device.verification_uri,
    completeUri: device.verification_uri_complete,
    expiresInSeconds: device.expires_in,
  });
  const tokens = await said(() => oauth.pollDeviceAuthorizationGrant(config, device, undefined, { signal }));
  write(fileOf(url, env), loginOf(url, tokens));
}

/** Ends the sign-in at the exchange, and deletes its file. False where there was none. */
export async function logOut(url: string, env: Env): Promise<boolean> {
  const file = fileOf(url, env);
  const login = read(file);
  if (login === undefined) return false;
  const config = await discover(url);
  await said(() => oauth.tokenRevocation(config, login.refreshToken ?? login.accessToken));
  rmSync(file, { force: true });
  return true;
}

/** The access token of the sign-in at `url`, renewed where it is about to end. Undefined: nobody is signed in. */
export async function loggedIn(url: string, env: Env): Promise<string | undefined> {
  const file = fileOf(url, env);
  const login = read(file);
  if (login === undefined) return undefined;
  if (login.expireTime - Date.now() > renewBeforeMs) return login.accessToken;
  const { refreshToken } = login;
  if (refreshToken === undefined) throw signInAgain();
  const config = await discover(url);
  try {
    const renewed = loginOf(url, await oauth.refreshTokenGrant(config, refreshToken));
    write(file, { refreshToken, ...renewed });
    return renewed.accessToken;
  } catch (error) {
    if (!(error instanceof oauth.ResponseBodyError)) throw unreachable(url, error);
    // Another command has renewed it in the meantime, and its tokens are in the file.
    const now = read(file);
    if (now !== undefined && now.refreshToken !== refreshToken) return now.accessToken;
    if (error.error === "invalid_grant") rmSync(file, { force: true });
    throw signInAgain(error);
  }
}

function signInAgain(cause?: unknown): CliError {
  return new CliError("usage", "the sign-in has ended: sign in again with `wellapi login`", { cause });
}

function unreachable(url: string, cause: unknown): CliError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CliError("cut", `${url} cannot be asked for tokens (${why}): is it the exchange's address?`, {
    cause,
  });
}

/** What the exchange answers to a sign-in that cannot go on, as a failure of the command. */
async function said<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof oauth.ResponseBodyError)) throw error;
    const { error: code, error_description: description } = error;
    const text =
      code === "access_denied"
        ? "the sign-in was refused in the browser"
        : code === "expired_token"
          ? "the code has expired: run the command again"
          : `the sign-in failed: ${description ?? code}`;
    throw new CliError("verification", text, { cause: error });
  }
}

async function discover(url: string): Promise<oauth.Configuration> {
  const server = new URL(url);
  // Without TLS to this machine alone: a token must not travel readable.
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(server.hostname);
  const insecure = server.protocol === "http:" && local;
  if (server.protocol === "http:" && !local) {
    throw new CliError("usage", `${url} is not https: tokens are not sent to another machine in clear text`);
  }
  try {
    return await oauth.discovery(server, clientId, undefined, oauth.None(), {
      ...(insecure && { execute: [oauth.allowInsecureRequests] }),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
}

function loginOf(url: string, tokens: Awaited<ReturnType<typeof oauth.refreshTokenGrant>>): Login {
  const { access_token: accessToken, refresh_token: refreshToken } = tokens;
  return {
    url,
    accessToken,
    expireTime: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
    ...(refreshToken !== undefined && { refreshToken }),
  };
}

/** One file an exchange, in the user's configuration folder (XDG Base Directory). */
function fileOf(url: string, env: Env): string {
  const base = env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), ".config");
  const name = createHash("sha256").update(new URL(url).origin).digest("hex").slice(0, 16);
  return join(base, "wellapi", "logins", `${name}.json`);
}

function read(file: string): Login | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Login;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CliError(
      "input",
      `${file} cannot be read: delete it, and sign in again with \`wellapi login\``,
      {
        cause: error,
      },
    );
  }
}

/** Whole or not at all: commands may run side by side. */
function write(file: string, login: Login): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.${randomUUID()}`;
  writeFileSync(part, JSON.stringify(login), { mode: 0o600 });
  renameSync(part, file);
}
