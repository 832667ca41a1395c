/** Where a type of FHIR R4 says what searches ask for; of a choice (`onset[x]`) the name without its type. */
export interface SearchElements {
  /** FHIR's search parameter `code`, or what comes nearest. */
  readonly code: readonly string[];
  /** Its clinical date: the first of these that is there. */
  readonly date: readonly string[];
  /** Further dates that it states: a consent's window has to hold them, too. */
  readonly furtherDates: readonly string[];
  readonly status: string;
}

const usual: SearchElements = {
  code: ["code", "type"],
  date: ["effective", "occurrence", "performed", "period", "date", "created", "authoredOn", "recorded"],
  furtherDates: ["issued", "dateAsserted"],
  status: "status",
};

/** FHIR R4's own search parameters (http://hl7.org/fhir/R4/searchparameter-registry.html), by type; else `usual`. */
const byType: Readonly<Record<string, Partial<SearchElements>>> = {
  AllergyIntolerance: {
    code: ["code", "reaction.substance"],
    date: ["recordedDate", "onset", "lastOccurrence"],
    furtherDates: ["reaction.onset"],
    status: "clinicalStatus",
  },
  Appointment: { code: ["serviceType"], date: ["start"], furtherDates: ["end"] },
  CarePlan: { code: ["category"] },
  CareTeam: { code: ["category"] },
  Claim: { date: ["created"], furtherDates: ["billablePeriod"] },
  Communication: { code: ["category"], date: ["sent", "received"] },
  Condition: { date: ["onset", "recordedDate"], furtherDates: ["abatement"], status: "clinicalStatus" },
  DocumentReference: { code: ["type"], furtherDates: ["context.period"] },
  Encounter: { code: ["type"] },
  ExplanationOfBenefit: { date: ["created"], furtherDates: ["billablePeriod"] },
  FamilyMemberHistory: { code: ["condition.code"] },
  Goal: { code: ["description"], date: ["start", "statusDate"], status: "lifecycleStatus" },
  ImagingStudy: { code: ["procedureCode"], date: ["started"] },
  Immunization: { code: ["vaccineCode"], furtherDates: ["recorded"] },
  MedicationAdministration: { code: ["medication"] },
  MedicationDispense: { code: ["medication"], date: ["whenHandedOver", "whenPrepared"] },
  MedicationRequest: { code: ["medication"] },
  MedicationStatement: { code: ["medication"] },
  NutritionOrder: { code: ["oralDiet.type", "supplement.type"], date: ["dateTime"] },
  QuestionnaireResponse: { code: [], date: ["authored"] },
  ServiceRequest: { date: ["authoredOn", "occurrence"] },
  Specimen: { code: ["type"], date: ["collection.collected", "receivedTime"] },
};

/** Of these types nothing is dated: a birth date, for one, is no time at which something was captured. */
const undated: ReadonlySet<string> = new Set([
  ...["Patient", "Person", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization"],
  ...["Location", "HealthcareService", "Device", "Medication", "BodyStructure"],
]);

export function searchElementsOf(type: string): SearchElements {
  let elements = known.get(type);
  if (elements === undefined) {
    elements = elementsOf(type);
    // Types are judged before they are asked about; a stranger's must not fill the memory all the same.
    if (known.size < 1_000) known.set(type, elements);
  }
  return elements;
}

const known = new Map<string, SearchElements>();

function elementsOf(type: string): SearchElements {
  const elements = { ...usual, ...(Object.hasOwn(byType, type) ? byType[type] : undefined) };
  const { date, furtherDates } = elements;
  const dates = undated.has(type)
    ? { date: [], furtherDates: [] }
    : // What comes later in the order of preference is a date that is stated, too.
      { date, furtherDates: [...date, ...furtherDates] };
  return { ...elements, ...dates };
}
