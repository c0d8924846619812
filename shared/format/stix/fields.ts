// Fields of an object that a feed sent: of any type, or absent.

export type Fields = Readonly<Record<string, unknown>>;

/** Null for what is no object. */
export function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

/** Only what the object itself holds: a parser that assigns `__proto__` must not lend it fields. */
export function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function textField(fields: Fields, name: string): string | null {
  const value = field(fields, name);
  return typeof value === 'string' ? value : null;
}

/** The texts of a list; what is no text in it, or no list, is left out. */
export function textsField(fields: Fields, name: string): readonly string[] {
  const value = field(fields, name);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
