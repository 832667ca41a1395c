import { readFileSync } from "node:fs";
import { connect, createClient, readSeries, samplesOf } from "@wellapi/client";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

const [folder, patient = "", url = "https://localhost:7443"] = process.argv.slice(2);
const pem = (name: string) => readFileSync(`${folder}/${name}.pem`, "utf8");
const clinic = connect({ url, certificate: { cert: pem("cert"), key: pem("key"), ca: pem("ca") } });
const query = { patient, code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
for await (const run of readSeries(createClient(RecordsService, clinic), query)) {
  for (const { timeMs, value, unit } of samplesOf(run)) {
    console.log(new Date(timeMs).toISOString(), value, unit);
  }
}
clinic.close();
