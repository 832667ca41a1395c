/** HTTP surfaces that no installation has: a small REST read of a patient, and one of their heart rates. For tests. */
import { createClient } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Surface } from "@wellapi/http";

interface Named {
  readonly Params: { readonly patient: string };
}

/** Of identity: a patient, as JSON. */
export const patientSurface: Surface = {
  name: "test-patients",
  paths: ["/test/patients/"],
  methods: ["GET"],
  mount(app, context) {
    app.get<Named>("/test/patients/:patient", async (request) => {
      const patients = createClient(PatientService, context.as(request));
      const { patient } = await patients.getPatient({ patient: request.params.patient });
      return { id: patient?.id, name: patient?.displayName };
    });
  },
};

/** Of records: heart rates, as JSON; and what is identity's, for which the contract names no surface of records. */
export const heartSurface: Surface = {
  name: "test-heart",
  paths: ["/test/heart/"],
  methods: ["GET"],
  mount(app, context) {
    app.get<Named>("/test/heart/:patient", async (request) => {
      const records = createClient(RecordsService, context.as(request));
      const { patient } = request.params;
      const answer = await records.querySeries({
        patient,
        code: { code: "8867-4" },
        purpose: Purpose.TREATMENT,
      });
      const samples = answer.series.flatMap(({ series }) =>
        series?.values.case === "decimals" ? series.values.value.mantissas.map(Number) : [],
      );
      return { access: answer.access, samples };
    });
    app.get<Named>("/test/heart/:patient/name", async (request) => {
      const patients = createClient(PatientService, context.as(request));
      const { patient } = await patients.getPatient({ patient: request.params.patient });
      return { name: patient?.displayName };
    });
  },
};
