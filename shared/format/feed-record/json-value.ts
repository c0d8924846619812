// Values of parsed JSON, and cells of a table, as the text that they stand for. Nothing here looks deeper than one array.

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Trimmed text of a string, a number or a boolean; empty for anything else. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return trimBlanks(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The texts of a list, or of the one value that stands where a list may. */
export function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value.map(textOf) : [textOf(value)]).filter(Boolean);
}

/** Old exports write booleans as numbers or as text. */
export function isTrue(value: unknown): boolean {
  const text = textOf(value);
  return text === '1' || (text.length === 4 && text.toLowerCase() === 'true');
}

/** Said to be false: what is missing is not. */
export function isFalse(value: unknown): boolean {
  const text = textOf(value);
  return text.length <= 5 && ['0', 'no', 'false'].includes(text.toLowerCase());
}

/** A list; a lone value is a list of one, as exports converted from XML write it; nothing is an empty list. */
export function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** ASCII blanks only: a no-break space within a value is a mistake to be shown. By hand, as `/[ \t]+$/` is quadratic. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
