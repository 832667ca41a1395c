import { Mask, type Provision } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { ConsentRequest } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import type { KnownOrganization } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import {
  masksOf,
  type Choice as RequestChoice,
  resolutionsOf,
  shorterDays,
  sourcesOf,
} from "../sharing/request-choice.ts";
import { categoryName, methodsText } from "../words/names.ts";

/** By id, who may send data, and whose data is asked for. */
export type Senders = ReadonlyMap<string, KnownOrganization>;

interface Terms {
  readonly request: ConsentRequest;
  readonly senders: Senders;
  readonly choice: RequestChoice;
  readonly onChoice: (choice: RequestChoice) => void;
}

/** What was asked for, as fields that only take away. */
export function RequestTerms({ request, senders, choice, onChoice }: Terms) {
  const { words, formats } = usePlace();
  const { requests, home } = words;
  const shorter = shorterDays(request, Date.now());
  const notice = request.notice?.uri ?? "";
  return (
    <>
      <p class="small quiet">{requests.wantsHint}</p>
      {request.provisions.map((provision, at) => (
        <ProvisionFields
          key={at}
          at={at}
          provision={provision}
          senders={senders}
          choice={choice}
          onChoice={onChoice}
        />
      ))}
      <Choice
        id="days"
        label={requests.until}
        value={String(choice.days ?? "")}
        options={[
          ...shorter.map((days) => [String(days), requests.days(days)] as const),
          ["", requests.untilDay(formats.day(msOf(request.validity?.endTime)))],
        ]}
        onChange={(days) => onChoice({ ...choice, days: days === "" ? undefined : Number(days) })}
      />
      {notice !== "" && (
        <p class="small">
          <a href={notice} rel="noreferrer" target="_blank">
            {home.readNotice}
          </a>
        </p>
      )}
    </>
  );
}

interface Fields extends Omit<Terms, "request"> {
  /** Absent: what the organization wants. */
  readonly legend?: string;
  readonly at: number;
  readonly provision: Provision;
}

/** What is given of one provision. */
export function ProvisionFields(props: Fields) {
  const { words, formats } = usePlace();
  const { requests, home } = words;
  const { at, provision, choice, onChoice } = props;
  const chosen = choice.categories[at]!;
  const finenesses = resolutionsOf(provision, choice.masks[at]!);
  const purposes = provision.purposes.flatMap((purpose) => home.purposes[purpose] ?? []);
  function tick(name: string, on: boolean): void {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    onChoice({ ...choice, categories: choice.categories.map((one, i) => (i === at ? next : one)) });
  }
  return (
    <fieldset class="stack-close">
      <legend>{props.legend ?? directionText()}</legend>
      {provision.categories.map(({ name }) => (
        <div class="tick" key={name}>
          <input
            id={`category-${at}-${name}`}
            type="checkbox"
            checked={chosen.has(name)}
            onChange={(event) => tick(name, event.currentTarget.checked)}
          />
          <label for={`category-${at}-${name}`}>{categoryName(words, name)}</label>
        </div>
      ))}
      {finenesses.length > 0 && (
        <div class="field">
          <label for={`fine-${at}`}>{requests.fineness}</label>
          <select
            id={`fine-${at}`}
            value={choice.resolutions[at]}
            onChange={({ currentTarget: { value } }) =>
              onChoice({
                ...choice,
                resolutions: choice.resolutions.map((one, i) => (i === at ? Number(value) : one)),
              })
            }
          >
            {finenesses.map((one) => (
              <option key={one} value={one}>
                {home.resolutions[one]}
              </option>
            ))}
          </select>
        </div>
      )}
      <SourceField {...props} />
      <MaskFields {...props} />
      {purposes.length > 0 && (
        <p class="small">
          {requests.purposes}: {formats.list(purposes)}
        </p>
      )}
    </fieldset>
  );

  function directionText(): string {
    const reads = provision.directions.includes(Direction.READ);
    const sends = provision.directions.includes(Direction.CONTRIBUTE);
    if (reads && sends) return requests.both;
    return reads ? requests.read : requests.send;
  }
}

/** What is left out: what was not asked for anyway, and what the patient takes out. */
function MaskFields({ at, provision, choice, onChoice }: Fields) {
  const { requests, home } = usePlace().words;
  const left = provision.masks.flatMap((mask) => home.masks[mask] ?? []);
  function tick(mask: Mask, on: boolean): void {
    const next = new Set(choice.masks[at]);
    if (on) next.add(mask);
    else next.delete(mask);
    onChoice({ ...choice, masks: choice.masks.map((one, i) => (i === at ? next : one)) });
  }
  return (
    <>
      {left.length > 0 && <p class="small">{left.join(", ")}</p>}
      {masksOf(provision, choice.resolutions[at]!).map((mask) => (
        <div class="tick" key={mask}>
          <input
            id={`mask-${at}-${mask}`}
            type="checkbox"
            checked={choice.masks[at]!.has(mask)}
            onChange={(event) => tick(mask, event.currentTarget.checked)}
          />
          <label for={`mask-${at}-${mask}`}>{requests.leaveOut[mask]}</label>
        </div>
      ))}
      {choice.masks[at]!.has(Mask.DEVICE) && <p class="small">{requests.deviceHint}</p>}
    </>
  );
}

/** Whose data: as it was asked for, or that of one sender. */
function SourceField({ at, provision, senders, choice, onChoice }: Fields) {
  const { words, formats } = usePlace();
  const { requests, home, common } = words;
  const nameOf = (id: string) => senders.get(id)?.name ?? common.unknownOrganization;
  const { organizations = [], devices = [] } = provision.sources ?? {};
  const names = [
    ...organizations.map(nameOf),
    ...devices.map(({ organization }) => words.sources.someDevice(nameOf(organization))),
  ];
  const offered = sourcesOf(provision, [...senders.keys()]);
  const all = names.length > 0 ? home.onlyFrom(formats.list([...new Set(names)])) : requests.everyone;
  const { methods = [] } = provision.sources ?? {};
  const ways = methods.length > 0 && <p class="small">{methodsText(words, methods)}</p>;
  if (offered.length === 0) {
    return (
      <>
        {names.length > 0 && <p class="small">{all}</p>}
        {ways}
      </>
    );
  }
  return (
    <div class="field">
      {ways}
      <label for={`source-${at}`}>{requests.whose}</label>
      <select
        id={`source-${at}`}
        value={choice.sources[at] ?? ""}
        onChange={({ currentTarget: { value } }) =>
          onChoice({
            ...choice,
            sources: choice.sources.map((one, i) => (i === at ? value || undefined : one)),
          })
        }
      >
        <option value="">{all}</option>
        {offered.map((id) => (
          <option key={id} value={id}>
            {home.onlyFrom(nameOf(id))}
          </option>
        ))}
      </select>
    </div>
  );
}
