import { createRegistry } from "@wellapi/service";
import * as listed from "./listed-services.ts";

type Listed = (typeof listed)[keyof typeof listed];

/** The services that run as separate processes in a mesh. */
export type ServiceName = Listed["name"];

export const services = createRegistry(Object.values(listed));

/** In the order of a start. */
export const serviceNames = services.names as readonly ServiceName[];

export function isServiceName(name: string): name is ServiceName {
  return services.names.includes(name);
}
