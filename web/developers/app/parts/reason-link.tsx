import { usePlace } from "../context.ts";

/** A reason, which leads to what it means and what to do. */
export function ReasonLink({ reason }: { readonly reason: string }) {
  const { words } = usePlace();
  if (reason === "") return <>{words.usage.otherReasons}</>;
  return <a href={`/docs/reasons#${reason.toLowerCase()}`}>{reason}</a>;
}
