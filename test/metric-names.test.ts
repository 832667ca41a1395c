/**
 * What is scaled by and alerted on exists: every name in an expression is a series that the code exports, as Prometheus
 * names it. What a name means over time is tested with a mesh (signals.it.test.ts).
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parser } from "@prometheus-io/lezer-promql";
import { instruments, seriesAttributes } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { escaped, seriesOf } from "../scripts/manifests/prometheus-names.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = (path: string) => readFileSync(`${root}${path}`, "utf8");

const series = new Set(Object.values(instruments).flatMap(seriesOf));
/** Attributes of the RPC metrics, of the others, and what Prometheus makes of the resource. */
const labels = new Set([
  ...["rpc.method", "rpc.system.name", "rpc.response.status_code", "error.type", "wellapi.reason"].map(
    escaped,
  ),
  ...Object.values(seriesAttributes).map(escaped),
  ...["job", "instance", "le", "k8s_namespace_name", "k8s_pod_name"],
]);

/** Every mistake in an expression of PromQL. */
function mistakes(expression: string): string[] {
  const found: string[] = [];
  const metrics: string[] = [];
  parser.parse(expression).iterate({
    enter(node) {
      const said = expression.slice(node.from, node.to);
      if (node.type.isError) found.push(`not PromQL at ${node.from}: ${expression.slice(node.from)}`);
      if (node.name === "VectorSelector") metrics.push(said.split("{")[0]!.trim());
      if (node.name === "LabelName" && !labels.has(said)) found.push(`no label ${said}`);
    },
  });
  for (const metric of metrics) if (!series.has(metric)) found.push(`no series ${metric}`);
  if (metrics.length === 0) found.push("no series at all");
  return found;
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}
const { groups } = parse(text("deploy/metrics/alerts.yaml")).spec as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);

/** All code that can say a reason. */
const code = ["packages", "services"]
  .flatMap((folder) => readdirSync(`${root}${folder}`).map((name) => `${folder}/${name}/src`))
  .flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true }).map((file) => `${folder}/${file}`),
  )
  .filter((file) => file.endsWith(".ts"))
  .map(text)
  .join("\n");

describe("an expression with a mistake is found:", () => {
  test.each([
    ["a metric that nobody exports", "wellapi_open_streams > 1", "no series wellapi_open_streams"],
    ["a metric without its unit", "wellapi_outbox_age > 1", "no series wellapi_outbox_age"],
    ["a counter without its suffix", "rate(wellapi_rpc_server_refused_calls[5m])", /no series/],
    ["a label that no series has", 'wellapi_outbox_waiting{kind="events"}', "no label kind"],
    ["a label to sum by", "sum by (service) (wellapi_events_lag)", "no label service"],
    ["what is not PromQL", "sum by (job (wellapi_events_lag)", /not PromQL/],
    ["a number", "1 > 0", "no series at all"],
  ])("%s", (_name, expression, mistake) => {
    expect(mistakes(expression)[0]).toMatch(mistake);
  });
});

describe("the alert", () => {
  test.each(alerts.map((alert) => [alert.alert, alert] as const))(
    "%s is about what is exported",
    (_, alert) => {
      expect(mistakes(alert.expr)).toEqual([]);
      expect(Object.keys(alert).sort()).toEqual(["alert", "annotations", "expr", "for", "labels"]);
      expect(alert.for).toMatch(/^\d+m$/);
      expect(["page", "ticket"]).toContain(alert.labels.severity);
      for (const [, reason] of alert.expr.matchAll(/wellapi_reason="(\w+)"/g)) {
        expect(code).toContain(`"${reason}"`);
      }
    },
  );

  test("names are each explained to whoever is on duty, and nothing else is", () => {
    const explained = [...text("docs/operations.md").matchAll(/^### (Wellapi\w+)$/gm)].map(
      ([, name]) => name,
    );
    expect(explained.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  });
});

test("what the replicas are scaled by is a metric of the adapter's, made of what is exported", () => {
  const { rules } = parse(text("deploy/metrics/prometheus-adapter.yaml")) as {
    rules: {
      custom: {
        seriesQuery: string;
        metricsQuery: string;
        name: { as: string };
        resources: { overrides: Record<string, { resource: string }> };
      }[];
    };
  };
  for (const { seriesQuery, resources, metricsQuery } of rules.custom) {
    expect(mistakes(seriesQuery)).toEqual([]);
    const filled = metricsQuery
      .replace("<<.Series>>", seriesQuery.split("{")[0]!)
      .replace("<<.LabelMatchers>>", 'k8s_pod_name=~"a|b"')
      .replace("<<.GroupBy>>", "k8s_pod_name");
    expect(mistakes(filled)).toEqual([]);
    // Resources are found by labels, and the labels are what each pod says of itself.
    const pod = text("deploy/kubernetes/base/patches/pod.yaml");
    for (const [label, { resource }] of Object.entries(resources.overrides)) {
      expect(labels).toContain(label);
      expect(pod).toContain(`k8s.${resource}.name=$(`);
      expect(label).toBe(escaped(`k8s.${resource}.name`));
    }
  }
  const named = rules.custom.map(({ name }) => name.as);
  const asked = parseAllDocuments(text("deploy/kubernetes/base/patches/open-streams.yaml"))
    .flatMap((document) => document.toJS() as { value: { pods: { metric: { name: string } } } }[])
    .map(({ value }) => value.pods.metric.name);
  expect(asked).toEqual(named);
});
