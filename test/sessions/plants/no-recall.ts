/** A consent service that revokes and tells nobody. */
import { Recalls } from "../../../services/consent/src/recall.ts";

Recalls.prototype.recall = async () => {};
