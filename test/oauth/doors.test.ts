/** What tokens reach at the doors of one process; mesh.it.test.ts has the same in a mesh. */
import { describeDoors } from "./doors.ts";
import { inOneProcess } from "./world.ts";

inOneProcess(describeDoors);
