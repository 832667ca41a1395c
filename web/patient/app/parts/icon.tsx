/** Drawings of 24 by 24. They say nothing that the text beside them does not. */
const paths: Readonly<Record<string, string>> = {
  heart: "M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.4 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z",
  activity: "M3 12h4l3-7 4 14 3-7h4",
  sleep: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
  body: "M12 3a2.2 2.2 0 1 1 0 4.4A2.2 2.2 0 0 1 12 3zM5.5 10c2 .8 4.200 1.200 6.500 1.200s4.500-.4 6.500-1.200M12 11v4m0 0l-3 6m3-6l3 6",
  glucose:
    "M12 3.500c3 3.800 5.500 6.800 5.500 10.200a5.500 5.500 0 0 1-11 0c0-3.400 2.500-6.400 5.500-10.200z",
  blood_pressure: "M12 21a8 8 0 1 1 8-8M12 13l4-4M20 21l-2.500-5",
  respiratory: "M12 4v8M12 12c0 6-1 8-4 8s-4-2-4-6 2-7 4-7 2 2 2 5M12 12c0 6 1 8 4 8s4-2 4-6-2-7-4-7-2 2-2 5",
  temperature: "M10 14V5a2 2 0 1 1 4 0v9a4 4 0 1 1-4 0z",
  wellbeing:
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM8.500 14.500c1 1.500 2.200 2 3.500 2s2.500-.5 3.500-2M9 9.500v.5M15 9.500v.5",
  other: "M7 3.500h7l4 4v13H7zM14 3.500v4h4M10 12h5M10 16h5",
};

export function CategoryIcon({ category }: { readonly category: string }) {
  return (
    <span class="symbol" aria-hidden="true">
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: it is hidden, and says nothing of its own */}
      <svg viewBox="0 0 24 24" width="22" height="22" focusable="false">
        <path d={paths[category] ?? paths.other} />
      </svg>
    </span>
  );
}

/** The first letters of a name, where there is no picture. */
export function Initials({ name }: { readonly name: string }) {
  const letters = name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .filter((letter) => /\p{L}|\p{N}/u.test(letter))
    .slice(0, 2)
    .join("")
    .toUpperCase();
  return (
    <span class="symbol initials" aria-hidden="true">
      {letters === "" ? "?" : letters}
    </span>
  );
}
