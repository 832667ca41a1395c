import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createMemoryTransport, type Route } from "@wellapi/rpc";

/**
 * The network between services that share a process. Services call each other in a circle (audit verifies tokens with
 * identity's keys, identity writes to audit's log), so each gets its transport before all are open. A call to a
 * service that is not open yet is `UNAVAILABLE`, as on a real network.
 */
export interface Switchboard {
  /** Serves routes from now on. */
  mount(routes: readonly Route[]): void;
  /** Calls for a workload, unauthenticated: the interceptors of the called service decide. */
  transport(workload: string): Transport;
}

/** `interceptors` are those of the wire; requested once, at the first call, because they call through here, too. */
export function createSwitchboard(interceptors: () => readonly Interceptor[]): Switchboard {
  const mounted: Route[] = [];
  const open = new Set<string>();
  let list: readonly Interceptor[] | undefined;
  const byWorkload = new Map<string, { routes: number; transport: Transport }>();

  function current(workload: string): Transport {
    const known = byWorkload.get(workload);
    if (known?.routes === mounted.length) return known.transport;
    list ??= interceptors();
    const transport = createMemoryTransport({ routes: [...mounted], interceptors: list, workload });
    byWorkload.set(workload, { routes: mounted.length, transport });
    return transport;
  }

  function assertMounted(typeName: string): void {
    if (!open.has(typeName)) throw new ConnectError(`${typeName} is not open yet`, Code.Unavailable);
  }

  return {
    mount: (routes) => {
      mounted.push(...routes);
      for (const { service } of routes) open.add(service.typeName);
    },
    transport: (workload) => ({
      unary: async (method, ...call) => {
        assertMounted(method.parent.typeName);
        return current(workload).unary(method, ...call);
      },
      stream: async (method, ...call) => {
        assertMounted(method.parent.typeName);
        return current(workload).stream(method, ...call);
      },
    }),
  };
}
