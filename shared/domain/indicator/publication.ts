/** A snapshot as it was published. Ordinals rise with every publication. */
export interface Publication {
  readonly ordinal: number;
  /** SHA-256 of the file, hexadecimal: also its name. */
  readonly id: string;
  readonly publishedAt: string;
}

/** As many as hunts may lag behind; each is 130 bytes of the pointer. */
const MAX_EARLIER = 64;

/** What stood before a publication, the oldest first, when it is followed by another one. */
export function earlierThanNext(
  current: (Publication & { readonly earlier: readonly Publication[] }) | null,
): readonly Publication[] {
  if (current === null) return [];
  const { ordinal, id, publishedAt, earlier } = current;
  return [...earlier, { ordinal, id, publishedAt }].slice(-MAX_EARLIER);
}
