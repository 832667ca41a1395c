import { type ServiceName, serviceNames } from "../services.ts";

/** One process of a mesh. */
export interface Member {
  /** `records`; from the second replica on `records-2`. Also the name of its folder and certificate. */
  readonly name: string;
  readonly service: ServiceName;
  /** From 1. */
  readonly replica: number;
}

/** Every process, services in their usual order. */
export function membersOf(replicas: ReadonlyMap<ServiceName, number>): readonly Member[] {
  return serviceNames.flatMap((service) =>
    Array.from({ length: replicas.get(service) ?? 1 }, (_, index) => memberOf(service, index + 1)),
  );
}

export function memberOf(service: ServiceName, replica: number): Member {
  return { name: replica === 1 ? service : `${service}-${replica}`, service, replica };
}
