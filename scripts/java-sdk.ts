/**
 * Builds sdk/java: `node scripts/java-sdk.ts` compiles what the tests run, `node scripts/java-sdk.ts install` makes the jar, prints its
 * path, and puts it into Maven's local repository. The messages and stubs are generated from proto/ into the build, never into the
 * checkout (docs/decisions/0085). Needs a JDK and Maven; Maven fetches libraries and plugins into .tools/ the first time.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateContracts, publicContracts, releasedContracts, run } from "./client-contracts.ts";
import { currentVersion } from "./release/versions.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sdk = join(root, "sdk/java");
const ownIn = (folder: string): string => join(folder, "sdk/java/src/main/java");

/** What runs it beside the library: compiled along, and not in the jar. */
const programs = ["sdk/java/tests", "sdk/java/examples", "sdk/conformance", "bench/sdk"];

/** Its classes, those of its tests, and the libraries: a class path. Built once for what the sources are. */
export function compileJavaSdk(): string {
  const libraries = fetchLibraries();
  const sources = programs.flatMap((folder) => globSync(`${folder}/*.java`, { cwd: root }));
  const classes = join(
    root,
    ".tools/java-sdk",
    digestOf([...globSync("proto/**/*.proto", { cwd: root }), ...sources]),
  );
  if (!existsSync(classes)) {
    const earlier = globSync(join(root, ".tools/java-sdk/*"));
    const further = sources.map((file) => join(root, file));
    compile({ libraries, own: ownIn(root), contracts: publicContracts, further, classes, whole: false });
    for (const one of earlier) rmSync(one, { recursive: true, force: true });
  }
  return [classes, join(libraries, "lib/*")].join(delimiter);
}

/**
 * As `compileJavaSdk`, of a release: `folder` from `unpackClients`, `contracts` its image. With the third-party libraries that this
 * checkout has.
 */
export function compileReleasedJavaSdk(folder: string, contracts: string): string {
  const libraries = fetchLibraries();
  const classes = join(folder, "java-classes");
  const further = ["sdk/java/tests", "sdk/java/examples"].flatMap((part) =>
    globSync(join(folder, part, "*.java")),
  );
  const input = releasedContracts(contracts);
  if (!existsSync(classes)) {
    compile({ libraries, own: ownIn(folder), contracts: input, further, classes, whole: false });
  }
  return [classes, join(libraries, "lib/*")].join(delimiter);
}

/** Makes the jar in the folder; its path. */
function packageJavaSdk(folder: string): string {
  const classes = join(tmpdir(), `wellapi-java-classes-${process.pid}`);
  const jar = join(folder, `wellapi-${currentVersion()}.jar`);
  try {
    compile({
      libraries: fetchLibraries(),
      own: ownIn(root),
      contracts: publicContracts,
      further: [],
      classes,
      whole: true,
    });
    mkdirSync(folder, { recursive: true });
    run("jar", ["--create", "--file", jar, "-C", classes, ".", "-C", root, "LICENSE"], root);
    return jar;
  } finally {
    rmSync(classes, { recursive: true, force: true });
  }
}

/** The folder with `lib` and `tools`, for the pom as it is. */
function fetchLibraries(): string {
  const folder = join(root, ".tools", `java-libraries-${digestOf([])}`);
  if (existsSync(folder)) return folder;
  const fetched = `${folder}.${process.pid}`;
  const os = `linux-${process.arch === "arm64" ? "aarch_64" : "x86_64"}`;
  const into = [`-Dlib=${join(fetched, "lib")}`, `-Dtools=${join(fetched, "tools")}`, `-Dos=${os}`];
  run("mvn", ["-q", "-B", "-f", join(sdk, "pom.xml"), "-P", "tools", "initialize", ...into], root);
  for (const tool of globSync(join(fetched, "tools/*"))) chmodSync(tool, 0o755);
  if (!existsSync(folder)) renameSync(fetched, folder);
  rmSync(fetched, { recursive: true, force: true });
  return folder;
}

interface Compilation {
  readonly libraries: string;
  /** The folder of the library's sources. */
  readonly own: string;
  /** An input of buf. */
  readonly contracts: object;
  readonly further: readonly string[];
  /** The folder that is made. */
  readonly classes: string;
  /** All that is generated; else what the sources need: a fifth of the contracts' classes, and of the time. */
  readonly whole: boolean;
}

/** Generates, and compiles the library and the further sources. */
function compile({ libraries, own, contracts, further, classes, whole }: Compilation): void {
  // Of this process: another may build the same.
  const generated = `${classes}.${process.pid}.generated`;
  const unfinished = `${classes}.${process.pid}`;
  try {
    generateContracts(
      [contracts],
      [
        { protoc_builtin: "java", protoc_path: join(libraries, "tools/protoc.exe"), out: generated },
        {
          local: join(libraries, "tools/protoc-gen-grpc-java.exe"),
          out: generated,
          opt: ["@generated=omit"],
        },
      ],
    );
    const sources = globSync(`${own}/**/*.java`);
    if (whole) sources.push(...globSync(`${generated}/**/*.java`));
    mkdirSync(unfinished, { recursive: true });
    // The start of a compiler's life is most of it here: its own code is compiled quickly, not well.
    const quick = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC"];
    const strict = [
      "--release",
      "17",
      "-encoding",
      "UTF-8",
      "-proc:none",
      "-Xlint:all,-processing",
      "-Werror",
    ];
    const generatedIsNotOurs = whole ? ["-Xlint:none"] : [];
    const path = [
      "-sourcepath",
      `${own}${delimiter}${generated}`,
      "-implicit:class",
      "-cp",
      join(libraries, "lib/*"),
    ];
    const all = [
      ...quick,
      ...strict,
      ...generatedIsNotOurs,
      ...path,
      "-d",
      unfinished,
      ...sources,
      ...further,
    ];
    run("javac", all, root);
    if (!existsSync(classes)) renameSync(unfinished, classes);
  } finally {
    rmSync(generated, { recursive: true, force: true });
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Of the library, how it is built, and these files of the checkout. */
function digestOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  const sources =
    files.length === 0 ? [] : [...globSync("sdk/java/src/**/*.java", { cwd: root }), "scripts/java-sdk.ts"];
  for (const file of ["sdk/java/pom.xml", ...sources, ...files].sort()) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

if (import.meta.main) {
  if (process.argv[2] === "install") {
    const jar = packageJavaSdk(join(sdk, "dist"));
    const goal = "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file";
    run("mvn", ["-q", "-B", goal, `-Dfile=${jar}`, `-DpomFile=${join(sdk, "pom.xml")}`], root);
    process.stdout.write(`${jar}\n`);
  } else {
    process.stdout.write(`${compileJavaSdk()}\n`);
  }
}
