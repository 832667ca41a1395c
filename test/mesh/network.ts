/**
 * The laboratory's own world: this process is already in mount, network and process namespaces that go with it
 * (main.ts), so nothing made here is seen outside, and nothing is left where the laboratory is killed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { edge, edgeIp, hostsFile, hubIp } from "./addresses.ts";
import { run } from "./programs.ts";

const bridge = "br0";

/** A bridge in the hub, names instead of DNS, and the edge's load balancer. */
export function openHub(folder: string): void {
  mkdirSync("/run/netns", { recursive: true });
  run("mount", "-t", "tmpfs", "tmpfs", "/run/netns");
  writeFileSync(`${folder}/hosts`, hostsFile());
  // A port where nothing listens refuses at once. A server that never answers would cost every look-up seconds.
  writeFileSync(`${folder}/resolv.conf`, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  run("mount", "--bind", `${folder}/hosts`, "/etc/hosts");
  run("mount", "--bind", `${folder}/resolv.conf`, "/etc/resolv.conf");
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", bridge, "type", "bridge");
  run("ip", "addr", "add", `${hubIp}/16`, "dev", bridge);
  run("ip", "link", "set", bridge, "up");
  const nat = ["-t", "nat", "-A", "OUTPUT", "-d", edgeIp, "-p", "tcp", "--dport", "443"];
  run("iptables", ...nat, "-j", "DNAT", "--to-destination", `${edge.ip}:8443`);
}

/** A network namespace of this name, on the bridge. */
export function openPodNetwork({ name, ip }: { readonly name: string; readonly ip: string }): void {
  run("ip", "netns", "add", name);
  run("ip", "link", "add", `v-${name}`, "type", "veth", "peer", "name", "eth0", "netns", name);
  run("ip", "link", "set", `v-${name}`, "master", bridge, "up");
  run("ip", "-n", name, "link", "set", "lo", "up");
  run("ip", "-n", name, "addr", "add", `${ip}/16`, "dev", "eth0");
  run("ip", "-n", name, "link", "set", "eth0", "up");
  run("ip", "-n", name, "route", "add", "default", "via", hubIp);
}
