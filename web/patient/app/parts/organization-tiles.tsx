import { useEffect, useState } from "preact/hooks";
import { type KnownOrganization, organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { type Permission, readCategories } from "../sharing/permission.ts";
import { categoriesText } from "../words/names.ts";
import { Initials } from "./icon.tsx";
import { Standing } from "./organization-name.tsx";

/** By id. */
export type Names = ReadonlyMap<string, KnownOrganization>;

/** Of hundreds of organizations so many are shown, and asked for, at a time. */
export const mostAtOnce = 48;

/** What each organization may do. `names`: of the first `mostAtOnce`. */
export function OrganizationTiles({
  permissions,
  names,
}: {
  readonly permissions: readonly Permission[];
  readonly names: Names;
}) {
  const { words, formats, record } = usePlace();
  const { home } = words;
  const [shown, setShown] = useState(mostAtOnce);
  const [later, setLater] = useState<Names>(new Map());
  const [waiting, setWaiting] = useState(false);
  const left = permissions.length - shown;
  async function name(from: number, to: number): Promise<void> {
    const ids = permissions.slice(from, to).map(({ organization }) => organization);
    const found = await organizationsOf(record.connection, ids);
    setLater((before) => new Map([...before, ...found]));
  }
  // Another permission may have moved one here that has no name yet.
  useEffect(() => void name(mostAtOnce, shown), [permissions]);
  async function showMore(): Promise<void> {
    setWaiting(true);
    await name(shown, shown + mostAtOnce);
    setShown(shown + mostAtOnce);
    setWaiting(false);
  }
  return (
    <>
      <ul class="tiles">
        {permissions.slice(0, shown).map((permission) => (
          <OrganizationTile
            key={permission.organization}
            permission={permission}
            known={names.get(permission.organization) ?? later.get(permission.organization)}
          />
        ))}
      </ul>
      {left > 0 && (
        <button type="button" class="button second" disabled={waiting} onClick={() => void showMore()}>
          {home.showMore(formats.number(left))}
        </button>
      )}
    </>
  );
}

function OrganizationTile(props: {
  readonly permission: Permission;
  readonly known: KnownOrganization | undefined;
}) {
  const { words, formats } = usePlace();
  const { permission, known } = props;
  const { home } = words;
  const { until, contributes } = permission;
  const categories = readCategories(permission);
  const name = known?.name ?? words.common.unknownOrganization;
  return (
    <li class="card tile">
      <Initials name={name} />
      <div class="grow">
        <h3>
          <a class="covers" href={hrefOf(`organizations/${permission.organization}`)}>
            {name}
          </a>{" "}
          {known !== undefined && <Standing known={known} />}
        </h3>
        <p>
          {categories.length === 0
            ? home.nothing
            : `${home.reads}: ${categoriesText(words, formats, categories)}`}
        </p>
        {contributes.length > 0 && (
          <p class="quiet small">
            {home.sends}: {categoriesText(words, formats, contributes)}
          </p>
        )}
        <p class="quiet small">{until === undefined ? home.untilStopped : home.until(formats.day(until))}</p>
      </div>
    </li>
  );
}
