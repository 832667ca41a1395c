import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { DeviceOrder } from "../parts/device-order.tsx";
import { EraseCard } from "../parts/erase-card.tsx";
import { Heading } from "../parts/heading.tsx";

/** What is set elsewhere, and what is set here. */
export function Settings() {
  const { words, record, formats } = usePlace();
  const { settings } = words.places;
  const ways = [
    [hrefOf("notices"), settings.notices, settings.noticesHint],
    ["/account/security", settings.signIn, settings.signInHint],
    ["/account/people", settings.people, settings.peopleHint],
    ["/account/emergency", settings.emergency, settings.emergencyHint],
    ["/account/apps", settings.apps, settings.appsHint],
  ] as const;
  return (
    <>
      <Heading>{settings.title}</Heading>
      <section class="card">
        <ul class="ways">
          {ways.map(([path, label, hint]) => (
            <li key={path}>
              <a href={path}>
                <strong>{label}</strong>
                <span class="quiet small">{hint}</span>
              </a>
            </li>
          ))}
        </ul>
      </section>
      {record.as !== "representative" && <DeviceOrder />}
      <section class="card stack-close">
        <h2>{settings.zone}</h2>
        <p>{settings.zoneLead(formats.zone)}</p>
      </section>
      <section class="card stack-close">
        <h2>{settings.here}</h2>
        <p>{settings.hereLead}</p>
      </section>
      {record.as === "self" && <EraseCard />}
    </>
  );
}
