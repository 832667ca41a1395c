/** What is refused, in one process; mesh.it.test.ts has the same in a mesh. */
import { describeRefusals } from "./refused.ts";
import { inOneProcess } from "./world.ts";

inOneProcess(describeRefusals);
