import { tellChange } from "@wellapi/ui/browser/changes";
import { useEffect, useState } from "preact/hooks";
import { keptAnswers, type Standing } from "./kept-answers.ts";

/** Follows what the browser says of its network. What it says is a hint: what counts is whether calls are answered. */
export function followNetwork(): void {
  addEventListener("offline", () => keptAnswers.lost());
  addEventListener("online", () => tellChange());
}

/** Whether the exchange answers this page. */
export function useStanding(): Standing {
  const [standing, setStanding] = useState(keptAnswers.standing);
  useEffect(() => keptAnswers.onStanding(() => setStanding(keptAnswers.standing)), []);
  return standing;
}
