/** What the laboratory needs of the machine and cannot bring itself. */
import { spawnSync } from "node:child_process";

const packages: Readonly<Record<string, string>> = {
  ip: "iproute2",
  iptables: "iptables",
  mount: "mount",
  setpriv: "util-linux",
  unshare: "util-linux",
};

/** One line that says what is missing and how to get it. Undefined: nothing is. */
export function missing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's: run it on a Linux machine";
  if (process.getuid?.() !== 0) {
    return "network namespaces and traffic capture need root: run 'sudo make mesh-lab'";
  }
  const absent = Object.keys(packages).filter((command) => !found(command));
  if (absent.length === 0) return undefined;
  const names = [...new Set(absent.map((command) => packages[command]))].join(" ");
  return `${absent.join(" and ")} not found: install it, for example with 'apt-get install ${names}'`;
}

function found(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}
